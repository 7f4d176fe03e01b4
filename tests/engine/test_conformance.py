"""One scenario for every registered language: an empty folder, `ddd init`, and then the whole loop."""

from __future__ import annotations

import json
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.language import Language
from ddd_tasks.languages import LANGUAGES
from tests import support
from tests.support import Stack

# Each example answers GET / with its name under "service", and its tests expect that name: one edit shows in the
# running service and makes the tests fail.
NAME = re.compile(r"""(\bservice["']?\s*[:=]\s*)"visits\"""", re.IGNORECASE)
# The example's own name: with it, what is built here is built from the same files as everywhere else in the suite.
CALLED = ("--name", "visits")

PROD = """\
services:
  prod:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    healthcheck: {interval: 1s, start_period: 30s, start_interval: 200ms}  # with the test of the image
    ports: ["127.0.0.1:%d:%d"]
"""


@pytest.fixture(params=LANGUAGES, ids=[language.name for language in LANGUAGES])
def made(request: pytest.FixtureRequest, bases: None) -> Iterator[tuple[Stack, dict[str, Any], dict[str, str]]]:
    """What `ddd init` makes in an empty folder, its plan, and the variables with a free port for the service."""
    language: Language = request.param
    stack = Stack(Path(tempfile.gettempdir()).resolve() / support.unique())
    stack.directory.mkdir()
    try:
        plan = json.loads(stack.ddd("init", "--language", language.name, *CALLED, "--json").ok().out)
        yield stack, plan["services"][0], {"VISITS_PORT": str(support.free_port())}
    finally:
        stack.down()


def answer(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.loads(response.read())


def rename(directory: Path) -> None:
    """Save, in the way editors do, the one source file that names the service: as a new file in its place."""
    sources = (
        path
        for path in directory.rglob("*.*")
        if path.is_file() and not re.search(r"test|(^|/)\.", str(path.relative_to(directory)))
    )
    file = next(path for path in sources if NAME.search(path.read_text(errors="replace")))
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(NAME.sub(r'\1"edited"', file.read_text()))
    draft.replace(file)


def left(stack: Stack) -> str:
    """Images and containers that are the project's."""
    mine = ["--filter", f"label=com.docker.compose.project={stack.name}"]
    ours = ["--filter", f"label=ddd-tasks.project={stack.directory}"]
    found = [stack.run("docker", "ps", "--all", "--quiet", *label).ok().out for label in (mine, ours)]
    found += [stack.run("docker", "images", "--quiet", *label).ok().out for label in (mine, ours)]
    return "".join(found)


def test_the_loop(made: tuple[Stack, dict[str, Any], dict[str, str]]) -> None:
    stack, _, env = made
    assert "nothing to do" in stack.ddd("init").ok().err

    (state,) = json.loads(stack.ddd("dev.up", "--json", env=env, timeout=600).ok().out)
    assert (state["service"], state["state"], state["health"], state["stage"]) == (
        "visits",
        "running",
        "healthy",
        "dev",
    )
    (url,) = json.loads(stack.ddd("dev.url", "--json", env=env).ok().out)
    assert url.endswith(env["VISITS_PORT"])
    assert answer(url) == {"service": "visits", "visits": 1}
    assert answer(url)["visits"] == 2
    assert stack.ddd("dev.exec", "--", "sh", "-c", "exit 7", env=env).status == 7

    passed = stack.nox("-s", "test-in-container", "lint-in-container", env=env, timeout=600)
    assert passed.status == 0, passed.out + passed.err

    rename(stack.directory)

    def shows() -> bool:
        try:
            return bool(answer(url)["service"] == "edited")
        except OSError:
            return False  # restarting

    support.wait_until(shows, what="the edit in the running service")
    failed = stack.nox("-s", "test-in-container", env=env, timeout=600)
    assert failed.status == 1
    assert "edited" in failed.out + failed.err

    stack.ddd("dev.clean", "--volumes", env=env).ok()
    assert left(stack) == ""


def test_prod_serves_without_rights(made: tuple[Stack, dict[str, Any], dict[str, str]]) -> None:
    stack, service, _ = made
    env = {"COMPOSE_FILE": "prod.yaml"}
    stack.write({"prod.yaml": PROD % (support.free_port(), service["port"])})

    (state,) = json.loads(stack.ddd("dev.up", "--json", env=env, timeout=600).ok().out)
    assert (state["state"], state["health"]) == ("running", "healthy")
    (url,) = json.loads(stack.ddd("dev.url", "--json", env=env).ok().out)
    assert answer(url) == {"service": "visits", "visits": 1}
    inside = json.loads(stack.run("docker", "inspect", f"{stack.name}-prod-1").ok().out)[0]
    assert inside["Config"]["User"] == "10001:10001"

    stack.ddd("dev.clean", env=env).ok()
    assert left(stack) == ""
