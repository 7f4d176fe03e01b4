"""Bad metrics pages: what monitor.dashboard says of each, and what is said of a scrape that fails at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ddd_tasks import resources
from ddd_tasks.errors import ExitCode
from ddd_tasks.monitoring.api import Prometheus, Target
from ddd_tasks.monitoring.plain import REASONS, plain
from tests import support
from tests.engine.bad_pages import serve
from tests.monitoring import prometheus_url
from tests.support import Ran, Stack, wait_until

REFUSED, SILENT = ExitCode.UNSUPPORTED, ExitCode.NOT_RUNNING
NOBODY = "ddd-nobody"
TARGETS = ".ddd/monitor/prometheus/targets/services.json"


class Bad(NamedTuple):
    """A page. said: by monitor.dashboard, with its status; scrape: why its scrape fails, "" if it does not."""

    path: str
    status: int
    said: str
    scrape: str


BAD = [
    Bad("html", REFUSED, "it is HTML", "is HTML, a page for browsers"),
    Bad("html-as-text", REFUSED, "it is HTML", "is HTML that calls itself text"),
    Bad("redirect", REFUSED, "it is HTML", "is HTML, a page for browsers"),
    Bad("loop", REFUSED, "only leads on to others", "only leads on to other pages"),
    Bad("json", REFUSED, "it is JSON", "the Content-Type of /json is application/json"),
    Bad("json-as-text", REFUSED, "it is JSON", "is JSON that calls itself text"),
    Bad(
        "octets", REFUSED, "its Content-Type is application/octet-stream", "is application/octet-stream; a metrics page"
    ),
    Bad("untyped", REFUSED, "it has no Content-Type", "has no Content-Type"),
    Bad("empty", REFUSED, "it is empty", ""),
    Bad("broken", REFUSED, "line 4 is broken", "is broken, at jobs_failed_total{kind=m"),
    Bad("broken-value", REFUSED, "line 4 is broken", "is broken, at jobs_failed_total seven"),
    Bad("no-newline", REFUSED, "line 4 is broken", "is broken, at jobs_failed_to"),
    Bad("no-eof", REFUSED, "it was cut off", "the line # EOF, which is missing"),
    Bad("cut", REFUSED, "922 bytes of it did not come", "/cut was cut off: the service ended"),
    Bad("bytes", REFUSED, "it is no text in UTF-8", "is no text in UTF-8"),
    Bad("twice-open", REFUSED, "clashes", ""),
    Bad("large", REFUSED, "it is too large", "is larger than 16MB, the body_size_limit set in .ddd/monitor"),
    Bad("401", REFUSED, "behind a login", "status 401: /401 is behind a login"),
    Bad("403", REFUSED, "behind a login", "status 403: /403 is behind a login"),
    Bad("404", REFUSED, "the page is elsewhere", "status 404: there is no page at /404"),
    Bad("500", REFUSED, "500 Internal Server Error", "answered 500 Internal Server Error"),
    Bad("hang-up", SILENT, "closed the connection", "closed the connection without an answer"),
    Bad("slow", SILENT, "does not answer in time", "no whole page came within 5 s"),
]
# What a dashboard is made of: its number of metrics, and what is said besides.
GOOD = [
    Bad("exemplars", 2, "", ""),
    Bad("twice", 1, "", ""),
    Bad("same-sample", 1, "", ""),
    Bad("comments", 1, "no series yet: jobs", ""),
    Bad("many", 1, "50000 series: Prometheus takes no page with more than 20000", "has more than 20000 series"),
    Bad("long-value", 1, "a value of 600 characters", "label user of visits_total has a value of 600 characters"),
]
# Where nothing that can be scraped is: the address, and the scheme.
ELSEWHERE = {
    "refused": ("{host}:8002", "http", "nothing listens on port 8002 of {host}"),
    "no-host": (f"{NOBODY}:8000", "http", f"no running container is named {NOBODY}"),
    "not-http": ("{host}:8001", "http", "what answers on port 8001 of {host} does not speak HTTP"),
    "not-https": ("{host}:8000", "https", "port 8000 of {host} speaks http, not https"),
}
# Asks the module of the page for the words of each.
ASK = """\
import { readFileSync } from "node:fs";
import { explain } from "/web/js/banners.js";
const { reasons, told } = JSON.parse(readFileSync("/page/told.json"));
console.log(JSON.stringify(told.map(([error, url, service]) => explain(error, url, service, reasons))));
"""


def compose(path: str = "good") -> str:
    service = {
        "image": support.base("python:3.13-slim-trixie"),
        "init": True,
        "command": ["python", "/serve.py"],
        "volumes": ["./serve.py:/serve.py:ro"],
        "ports": [f"127.0.0.1::{serve.PORT}"],
        "x-ddd": {"metrics": {"port": serve.PORT, "path": f"/{path}"}},
    }
    return json.dumps({"services": {"api": service}})


def lead_to(stack: Stack, path: str) -> None:
    """Say that the metrics are on another path: the container needs not be made anew for that."""
    override = {"services": {"api": {"x-ddd": {"metrics": {"path": f"/{path}"}}}}}
    stack.write({"compose.override.yaml": json.dumps(override)})


@pytest.fixture(scope="module")
def pages(bases: None) -> Iterator[Stack]:
    stack = support.make_stack({"compose.yaml": compose(), "serve.py": Path(serve.__file__).read_text()})
    try:
        stack.ddd("dev.up", timeout=300).ok()
        stack.ddd("monitor.up", timeout=600).ok()
        # They are scraped while the dashboards are tried.
        stack.write({TARGETS: json.dumps(targets(f"{stack.name}-api-1"))})
        yield stack
    finally:
        stack.down()


def dashboard(stack: Stack, path: str, *words: str) -> Ran:
    lead_to(stack, path)
    ran = stack.ddd("monitor.dashboard", "--service", "api", *words, timeout=60)
    assert "Traceback" not in ran.err
    return ran


@pytest.mark.parametrize("bad", BAD, ids=[bad.path for bad in BAD])
def test_no_dashboard_is_made_of_it(pages: Stack, bad: Bad) -> None:
    ran = dashboard(pages, bad.path)
    assert (ran.status, bad.said in ran.err) == (bad.status, True), ran.err
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["error", "cause", "try"]
    assert not (pages.directory / "monitor").exists()


@pytest.mark.parametrize("good", GOOD, ids=[good.path for good in GOOD])
def test_what_is_odd_and_yet_can_be_used(pages: Stack, good: Bad) -> None:
    ran = dashboard(pages, good.path, "--diff", "--json")
    assert (ran.status, good.said in ran.err) == (1, True), ran.err
    assert json.loads(ran.out)["metrics"] == good.status
    assert not (pages.directory / "monitor").exists()


@pytest.fixture(scope="module")
def scraped(pages: Stack) -> dict[str, Target]:
    """The target of each, after its first scrape; then none of them is scraped any more."""
    prometheus = Prometheus(prometheus_url(pages))

    def all_scraped() -> dict[str, Target]:
        found = {one.job: one for one in prometheus.targets() if one.health != "unknown"}
        return found if found.keys() >= ELSEWHERE.keys() | {bad.path for bad in (*BAD, *GOOD)} else {}

    try:
        return dict(wait_until(all_scraped, seconds=30, what="a scrape of each"))
    finally:
        pages.write({TARGETS: "[]"})


def targets(host: str) -> list[dict[str, Any]]:
    """All of them, as targets of one Prometheus."""
    rows = [_target(bad.path, f"{host}:{serve.PORT}", "http") for bad in (*BAD, *GOOD)]
    return rows + [_target(name, address.format(host=host), scheme) for name, (address, scheme, _) in ELSEWHERE.items()]


def _target(job: str, address: str, scheme: str) -> dict[str, Any]:
    return {"targets": [address], "labels": {"job": job, "__metrics_path__": f"/{job}", "__scheme__": scheme}}


@pytest.mark.parametrize("bad", [*BAD, *GOOD], ids=[bad.path for bad in (*BAD, *GOOD)])
def test_why_its_scrape_fails(scraped: dict[str, Target], bad: Bad) -> None:
    target = scraped[bad.path]
    said = plain(target.error, target.url, bad.path)
    assert (target.health, bool(target.error)) == (("down", True) if bad.scrape else ("up", False)), target
    assert bad.scrape in said, target.error
    assert not bad.scrape or said != target.error


@pytest.mark.parametrize("name", ELSEWHERE)
def test_why_nothing_is_scraped_there(scraped: dict[str, Target], pages: Stack, name: str) -> None:
    target, words = scraped[name], ELSEWHERE[name][2].format(host=f"{pages.name}-api-1")
    assert target.health == "down"
    assert words in plain(target.error, target.url, name), target.error


def test_the_page_says_the_same(scraped: dict[str, Target], pages: Stack) -> None:
    failed = [one for one in scraped.values() if one.error]
    told = [[one.error, one.url, one.job, plain(one.error, one.url, one.job)] for one in failed]
    pages.write({"page/told.json": json.dumps({"reasons": REASONS, "told": told}), "page/ask.mjs": ASK})
    binds = ["-v", f"{resources.docker('monitor', 'web')}:/web:ro", "-v", f"{pages.directory}/page:/page:ro"]
    image = support.base("node:24-trixie-slim")
    ran = pages.run("docker", "run", "--rm", "--name", support.unique(), *binds, image, "node", "/page/ask.mjs").ok()
    assert json.loads(ran.out) == [words for *_, words in told]
    assert len(told) > 20


def test_the_tasks_say_it_as_well(scraped: dict[str, Target], pages: Stack) -> None:
    lead_to(pages, "401")
    wait_until(lambda: "behind a login" in pages.ddd("monitor.targets").out, seconds=20)
    shown = pages.ddd("monitor.targets", "--json")
    (row,) = json.loads(shown.out)
    assert (shown.status, row["state"], row["error"]) == (1, "down", "server returned HTTP status 401 Unauthorized")
    checked = pages.ddd("monitor.check", timeout=60)
    assert (checked.status, "behind a login" in checked.out + checked.err) == (1, True)
    refused = dashboard(pages, "401", "--from", "prometheus")
    assert (refused.status, "behind a login" in refused.err) == (REFUSED, True)
    assert not (pages.directory / "monitor").exists()
