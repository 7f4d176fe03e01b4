"""Every shell block of README and docs is run by a test, or named with the reason why not."""

from __future__ import annotations

import pytest

from tests import blocks, pages_guides, pages_tools
from tests.blocks import Block
from tests.support import REPO

PAGES = [pages_guides.TUTORIAL, *pages_guides.PAGES, *pages_tools.PAGES]
NOT_RUN = [*pages_guides.NOT_RUN, *pages_tools.NOT_RUN]


@pytest.mark.parametrize("page", blocks.pages())
def test_each_block_is_run_or_named(page: str) -> None:
    covered = blocks.covered([one for one in PAGES if one.path == page], [one for one in NOT_RUN if one.page == page])
    missing = [str(block) for block in blocks.shell_blocks(page) if block not in covered]
    assert not missing


def test_every_entry_is_of_a_page_that_is_there() -> None:
    assert {one.path for one in PAGES} | {one.page for one in NOT_RUN} <= set(blocks.pages())


def test_each_page_has_the_blocks_that_its_fences_begin() -> None:
    for page in blocks.pages():
        fences = [line for line in (REPO / page).read_text().splitlines() if line.lstrip().startswith("```")]
        assert 2 * len(blocks.blocks(page)) == len(fences), page


def test_a_block_with_output_is_taken_apart() -> None:
    text = "$ mkdir a && \\\n    cd a\n$ ls\none\n...\n\nlast\n"
    assert [step[1:3] for step in blocks.steps(Block("a.md", 3, "console", text))] == [
        ("mkdir a && \\\n    cd a", ""),
        ("ls", "one\n...\n\nlast"),
    ]


def test_each_line_of_a_block_without_output_is_a_command() -> None:
    found = list(blocks.steps(Block("a.md", 3, "sh", "# first\nls   # files\n\necho \\\n  b\n")))
    assert [step.line for step in found] == [4, 6]
    assert [step.command for step in found] == ["ls   # files", "echo \\\n  b"]


@pytest.mark.parametrize(
    "expected",
    ["NAME   STATE", "...\nlast", "NAME STATE\n...\nlast", "NAME STATE\na ... 3 s\nlast", "a up...", "a...\nlast"],
)
def test_output_is_compared_by_lines_and_words(expected: str) -> None:
    assert blocks.matches(expected, "before\n  NAME  STATE\na     up    3 s\nlast\nafter")


@pytest.mark.parametrize(
    "expected", ["NAME", "STATE", "NAME STATE\nlast", "last\n...\na up 3 s", "a up 4 s", "NAMESTATE", "a up ... 4 s"]
)
def test_output_that_differs_is_noticed(expected: str) -> None:
    assert not blocks.matches(expected, "before\n  NAME  STATE\na     up    3 s\nlast\nafter")


def test_a_measured_number_stands_for_any() -> None:
    assert blocks.matches("test  3.1 s  20261122T1Z", "test  10.25 s  20270101T2Z", measured=True)
    assert not blocks.matches("test  3.1 s", "test  some s", measured=True)
    assert blocks.matches("in  70 B/s  out  1.5 GiB", "in  5.5 KiB/s  out  0 B", measured=True)
    assert not blocks.matches("in  70 B/s", "in  70 s", measured=True)
