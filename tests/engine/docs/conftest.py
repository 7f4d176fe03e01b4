"""The projects that the pages of a test module are walked in, and how long the tutorial took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests import pages_projects
from tests.walks import Places

WALK = "walk"  # a property of a test: what is said of it at the end


@pytest.fixture(scope="module")
def places(bases: None) -> Iterator[Places]:
    """The projects of these pages, by name."""
    with closing(Places(pages_projects.MAKERS)) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Pages leave images and more in the projects that they share; the module's own check looks when these are gone."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, said in report.user_properties:
            if name == WALK:
                terminalreporter.write_line(str(said))
