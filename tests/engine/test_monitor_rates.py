"""Two containers of one service and a known number of requests: what Prometheus shows is what was sent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from tests import monitoring, support
from tests.support import Stack, wait_until

pytestmark = pytest.mark.usefixtures("bases")

SERVICE = "go"
RPS = 20.0
_WINDOW = 20
_RATE = f'sum(rate(http_requests_total{{job="{SERVICE}", route="/"}}[{_WINDOW}s]))'
_TARGETS_SECONDS = SCRAPE_SECONDS + 2


def compose() -> str:
    """A service that can have several containers, each on a port of its own."""
    service: dict[str, Any] = monitoring.compose({})["services"][SERVICE]
    service["ports"] = [f"127.0.0.1::{monitoring.port_of(SERVICE)}"]
    return json.dumps({"services": {SERVICE: service}})


@pytest.fixture(scope="module")
def scaled() -> Iterator[Stack]:
    stack = support.make_stack({"compose.yaml": compose()})
    try:
        scale(stack, 2)
        stack.ddd("monitor.up", timeout=600).ok()
        yield stack
    finally:
        stack.down()


def scale(stack: Stack, number: int) -> None:
    stack.ddd("dev.up", "--scale", f"{SERVICE}={number}", timeout=600).ok()


def urls(engine: Engine, stack: Stack) -> list[str]:
    """Where this machine reaches each container of the service."""
    label = {"label": [f"com.docker.compose.project={stack.name}", f"com.docker.compose.service={SERVICE}"]}
    rows = engine.get("/containers/json", filters=label)
    return [f"http://127.0.0.1:{port['PublicPort']}/" for row in rows for port in row["Ports"]]


def prometheus(stack: Stack) -> Prometheus:
    return Prometheus(monitoring.prometheus_url(stack))


def test_the_shown_rate_of_two_containers_is_what_was_sent(scaled: Stack, engine: Engine) -> None:
    at, ask = urls(engine, scaled), prometheus(scaled)
    assert len(at) == 2
    with monitoring.steady(at, RPS, seconds=60) as traffic:
        time.sleep(_WINDOW + SCRAPE_SECONDS + 1)
        ((_, shown),) = ask.query(_RATE).series[0].points
    assert traffic.failed == 0
    assert shown == pytest.approx(RPS, rel=0.05)
    # Both were counted, and each half: the requests went to them in turns.
    halves = ask.query(_RATE.replace("sum(", "sum by (instance) (")).series
    assert sorted(one.labels["instance"] for one in halves) == addresses(scaled, 2)


def addresses(stack: Stack, number: int) -> list[str]:
    port = monitoring.port_of(SERVICE)
    return [f"{stack.name}-{SERVICE}-{one}:{port}" for one in range(1, number + 1)]


def test_the_targets_follow_the_scale(scaled: Stack) -> None:
    ask = prometheus(scaled)
    for number in (3, 1):
        scale(scaled, number)
        wait_until(
            partial(is_known, ask, addresses(scaled, number)), seconds=_TARGETS_SECONDS, what=f"{number} targets"
        )
        # A target has its own moment within the interval, for its first scrape as well.
        wait_until(lambda: {one.health for one in ask.targets()} == {"up"}, seconds=_TARGETS_SECONDS, what="scrapes")


def is_known(ask: Prometheus, wanted: list[str]) -> bool:
    return sorted(one.instance for one in ask.targets()) == wanted
