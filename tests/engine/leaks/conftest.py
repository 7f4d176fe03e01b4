"""What is planted, the search for it, and its counts at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.leaks import agent
from tests.engine.leaks.planted import Planted, canary, plant
from tests.engine.leaks.search import TOTAL, Search


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A user whose every configuration and variable holds a canary, with an ssh agent."""
    with agent.running(canary("ssh")) as socket:
        yield plant(Path(tmp_path_factory.mktemp("host")), socket)


@pytest.fixture
def search() -> Iterator[Search]:
    """A search for any canary that counts for the line at the end of the run."""
    one = Search()
    yield one
    TOTAL["places"] += one.places
    TOTAL["found"] += len(one.unexpected)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TOTAL["places"]:
        terminalreporter.write_line(f"searched {TOTAL['places']} places, canaries found: {TOTAL['found']}")
