"""The shell blocks of the pages on debugging, editors, progress and versions do on a real engine what the pages say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import blocks, pages_projects
from tests.blocks import Page, Places
from tests.pages_tools import NOT_RUN, PAGES


@pytest.fixture(scope="module")
def places(bases: None) -> Iterator[Places]:
    """The projects of these pages, by name."""
    with closing(Places(pages_projects.MAKERS)) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Pages leave images and more in the projects that they share; the module's own check looks when these are gone."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_does_what_the_page_says(page: Page, places: Places, tmp_path: Path) -> None:
    with places.of(page) as place:
        blocks.run(page, NOT_RUN, place, tmp_path)
