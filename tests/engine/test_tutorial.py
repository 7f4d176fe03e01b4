"""The tutorial, walked through by its own commands, from an empty folder."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import support
from tests.support import REPO, Ran, Stack

PAGE = REPO / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A command, and what it prints: "..." stands for anything."""

    command: str
    output: str


def steps(text: str) -> Iterator[Step]:
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command, output)


def matches(expected: str, said: str) -> bool:
    pattern = ".*".join(re.escape(part.strip()) for part in expected.split("..."))
    return re.search(pattern, said, re.DOTALL) is not None


@pytest.fixture
def place(bases: None) -> Iterator[Stack]:
    """An empty folder, where nothing else holds the tutorial's port."""
    made = support.make_stack({})
    try:
        yield made
    finally:
        made.down()


def test_every_command_does_what_the_page_says(place: Stack, tmp_path: Path) -> None:
    """One shell runs them all: a variable that one sets, the next one has."""
    port = str(support.free_port())
    state = tmp_path / "state"
    state.write_text(f"cd {place.directory}\n")
    try:
        for step in steps(PAGE.read_text().replace("8000", port)):
            command = step.command.replace("ddd init ", f"ddd init --port {port} ")
            ran = run(command, state, place, tmp_path)
            assert ran.status == 0 or command == "ddd doctor", f"{command}\n{ran.out}\n{ran.err}"
            assert matches(step.output, ran.out + ran.err), f"{command}\n{ran.out}\n{ran.err}"
    finally:
        Stack(place.directory / "shop").down()


def run(command: str, state: Path, place: Stack, folder: Path) -> Ran:
    """As the next line of the same shell: state is what the next one begins with."""
    program = folder / "ddd"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(support.ddd_argv())} "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(folder), support.environment()["PATH"]))
    keep = f"{{ echo \"cd '$PWD'\"; echo \"line='$line'\"; }} > {state}"
    script = f". {state}\n{command}\nstatus=$?\n{keep}\nexit $status"
    env = {"PATH": path, "COMPOSE_PROJECT_NAME": place.name}
    return support.run("bash", "-c", script, env=env, cwd=place.directory, timeout=600)
