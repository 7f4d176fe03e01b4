"""What is Go's own: a save that does not compile, embedded files, modules in a vendor folder, a program on scratch."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest

from ddd_tasks import languages
from tests import support
from tests.examples import SERVICE, by_rename, example_of
from tests.support import Stack

# The module of a shop that greets in words of a dependency and of an embedded file; no proxy is asked for either.
SHOP = {
    "go.mod": "module example.test/shop\n\ngo 1.24\n\nrequire example.test/words v1.0.0\n",
    "vendor/modules.txt": "# example.test/words v1.0.0\n## explicit; go 1.24\nexample.test/words\n",
    "vendor/example.test/words/words.go": 'package words\n\nfunc Greeting() string { return "welcome" }\n',
    "cmd/shop/name.txt": "shop",
    "cmd/shop/main.go": """\
package main

import (
	_ "embed"
	"fmt"
	"log"
	"net/http"

	"example.test/words"
)

//go:embed name.txt
var name string

func main() {
	http.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, words.Greeting(), " to the ", name)
	})
	log.Fatal(http.ListenAndServe(":9100", nil))
}
""",
}
PROD = """\
services:
  prod:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    healthcheck: {interval: 1s, start_interval: 200ms, start_period: 10s, retries: 1}
    environment: {HEALTH: "${HEALTH_PATH}"}
"""


@pytest.mark.usefixtures("bases")
def test_a_save_that_does_not_compile_leaves_the_service_running() -> None:
    with example_of(languages.get("go")) as example:
        example.stack.ddd("dev.up", timeout=900).ok()
        example.wait_for("visits")

        def log() -> str:
            return example.stack.run("docker", "compose", "logs", SERVICE).out

        by_rename(example.source, example.text + "\nfunc broken() { return 1 }\n")
        support.wait_until(lambda: "not built" in log(), seconds=60, what="the compiler's error in the log")
        assert "main.go" in log()
        assert "too many return values" in log()
        assert example.answer()["service"] == "visits"

        by_rename(example.source, example.named("mended"))
        example.wait_for("mended")


@pytest.mark.usefixtures("bases")
def test_a_vendored_module_with_an_embedded_file(stack: Callable[..., Stack]) -> None:
    shop = stack(SHOP)
    env = {"SHOP_PORT": str(support.free_port())}
    shop.ddd("init", "--name", "shop").ok()
    shop.ddd("dev.up", env=env, timeout=900).ok()
    (url,) = json.loads(shop.ddd("dev.url", "--json", env=env).ok().out)

    def says(text: str) -> bool:
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/ping", timeout=5) as response:
                return bool(response.read().decode() == text)
        except OSError:
            return False  # restarting

    assert says("welcome to the shop")
    by_rename(shop.directory / "cmd/shop/name.txt", "fair")
    support.wait_until(lambda: says("welcome to the fair"), seconds=60, what="the embedded file")

    shop.write({"prod.yaml": PROD})
    served = {"COMPOSE_FILE": "prod.yaml", "HEALTH_PATH": "/ping"}
    states = json.loads(shop.ddd("dev.up", "--json", env=served, timeout=600).ok().out)
    assert {state["service"]: state["health"] for state in states}["prod"] == "healthy"
    asked = shop.ddd("dev.exec", "--service", "prod", "--", "/health", env=served)  # there is no shell in scratch
    assert (asked.status, asked.out) == (0, "")
    lost = shop.ddd("dev.up", env={**served, "HEALTH_PATH": "/nowhere"}, timeout=600)
    assert lost.status != 0
    assert "GET /nowhere: 404" in lost.out + lost.err
