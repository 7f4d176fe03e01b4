"""The shell blocks of README, the tutorial and the guides do on a real engine what the pages say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import blocks
from tests.blocks import Page, Place, Places
from tests.pages_guides import NOT_RUN, PAGES


def shop(place: Place) -> None:
    """What `ddd init` makes of an empty folder: a small Python service, which runs."""
    place.stack.write({".env": f"SHOP_PORT={place.port}\n"})
    place.stack.ddd("init", "--language", "python", "--name", "shop").ok()
    place.stack.ddd("dev.up", timeout=600).ok()


@pytest.fixture(scope="module")
def places(bases: None) -> Iterator[Places]:
    """The projects of these pages, by name."""
    with closing(Places({"shop": shop})) as made:
        yield made


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_does_what_the_page_says(page: Page, places: Places, tmp_path: Path) -> None:
    with places.of(page) as place:
        blocks.run(page, NOT_RUN, place, tmp_path)
