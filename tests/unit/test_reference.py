"""The reference pages say what the tasks and errors say."""

from __future__ import annotations

import pytest

from docs import reference


@pytest.mark.parametrize("name", ["tasks.md", "errors.md"])
def test_the_page_is_as_its_program_makes_it(name: str) -> None:
    assert (reference.FOLDER / name).read_text() == reference.pages()[name], "run python -m docs.reference"
