"""A plugin of pytest, `-p docs.compatibility.recorder`: what a run came to, as JSON in the file DDD_COMPAT_RECORD."""

from __future__ import annotations

import json
import os
import platform
from contextlib import closing
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import process
from ddd_tasks.engine import info
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError
from docs.compatibility import ENGINE, FOLDER, PAGE, Record, load, page

FILE = "DDD_COMPAT_RECORD"
_PACKAGES = ("ddd-tasks", "invoke", "nox", "pytest")
_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # not interrupted, and not without any test
_DONE = ("passed", "failed", "skipped", "error", "xfailed", "xpassed")
_SELF = ("-p", __name__)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the record, and the page where it is one of its; not of an interrupted run, nor unless somebody asked."""
    if not os.environ.get(FILE) or exitstatus not in _ENDED:
        return
    file = Path(os.environ[FILE])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record(session), indent=2) + "\n", encoding="utf-8")
    if file.resolve().parent == FOLDER.resolve():
        PAGE.write_text(page(load()), encoding="utf-8")


def record(session: pytest.Session) -> Record:
    """Versions, what was run, and how many did what."""
    stats: dict[str, list[Any]] = session.config.pluginmanager.get_plugin("terminalreporter").stats  # type: ignore[union-attr]
    counts = {word: len(stats.get(word, ())) for word in ("passed", "failed", "skipped", "deselected")}
    done = {report.nodeid for word in _DONE for report in stats.get(word, ())}
    tests = [str(word).rstrip("/") for word in session.config.args]
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(session.config.rootpath),
        "versions": versions(engine=any(item.nodeid.startswith(f"{ENGINE}/") for item in session.items)),
        "tests": tests,
        "arguments": _arguments(session.config.invocation_params.args),
        "whole": not counts["deselected"] and len(done) == session.testscollected,
        **counts,
        "errors": len(stats.get("error", ())),
        "rerun": len(stats.get("rerun", ())),
        "failures": sorted({report.nodeid for word in ("failed", "error") for report in stats.get(word, ())}),
    }


def versions(*, engine: bool) -> dict[str, str]:
    """Of Python and the packages, and of what answers on the engine's socket and its tools where they were used."""
    found = {"python": platform.python_version(), **_packages()}
    if not engine:
        return found
    with closing(Engine.connect()) as client:
        answer = client.get("/version")
    return {**found, "engine": engine_name(answer), "compose": info.compose_version(), "buildx": info.buildx_version()}


def engine_name(answer: dict[str, Any]) -> str:
    """`Docker Engine 28.5.2` or `Podman 5.4.0`, from what /version answers."""
    names = [str(part.get("Name", "")) for part in answer.get("Components") or ()]
    return f"{'Podman' if any('Podman' in name for name in names) else 'Docker Engine'} {answer['Version']}"


def _packages() -> dict[str, str]:
    known = {one.metadata["Name"].lower(): one.version for one in metadata.distributions() if one.metadata["Name"]}
    return {name: known[name] for name in _PACKAGES if name in known}


def _arguments(given: Any) -> list[str]:
    words = [str(word) for word in given]
    at = next((n for n in range(len(words)) if tuple(words[n : n + 2]) == _SELF), None)
    return words if at is None else [*words[:at], *words[at + 2 :]]


def _commit(folder: Path) -> str:
    try:
        commit = process.capture(["git", "describe", "--always"], cwd=folder).stdout.strip()
        others = [".", ":(exclude)docs/compatibility.md", ":(exclude)docs/compatibility/records"]  # not this run's own
        changed = process.capture(["git", "status", "--porcelain", "--", *others], cwd=folder).stdout.strip()
        return f"{commit}-dirty" if changed else commit
    except DddError:  # a source distribution, or no git
        return "unknown"
