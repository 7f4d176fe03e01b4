"""monitor.up, targets, open, logs, down: Prometheus beside a project whose services are reached in different ways."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ExitCode
from tests import support
from tests.monitoring import page_service, prometheus_url
from tests.support import Stack, wait_until


def compose() -> str:
    """front: published; back: on a network that leads nowhere; beside: in the network of front.

    quiet: without metrics; lonely: without a network; outside: in the network of the host.
    """
    port = support.free_port()
    services = {
        "front": page_service(8000, ports=["127.0.0.1::8000"], **{"x-ddd": {"metrics": {"port": 8000}}}),
        "back": page_service(
            9000, networks=["inner"], labels={"prometheus.io/scrape": "true", "prometheus.io/port": "9000"}
        ),
        "beside": page_service(
            8001, network_mode="service:front", **{"x-ddd": {"metrics": {"port": 8001, "path": "/m"}}}
        ),
        "outside": page_service(port, network_mode="host", **{"x-ddd": {"metrics": {"port": port, "path": "/o"}}}),
        "quiet": page_service(8002),
        "lonely": page_service(8003, network_mode="none", **{"x-ddd": {"metrics": {"port": 8003}}}),
    }
    return json.dumps({"services": services, "networks": {"inner": {"internal": True}}})


@pytest.fixture(scope="module")
def monitored(bases: None) -> Iterator[Stack]:
    stack = support.make_stack({"compose.yaml": compose()})
    try:
        assert stack.ddd("monitor.open", "--print").status == ExitCode.NOT_RUNNING
        stack.ddd("dev.up", timeout=300).ok()
        stack.ddd("monitor.up", timeout=600).ok()
        yield stack
    finally:
        stack.down()


def up(stack: Stack) -> dict[str, Any]:
    return dict(json.loads(stack.ddd("monitor.up", "--json", timeout=60).ok().out))


def containers(engine: Engine, stack: Stack) -> list[dict[str, Any]]:
    label = {"label": [f"com.docker.compose.project={stack.name}", "com.docker.compose.service=ddd-prometheus"]}
    return list(engine.get("/containers/json", filters=label))


def scraped(stack: Stack) -> dict[str, str]:
    """The page of each target -> its health, as Prometheus has it."""
    with urllib.request.urlopen(f"{prometheus_url(stack)}/api/v1/targets", timeout=5) as answer:
        rows = json.loads(answer.read())["data"]["activeTargets"]
    return {
        f"{row['labels']['job']} {row['scrapeUrl'].removeprefix('http://' + stack.name)}": row["health"] for row in rows
    }


def outside(stack: Stack) -> str:
    """The page of that service, as scraped has it."""
    services = json.loads((stack.directory / "compose.yaml").read_text())["services"]
    return f"outside http://host.docker.internal:{services['outside']['x-ddd']['metrics']['port']}/o"


def index_of(stack: Stack) -> dict[str, Any]:
    """What the page reads first."""
    with urllib.request.urlopen(f"{prometheus_url(stack)}/user/boards/index.json", timeout=5) as answer:
        return dict(json.loads(answer.read()))


def boards(stack: Stack) -> set[str]:
    return {board["service"] for board in index_of(stack)["boards"]}


def test_every_service_with_metrics_is_scraped_wherever_it_is(monitored: Stack) -> None:
    pages = ("front -front-1:8000/metrics", "back -back-1:9000/metrics", "beside -front-1:8001/m", outside(monitored))
    expected = dict.fromkeys(pages, "up")
    wait_until(lambda: scraped(monitored) == expected, seconds=15, what=f"scrapes of {expected}")


def test_a_service_without_a_network_is_named_and_stops_no_other(monitored: Stack) -> None:
    said = monitored.ddd("monitor.targets", "--service", "lonely")
    assert (said.status, "down" in said.out, "`network_mode` is none" in said.out) == (1, True, True)
    assert "service 'lonely' is not scraped" in monitored.ddd("monitor.up").ok().err


def test_the_page_is_served_with_a_dashboard_where_one_can_be_made(monitored: Stack) -> None:
    page = monitored.ddd("monitor.open", "--print").ok().out.strip()
    index = index_of(monitored)
    assert (index["project"], index["scrape_seconds"]) == (monitored.name, 5)
    assert "front" in boards(monitored)
    with urllib.request.urlopen(page, timeout=5) as answer:
        assert answer.headers.get_content_type() == "text/html"


def test_up_again_changes_nothing(monitored: Stack, engine: Engine) -> None:
    (before,) = containers(engine, monitored)
    said = up(monitored)
    (after,) = containers(engine, monitored)
    assert (after["Id"], after["Created"]) == (before["Id"], before["Created"])
    assert sorted(said["services"]) == ["back", "beside", "front", "outside"]


def test_dev_up_leaves_it_alone_and_warns_of_nothing(monitored: Stack, engine: Engine) -> None:
    (before,) = containers(engine, monitored)
    ran = monitored.ddd("dev.up", "--service", "quiet", timeout=60).ok()
    assert "orphan" not in ran.err
    assert "ddd-prometheus" in monitored.ddd("dev.ps").ok().out
    assert [one["Id"] for one in containers(engine, monitored)] == [before["Id"]]


def test_its_own_words_are_shown(monitored: Stack) -> None:
    rule = monitored.directory / ".ddd" / "monitor" / "prometheus" / "rules" / "wrong.yml"
    rule.write_text("no rule")
    monitored.run("docker", "kill", "--signal", "HUP", f"{monitored.name}-ddd-prometheus-1").ok()

    def has_complained() -> bool:
        return "rules/wrong.yml" in monitored.ddd("monitor.logs", "--tail", "5").ok().out

    wait_until(has_complained, what="a complaint in the log")
    monitored.ddd("monitor.reload").ok()  # which takes it away again
    assert not rule.exists()
    refused = monitored.ddd("monitor.logs", "--tail", "x")
    assert (refused.status, "--tail was given 'x'" in refused.err) == (ExitCode.CONFIG, True)


def test_a_port_that_is_taken_and_the_end_of_all(stack: Callable[[Mapping[str, str]], Stack], engine: Engine) -> None:
    own = stack({"compose.yaml": compose()})
    before = up(own)["url"]  # nothing of the project runs: it is told of the services once they do
    own.ddd("monitor.down").ok()
    assert containers(engine, own) == []
    with socket.create_server(("127.0.0.1", int(before.rpartition(":")[2]))):
        other = up(own)["url"]
        assert other != before
    assert up(own)["url"] == other  # and it stays there
    own.ddd("dev.up", "--service", "back", timeout=60).ok()
    wait_until(lambda: scraped(own) == {"back -back-1:9000/metrics": "up"}, seconds=15)
    assert boards(own) == {"back"}  # and the page shows it
    own.ddd("dev.up", "--service", "outside", timeout=60).ok()
    said = own.ddd("monitor.targets", "--service", "outside")
    assert (said.status, "Prometheus was started without: ddd monitor.up" in said.out) == (1, True), said.out
    assert set(scraped(own)) == {"back -back-1:9000/metrics"}
    own.ddd("dev.down", "--volumes", timeout=60).ok()
    assert support.leftovers(engine, own.name) == set()
    refused = own.ddd("monitor.targets")
    assert (refused.status, "try: ddd monitor.up" in refused.err) == (ExitCode.NOT_RUNNING, True)


def test_grafana_cannot_be_wanted_and_not(monitored: Stack) -> None:
    refused = monitored.ddd("monitor.up", "--grafana", "--no-grafana")
    assert (refused.status, "--grafana and --no-grafana were given" in refused.err) == (ExitCode.CONFIG, True)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ({"web": {"image": "x"}}, "says that it has metrics"),
        ({"ddd-prometheus": {"image": "x"}}, "has the name of one that monitor.up adds"),
        ({"web": {"image": "x", "x-ddd": {"metrics": {"port": 0}}}}, "it has to be a port"),
    ],
)
def test_what_cannot_be_monitored(
    stack: Callable[[Mapping[str, str]], Stack], services: dict[str, Any], expected: str
) -> None:
    refused = stack({"compose.yaml": json.dumps({"services": services})}).ddd("monitor.up")
    assert (refused.status, expected in refused.err) == (ExitCode.CONFIG, True), refused.err
