"""Walks through pages of README and docs: their blocks run as a reader would, in one shell for each page."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import blocks, support
from tests.blocks import NotRun, Page, Step
from tests.support import Stack

# A page says where a reader's project lies, and on which port it answers.
_FOLDER, _PORT = "/home/you/shop", "127.0.0.1:8000"


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


class Walked(NamedTuple):
    """A command that did what its page says, and the seconds that it took."""

    step: Step
    seconds: float


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


def walk(page: Page, not_run: Sequence[NotRun], place: Place, scratch: Path) -> list[Walked]:
    """Run an entry's blocks in a project. Raises AssertionError with the command that did not do what the page says."""
    todo = [step for block in blocks.run_by(page, not_run) for step in blocks.steps(block)]
    for text in page.replaced:
        assert any(text in step.command + step.output for step in todo), f"{page.path} does not say {text!r}"
    for words in (*page.status, *page.says, *page.example):
        assert any(step.command.startswith(words) for step in todo), f"{page.path} has no command {words!r}"
    for path, words in page.files.items():
        block = blocks.begins(page.path, words)
        place.stack.write({path: block.text})
        (place.stack.directory / path).chmod(0o755 if block.text.startswith("#!") else 0o644)
    before, after = ([Step(0, place.fill(text)) for text in texts] for texts in (page.before, page.after))
    return _run([*before, *(_in(place, page, step) for step in todo), *after], page, place, scratch)


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


def _run(todo: Sequence[Step], page: Page, place: Place, scratch: Path) -> list[Walked]:
    """All steps in one bash: each is read as a file of its own, so that the next one finds what it has set."""
    script = []
    for number, step in enumerate(todo):
        (scratch / f"{number}.sh").write_text(step.command + "\n")
        script += [
            "_began=${EPOCHREALTIME/[.,]/}",
            f'. "$SCRATCH/{number}.sh" > "$SCRATCH/{number}.out" 2>&1 < /dev/null',
            f'status=$?; echo $status $((${{EPOCHREALTIME/[.,]/}} - _began)) > "$SCRATCH/{number}.ended"',
            f"case $status in {'|'.join(map(str, step.statuses))}) ;; *) exit 1 ;; esac",
        ]
    shell = scratch / "page.sh"
    shell.write_text("\n".join(script) + "\n")
    env = _environment(page, place, scratch)
    ran = support.run("bash", str(shell), cwd=place.stack.directory, env=env, timeout=590)
    walked = []
    for number, step in enumerate(todo):
        said, ended = (_read(scratch / f"{number}.{what}") for what in ("out", "ended"))
        where = f"{page.path}:{step.line}: {step.command}"
        status, microseconds = map(int, ended.split() or (-1, 0))
        assert status in step.statuses, f"{where}\nended with {status}, not {step.statuses}\n{said}\n{ran.err}"
        if step.output:
            same = blocks.matches(step.output, said, measured=page.measured)
            assert same, f"{where}\nhas not printed\n{step.output}\nbut\n{said}"
        walked.append(Walked(step, microseconds / 1e6))
    return walked


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
