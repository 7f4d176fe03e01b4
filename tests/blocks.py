"""The shell blocks of README and docs: found, and run as a reader would, in one shell for each page.

Pages are written for readers; what one needs to run is said by a Page. All its blocks run in their order, except those
that a NotRun names with the reason. Commands of a `console` block stand behind "$ " and their output below them, where
"..." stands for anything; every line of a `sh` block is a command. Each has to end with 0, or as its Page says.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests import support
from tests.support import REPO, Stack

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n`]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
SHELL = ("sh", "bash", "console", "shell", "zsh", "fish")
# A page says where a reader's project lies, and on which port it answers.
_FOLDER, _PORT = "/home/you/shop", "127.0.0.1:8000"


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


class Place(NamedTuple):
    """A project that pages run in, and the port that its service publishes."""

    stack: Stack
    port: int

    def fill(self, text: str) -> str:
        """The text with this project's values for {folder}, {name} and {port}."""
        values = {"{folder}": str(self.stack.directory), "{name}": self.stack.name, "{port}": str(self.port)}
        for name, value in values.items():
            text = text.replace(name, value)
        return text


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

    "..." stands for anything: in a line for the rest of it or a part, alone for any lines. measured: a number for any.
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
    return re.sub(r"\d+", lambda _: r"\d+", pattern) if measured else pattern


class Places:
    """The projects of a test module: made when a page first names them, removed together."""

    def __init__(self, makers: Mapping[str, Callable[[Place], None]]) -> None:
        self._makers = makers
        self._made: dict[str, Place] = {}

    def close(self) -> None:
        """Remove them from the engine."""
        for place in self._made.values():
            place.stack.down()

    @contextmanager
    def of(self, page: Page) -> Iterator[Place]:
        """The project that a page names, or an empty one that is gone afterwards."""
        if page.project in self._made:
            yield self._made[page.project]
            return
        place = Place(support.make_stack({}), support.free_port())
        try:
            if page.project:
                self._makers[page.project](place)
                self._made[page.project] = place
            yield place
        finally:
            if page.project not in self._made:
                place.stack.down()


def run(page: Page, not_run: Sequence[NotRun], place: Place, scratch: Path) -> None:
    """Run an entry's blocks in a project. Raises AssertionError with the command that did not do what the page says."""
    todo = [step for block in run_by(page, not_run) for step in steps(block)]
    for text in page.replaced:
        assert any(text in step.command + step.output for step in todo), f"{page.path} does not say {text!r}"
    for words in (*page.status, *page.says, *page.example):
        assert any(step.command.startswith(words) for step in todo), f"{page.path} has no command {words!r}"
    for path, words in page.files.items():
        block = begins(page.path, words)
        place.stack.write({path: block.text})
        (place.stack.directory / path).chmod(0o755 if block.text.startswith("#!") else 0o644)
    before, after = ([Step(0, place.fill(text)) for text in texts] for texts in (page.before, page.after))
    _run([*before, *(_in(place, page, step) for step in todo), *after], page, place, scratch)


def _in(place: Place, page: Page, step: Step) -> Step:
    """The step as it is in this project."""

    def filled(text: str) -> str:
        for old, new in page.replaced.items():
            text = text.replace(old, new)
        text = text.replace(_PORT, f"127.0.0.1:{place.port}").replace(_FOLDER, str(place.stack.directory))
        return place.fill(text)

    says = [text for words, text in page.says.items() if step.command.startswith(words)]
    statuses = [status for words, some in page.status.items() if step.command.startswith(words) for status in some]
    is_example = any(step.command.startswith(words) for words in page.example)
    shown = step.output.partition("\n")[0] if is_example else step.output
    output = "\n".join((*says, shown)).strip("\n")
    return Step(step.line, filled(step.command), filled(output), statuses or (0,))


def _run(todo: Sequence[Step], page: Page, place: Place, scratch: Path) -> None:
    """All steps in one bash: each is read as a file of its own, so that the next one finds what it has set."""
    script = []
    for number, step in enumerate(todo):
        (scratch / f"{number}.sh").write_text(step.command + "\n")
        script += [
            f'. "$SCRATCH/{number}.sh" > "$SCRATCH/{number}.out" 2>&1 < /dev/null',
            f'status=$?; echo $status > "$SCRATCH/{number}.status"',
            f"case $status in {'|'.join(map(str, step.statuses))}) ;; *) exit 1 ;; esac",
        ]
    shell = scratch / "page.sh"
    shell.write_text("\n".join(script) + "\n")
    env = _environment(page, place, scratch)
    ran = support.run("bash", str(shell), cwd=place.stack.directory, env=env, timeout=590)
    for number, step in enumerate(todo):
        said, ended = (_read(scratch / f"{number}.{what}") for what in ("out", "status"))
        where = f"{page.path}:{step.line}: {step.command}"
        as_said = ended.strip() in map(str, step.statuses)
        assert as_said, f"{where}\nended with {ended.strip()}, not {step.statuses}\n{said}\n{ran.err}"
        if step.output:
            same = matches(step.output, said, measured=page.measured)
            assert same, f"{where}\nhas not printed\n{step.output}\nbut\n{said}"


def _environment(page: Page, place: Place, scratch: Path) -> dict[str, str]:
    """ddd from this checkout, and the port and the Compose project of this place for what a page makes in it."""
    program = scratch / "bin" / "ddd"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.join(support.ddd_argv())} "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), support.environment()["PATH"]))
    own = {"SHOP_PORT": str(place.port)}
    if not page.project:
        own["COMPOSE_PROJECT_NAME"] = place.stack.name
    return {"PATH": path, "SCRATCH": str(scratch), **own, **{key: place.fill(text) for key, text in page.env.items()}}


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _outdented(found: re.Match[str]) -> str:
    """The text of a block in a list, without the list's indentation."""
    return "".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True))
