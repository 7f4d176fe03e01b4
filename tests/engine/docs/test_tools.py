"""The shell blocks of the pages on debugging, editors, progress and versions do on a real engine what the pages say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blocks import Page
from tests.pages_tools import NOT_RUN, PAGES
from tests.walks import Places, walk


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_does_what_the_page_says(page: Page, places: Places, tmp_path: Path) -> None:
    with places.of(page) as place:
        walk(page, NOT_RUN, place, tmp_path)
