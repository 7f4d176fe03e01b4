"""monitor.dashboard: from the metrics page of a running service to a file that shows its families."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.errors import ExitCode
from ddd_tasks.monitoring import board
from ddd_tasks.monitoring.lint import lint
from tests.examples import SERVICE, example_of
from tests.support import Stack

pytestmark = pytest.mark.usefixtures("bases")

# What the example counts itself, and two that come with the client library.
FAMILIES = (
    "http_requests_total",
    "http_request_duration_seconds",
    "process_resident_memory_bytes",
    "python_gc_collections_total",
)


def test_a_dashboard_of_a_running_service() -> None:
    with example_of(languages.get("python")) as example:
        stack, file = example.stack, example.stack.directory / "monitor" / "dashboards" / f"{SERVICE}.json"
        refused = stack.ddd("monitor.dashboard")
        assert refused.status == ExitCode.NOT_RUNNING
        assert f"service '{SERVICE}' is not running" in refused.err
        stack.ddd("dev.up", timeout=600).ok()
        for _ in range(3):
            urllib.request.urlopen(example.url, timeout=5).close()

        said = json.loads(stack.ddd("monitor.dashboard", "--json").ok().out)
        assert (said["service"], said["file"], said["change"]) == (SERVICE, str(file), "new")
        _shows_the_families(json.loads(file.read_text()))
        _is_the_users_once_edited(stack, file)
        _is_the_same_from_prometheus(stack, file)
        _remembers_what_was_chosen(stack, file)
        _stays_when_the_page_is_another_one(stack, file)
        _comes_from_prometheus_where_no_port_is_published(stack, file)


def _shows_the_families(value: dict[str, Any]) -> None:
    expressions = "\n".join(target["expr"] for panel in board.panels(value) for target in panel.get("targets", ()))
    assert [name for name in FAMILIES if name not in expressions] == []
    assert 'status=~"5.."' in expressions
    assert lint(value) == []


def _is_the_users_once_edited(stack: Stack, file: Path) -> None:
    assert stack.ddd("monitor.dashboard", "--diff").status == 0  # the same page, the same bytes
    written = file.read_text()
    file.write_text(written.replace('"refresh": "5s"', '"refresh": "1m"'))
    assert stack.ddd("monitor.dashboard").status == ExitCode.CONFIG
    differs = stack.ddd("monitor.dashboard", "--diff")
    assert differs.status == 1
    assert '-  "refresh": "1m",\n+  "refresh": "5s",' in differs.out
    assert '"1m"' in file.read_text()
    stack.ddd("monitor.dashboard", "--force").ok()
    assert file.read_text() == written


def _stays_when_the_page_is_another_one(stack: Stack, file: Path) -> None:
    written = file.read_bytes()
    page = {"services": {SERVICE: {"x-ddd": {"metrics": {"path": "/"}}}}}
    stack.write({"compose.override.yaml": json.dumps(page)})
    refused = stack.ddd("monitor.dashboard", "--force")
    assert refused.status == ExitCode.UNSUPPORTED
    assert "it is JSON" in refused.err
    assert file.read_bytes() == written


def _is_the_same_from_prometheus(stack: Stack, file: Path) -> None:
    refused = stack.ddd("monitor.dashboard", "--from", "prometheus")
    assert (refused.status, "no Prometheus runs" in refused.err) == (ExitCode.NOT_RUNNING, True)
    stack.ddd("monitor.up", timeout=600).ok()
    stack.ddd("monitor.dashboard", "--from", "page").ok()
    same = stack.ddd("monitor.dashboard", "--from", "prometheus", "--diff", "--json").ok()
    assert (json.loads(same.out)["from"], json.loads(same.out)["change"]) == ("prometheus", "same")
    assert FAMILIES[0] in file.read_text()


def _remembers_what_was_chosen(stack: Stack, file: Path) -> None:
    stack.ddd("monitor.dashboard", "--match", "http_.*").ok()
    chosen = file.read_text()
    assert ("http_requests_total" in chosen, "python_gc" in chosen) == (True, False)
    again = stack.ddd("monitor.dashboard", "--diff").ok()  # without --match, and so without a difference
    assert "only what matches 'http_.*'" in again.err
    wrong = stack.ddd("monitor.dashboard", "--match", "http_request", "--force")
    assert (wrong.status, "valid: http_request_duration_seconds, http_requests_total" in wrong.err) == (78, True)
    assert file.read_text() == chosen
    stack.ddd("monitor.dashboard", "--match", ".*").ok()
    assert "python_gc" in file.read_text()


def _comes_from_prometheus_where_no_port_is_published(stack: Stack, file: Path) -> None:
    (stack.directory / "compose.override.yaml").write_text(f"services: {{{SERVICE}: {{ports: !reset []}}}}\n")
    stack.ddd("dev.up", timeout=120).ok()
    refused = stack.ddd("monitor.dashboard", "--from", "page")
    assert (refused.status, "port 8000 of service" in refused.err) == (ExitCode.UNSUPPORTED, True)
    made = json.loads(stack.ddd("monitor.dashboard", "--json", timeout=60).ok().out)
    assert (made["from"], made["change"]) == ("prometheus", "changed")  # the new container has no requests yet
    assert made["no_series_yet"] == ["http_request_duration_seconds", "http_requests_total"]
    assert all(name in file.read_text() for name in FAMILIES)
