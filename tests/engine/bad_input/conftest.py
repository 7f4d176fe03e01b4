"""The counts of the catalogue, at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent.name
_counts = {"refused well": 0, "failed": 0, "leaks": 0}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if f"/{_HERE}/" not in report.nodeid:
        return
    if report.when == "call" and report.outcome in ("passed", "failed"):  # neither skipped nor tried again
        _counts["refused well" if report.passed else "failed"] += 1
    if report.failed and ("has left" in report.longreprtext or "left on the engine" in report.longreprtext):
        _counts["leaks"] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    total = _counts["refused well"] + _counts["failed"]
    if total:
        line = f"bad inputs tried: {total}, refused well: {_counts['refused well']}, leaks found: {_counts['leaks']}"
        terminalreporter.write_line(line)
