"""Every ddd and inv command line in README and docs names tasks and flags that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from ddd_tasks.tasks.namespace import ns
from ddd_tasks.tasks.program import program

REPO = Path(__file__).parents[2]
PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:ddd|inv) [a-z]+(?:\.[a-z]+)?(?: [^`]*)?)`")
_FAST = ("exec", "run", "shims")  # not Invoke's
_CORE = ("--quiet", "--dry", "--echo", "-e", "--list", "--help", "-l", "-h", "--version", "--complete", "-R", "-c")


def commands(text: str) -> Iterator[str]:
    """Those in the text, and the lines of shell blocks, in whatever position of the line."""
    yield from _INLINE.findall(text)
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s(?:&&|\||;|>)\s", line.removeprefix("$ ")):
                words = part.split("#")[0].strip()
                if found := re.search(r"(?:^|\s|\()((?:ddd|inv)\s.*)", words):
                    yield found[1].rstrip(")")


def own_words(line: str) -> list[str]:
    """The words up to --, without the program and Invoke's own flags."""
    words = shlex.split(line)[1:]
    words = words[: words.index("--")] if "--" in words else words
    return [word for word in words if word not in _CORE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_can_be_parsed(page: Path) -> None:
    contexts = deepcopy(ns).to_contexts()  # Invoke takes the help out of a task that it reads
    for line in commands(page.read_text()):
        if any(sign in line for sign in ("...", "…", " [")):
            continue
        words = own_words(line)
        if not words or words[0] in _FAST:
            continue
        parser = Parser(initial=ParserContext(args=program().core_args()), contexts=contexts)
        try:
            parser.parse_argv(words)
        except ParseError as error:
            pytest.fail(f"{page.name}: {line}: {error}", pytrace=False)


def test_the_readme_has_some() -> None:
    assert len(list(commands(PAGES[0].read_text()))) > 3
