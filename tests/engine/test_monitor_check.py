"""monitor.query and monitor.check: a dashboard on a real Prometheus that scrapes a service at work."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ddd_tasks import languages
from ddd_tasks.errors import ExitCode
from ddd_tasks.monitoring import board
from ddd_tasks.monitoring.boardfile import FOLDER
from tests.examples import SERVICE, example_of
from tests.monitoring import steady
from tests.support import Ran, Stack, wait_until

pytestmark = pytest.mark.usefixtures("bases")

PANEL = "Requests per second"


class Monitored(NamedTuple):
    """The project, and its dashboard as it was generated."""

    stack: Stack
    file: Path
    board: dict[str, Any]

    def check(self, value: dict[str, Any]) -> tuple[Ran, dict[str, Any]]:
        """What monitor.check says of another dashboard."""
        self.file.write_text(json.dumps(value))
        ran = self.stack.ddd("monitor.check", "--json")
        return ran, dict(json.loads(ran.out))

    def changed(self, change: Callable[[str], str]) -> dict[str, Any]:
        """The dashboard with another expression in the first panel."""
        value = copy.deepcopy(self.board)
        target = next(one for one in board.panels(value) if one["title"] == PANEL)["targets"][0]
        before = target["expr"]
        target["expr"] = change(before)
        assert target["expr"] != before
        return value


@pytest.fixture(scope="module")
def monitored() -> Iterator[Monitored]:
    with example_of(languages.get("python")) as example:
        stack, file = example.stack, example.stack.directory / FOLDER / f"{SERVICE}.json"
        assert stack.ddd("monitor.check").status == ExitCode.NOT_RUNNING
        stack.ddd("dev.up", timeout=600).ok()
        with steady(example.url, rps=5):
            wait_until(lambda: example.answer().get("visits", 0) > 3, what="visits")
            stack.ddd("monitor.up", timeout=600).ok()
            stack.ddd("monitor.dashboard").ok()
            yield Monitored(stack, file, json.loads(file.read_text()))


def statuses(said: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of each panel."""
    return {
        panel["title"]: (
            panel["status"],
            next(one["why"] or "" for one in panel["queries"] if one["status"] == panel["status"]),
        )
        for panel in said["services"][0]["details"]
    }


def test_every_panel_has_data_while_the_service_works(monitored: Monitored) -> None:
    ran, said = monitored.check(monitored.board)
    (service,) = said["services"]
    panels = sum(1 for _ in board.panels(monitored.board))
    assert (ran.status, said["ok"], service["panels"], service["broken"]) == (0, True, panels, 0)
    assert service["data"] == panels, [one for one in service["details"] if one["status"] != "data"]


def test_a_metric_that_the_service_does_not_expose(monitored: Monitored) -> None:
    ran, said = monitored.check(
        monitored.changed(lambda expr: expr.replace("http_requests_total", "http_request_total"))
    )
    assert (ran.status, said["ok"]) == (1, False)
    assert statuses(said)[PANEL] == ("broken", "nothing exposes http_request_total")
    assert said["services"][0]["broken"] == 1


def test_an_expression_that_is_no_promql(monitored: Monitored) -> None:
    ran, said = monitored.check(monitored.changed(lambda expr: expr.replace("sum by (", "sum by ((")))
    assert (ran.status, said["services"][0]["broken"]) == (1, 1)
    assert statuses(said)[PANEL] == ("broken", '1:9: parse error: unexpected "(" in grouping opts, expected label')


def test_a_panel_without_traffic_is_idle(monitored: Monitored) -> None:
    ran, said = monitored.check(monitored.changed(lambda expr: expr.replace("{", '{status=~"5..", ')))
    assert (ran.status, said["ok"], said["services"][0]["idle"]) == (0, True, 1)
    status, why = statuses(said)[PANEL]
    assert status == "idle"
    assert why.startswith("no series yet that matches http_requests_total{")


def test_what_is_broken_is_said_in_words(monitored: Monitored) -> None:
    value = monitored.changed(lambda expr: expr.replace("{", '{code=~"5..", '))
    closed = next(one for row in value["panels"] for one in row.get("panels", ()) if one["title"] == "up")
    closed["targets"][0]["expr"] = "upp"
    closed["gridPos"]["w"] = 99
    monitored.file.write_text(json.dumps(value))
    ran = monitored.stack.ddd("monitor.check")
    panels = sum(1 for _ in board.panels(value))
    assert ran.status == 1
    assert f"{SERVICE}: {panels - 2} of {panels} panels have data" in ran.out
    why = "no series of http_requests_total has the label code; they have instance, job, method, route, status"
    assert f"broken: {SERVICE}: panel '{PANEL}', query A: {why}" in ran.out
    assert '\n  sum by (status) (irate(http_requests_total{code=~"5..", job=~"visits"' in ran.out
    assert f"broken: {SERVICE}: panel 'up', query A: nothing exposes upp; did you mean up?\n  upp\n" in ran.out
    assert "99 is greater than the maximum of 24" in ran.out


def test_an_expression_is_asked_for(monitored: Monitored) -> None:
    stack = monitored.stack
    said = json.loads(stack.ddd("monitor.query", "sum(up)", "--json").ok().out)
    assert (said["kind"], said["series"][0]["value"]) == ("vector", 1)
    table = stack.ddd("monitor.query", 'up{job="visits"}').ok().out.splitlines()
    assert (table[0].split(), table[1].split()[0], table[1].split()[-1]) == (
        ["METRIC", "INSTANCE", "JOB", "VALUE"],
        "up",
        "1",
    )
    over = json.loads(stack.ddd("monitor.query", "up", "--range", "10s", "--json").ok().out)
    assert (over["kind"], {value for _, value in over["series"][0]["points"]}) == ("matrix", {1})

    nothing = stack.ddd("monitor.query", "http_request_total").ok()
    assert (nothing.out, "did you mean http_requests_total" in nothing.err) == ("", True)
    wrong = stack.ddd("monitor.query", "sum by (a (up)")
    assert wrong.status == ExitCode.CONFIG
    assert "Prometheus refuses 'sum by (a (up)'\ncause: 1:11: parse error: unexpected \"(\"" in wrong.err


def test_what_was_measured_before_is_no_scrape_of_a_prometheus_that_has_just_begun(monitored: Monitored) -> None:
    monitored.stack.run("docker", "restart", f"{monitored.stack.name}-ddd-prometheus-1").ok()
    ran, said = monitored.check(monitored.board)
    assert (ran.status, [one for one in said["findings"] if one["broken"]]) == (0, [])


def test_a_service_that_is_not_scraped_is_said_first(monitored: Monitored) -> None:
    monitored.stack.run("docker", "compose", "stop", "--timeout", "1", SERVICE).ok()
    monitored.file.write_text(json.dumps(monitored.board))
    ran = monitored.stack.ddd("monitor.check")
    assert ran.status == 1
    assert ran.err.startswith(f"warning: not scraped: {SERVICE}: stopped: none of its containers runs\n")
    assert "broken: " not in ran.out
