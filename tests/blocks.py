"""The shell blocks of README and docs: found, taken apart, and how each page's are run; tests/walks.py runs them.

Pages are written for readers; what one needs to run is said by a Page. All its blocks run in their order, except those
that a NotRun names with the reason. Commands of a `console` block stand behind "$ " and their output below them, where
"..." stands for anything; every line of a `sh` block is a command. Each has to end with 0, or as its Page says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.support import REPO

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n`]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
SHELL = ("sh", "bash", "console", "shell", "zsh", "fish")


class Block(NamedTuple):
    """A fenced block: its page as a path in the repository, the line of its first line, language and text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text.partition(chr(10))[0]}"


class Step(NamedTuple):
    """A command of a block, what the page says that it prints, and the statuses that it may end with."""

    line: int
    command: str
    output: str = ""
    statuses: Sequence[int] = (0,)


class NotRun(NamedTuple):
    """A block that no test runs as it stands: its page, how it begins, and why."""

    page: str
    begins: str
    why: str


@dataclass(frozen=True)
class Page:
    """How the blocks of a page are run. In all texts, {folder}, {name} and {port} are the project's.

    path: the page, as a path in the repository.
    project: the name of one that its test module makes; "" is an empty folder of its own, removed afterwards.
    only: how the blocks begin that are run, where a page has more than one entry; () are all.
    files: path in the project -> how the block of the page (of any language) begins that is written there.
    before, after: commands around the blocks: what a reader has done, and the proof that it worked.
    replaced: text in commands and outputs -> what stands there in the test. What is not on the page is refused.
    status: how a command begins -> the exit statuses that it may have, where that is not 0 alone.
    says: how a command of a `sh` block begins -> what it prints.
    measured: the numbers in outputs came from one run: each stands for any number.
    example: how commands begin whose output is that of the page's own service: only its first line has to be the same.
    env: variables of the shell.
    """

    path: str
    project: str = ""
    only: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, Sequence[int]] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    measured: bool = False
    example: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path}-{self.only[0]}" if self.only else self.path


def pages() -> list[str]:
    """README, CONTRIBUTING and all of docs, as paths in the repository."""
    tops = [REPO / "README.md", REPO / "CONTRIBUTING.md"]
    return [str(path.relative_to(REPO)) for path in (*tops, *sorted((REPO / "docs").rglob("*.md")))]


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page."""
    text = (REPO / page).read_text()
    found = _FENCE.finditer(text)
    return [Block(page, text[: m.start()].count("\n") + 2, m["language"], _outdented(m)) for m in found]


def shell_blocks(page: str) -> list[Block]:
    """Those with commands, in their order."""
    return [block for block in blocks(page) if block.language in SHELL]


def run_by(page: Page, not_run: Sequence[NotRun]) -> list[Block]:
    """The blocks whose commands an entry runs. Raises AssertionError for a beginning that none or several have."""
    written = [begins(page.path, words) for words in page.files.values()]
    if page.only:
        return [begins(page.path, words) for words in page.only]
    left_out = [begins(page.path, entry.begins) for entry in not_run if entry.page == page.path]
    return [block for block in shell_blocks(page.path) if block not in (*left_out, *written)]


def begins(page: str, words: str) -> Block:
    """The one block of a page that begins with these words."""
    found = [block for block in blocks(page) if block.text.removeprefix("$ ").startswith(words)]
    assert len(found) == 1, f"{page}: {len(found)} blocks begin with {words!r}"
    return found[0]


def covered(entries: Sequence[Page], not_run: Sequence[NotRun]) -> set[Block]:
    """The shell blocks that an entry runs or writes as a file, or that are named as not run."""
    named = {begins(entry.page, entry.begins) for entry in not_run}
    written = {begins(entry.path, words) for entry in entries for words in entry.files.values()}
    return named | written | {block for entry in entries for block in run_by(entry, not_run)}


def steps(block: Block) -> Iterator[Step]:
    """The commands of a block, continued lines in one, each with its output."""
    lines = list(enumerate(block.text.splitlines(), block.line))
    console = block.language == "console"
    while lines:
        number, line = lines.pop(0)
        if not line.strip() or (not console and line.startswith("#")):
            continue
        assert not console or line.startswith("$ "), f"{block.page}:{number}: output without a command: {line}"
        command = line[2:] if console else line
        while command.endswith("\\"):
            command += "\n" + lines.pop(0)[1]
        output = []
        while console and lines and not lines[0][1].startswith("$ "):
            output.append(lines.pop(0)[1])
        yield Step(number, command, "\n".join(output))


def matches(expected: str, said: str, *, measured: bool = False) -> bool:
    """Whether lines that were said are as expected, however wide their columns are.

    "..." stands for anything: in a line for the rest of it or a part, alone for any lines. measured: a number for any,
    and a unit of bytes for any.
    """
    pattern = r"(?:.*\n)*?".join(
        _lines_as(part, measured) for part in re.split(r"(?m)^[ \t]*\.\.\.[ \t]*\n", expected + "\n")
    )
    return re.search("^" + pattern, said + "\n", re.MULTILINE) is not None


def _lines_as(text: str, measured: bool) -> str:
    pattern = ""
    for line in text.splitlines():
        words = [[re.escape(word) for word in part.split()] for part in line.split("...")]
        line_as = r"[^\n]*".join(r"[ \t]+".join(part) for part in words)
        pattern += rf"[ \t]*{line_as}[ \t]*\n"
    if not measured:
        return pattern
    pattern = re.sub(r"\b[KMG]?i?B\b", lambda _: "[KMG]?i?B", pattern)  # 900 B in one run are 1.1 KiB in another
    return re.sub(r"\d+(?:\\\.\d+)?", lambda _: r"\d+(?:\.\d+)?", pattern)


def _outdented(found: re.Match[str]) -> str:
    """The text of a block in a list, without the list's indentation."""
    return "".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True))
