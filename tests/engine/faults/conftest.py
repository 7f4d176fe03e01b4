"""One running service for the tests of a module, and the counts at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.faults import subjects
from tests.support import Stack, make_stack

_HERE = Path(__file__).parent.name
_counts = {"survived": 0, "failed": 0, "leaks": 0}


@pytest.fixture(scope="module")
def api(bases: None) -> Iterator[Stack]:
    """A running service that mounts its project."""
    stack = make_stack(subjects.FILES)
    try:
        stack.ddd("dev.up").ok()
        yield stack
    finally:
        stack.down()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if f"/{_HERE}/" not in report.nodeid:
        return
    if report.when == "call" and report.outcome in ("passed", "failed"):  # neither skipped nor tried again
        _counts["survived" if report.passed else "failed"] += 1
    if report.failed and "left on the engine" in report.longreprtext:
        _counts["leaks"] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counts["survived"] or _counts["failed"]:
        total = _counts["survived"] + _counts["failed"]
        line = f"faults survived: {_counts['survived']} of {total}, leaks found: {_counts['leaks']}"
        terminalreporter.write_line(line)
