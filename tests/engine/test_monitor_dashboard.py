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
        _stays_when_the_page_is_another_one(stack, file)


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
