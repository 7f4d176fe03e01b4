"""The whole way with every language: dev.up, monitor.up, traffic, monitor.check, as hardened production containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ddd_tasks.monitoring import boardfile
from tests.monitoring import IDLE, SERVICES, Services, example_services, steady
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("bases")


@pytest.fixture(scope="module")
def monitored() -> Iterator[Services]:
    with example_services() as services:
        services.visit()
        services.stack.ddd("monitor.up", timeout=600).ok()
        with steady(list(services.urls.values()), rps=10):
            yield services


def check(services: Services, *words: str) -> tuple[int, dict[str, Any]]:
    services.visit()
    ran = services.stack.ddd("monitor.check", "--json", *words, timeout=120)
    return ran.status, json.loads(ran.out)


def without_data(said: dict[str, Any]) -> set[tuple[str, str]]:
    """The panels that are idle or broken: service and title."""
    rows = [(board["service"], panel) for board in said["services"] for panel in board["details"]]
    return {(service, panel["title"]) for service, panel in rows if panel["status"] != "data"}


def test_the_panels_of_every_language_have_data(monitored: Services) -> None:
    # The requests that no port leads to are few: their rates come with a later scrape.
    wait_until(lambda: without_data(check(monitored)[1]) == IDLE, seconds=45, what=f"data in all panels but {IDLE}")
    ran = monitored.stack.ddd("monitor.check", timeout=120).ok()
    counts = {board["service"]: board for board in check(monitored)[1]["services"]}
    assert sorted(counts) == sorted(SERVICES)
    for name, board in counts.items():
        assert f"{name}: " in ran.out
        assert f" of {board['panels']} panels have data" in ran.out


def test_a_committed_dashboard_with_another_name_for_a_metric_is_found_out(monitored: Services) -> None:
    file = monitored.stack.directory / boardfile.FOLDER / "python.json"
    monitored.stack.ddd("monitor.dashboard", "--service", "python").ok()
    try:
        file.write_text(file.read_text().replace("http_requests_total", "http_requests_renamed_total"))
        status, said = check(monitored, "--service", "python")
    finally:
        file.unlink()
    assert (status, said["services"][0]["broken"] > 0) == (1, True)


def test_a_dashboard_that_cannot_be_read_is_a_finding_and_the_others_are_checked(monitored: Services) -> None:
    file = monitored.stack.directory / boardfile.FOLDER / "go.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{")
    try:
        status, said = check(monitored)
    finally:
        file.unlink()
    broken = [(one["kind"], one["where"]) for one in said["findings"] if one["broken"]]
    assert (status, broken) == (1, [("dashboard", "go")])
    assert sorted(board["service"] for board in said["services"]) == sorted({*SERVICES} - {"go"})
