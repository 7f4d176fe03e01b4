"""What runs ended badly have left, and whether this package is where Nox and Invoke look for it."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import process
from ddd_tasks.debugging.beside import TARGET_LABEL
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.sessions.container import PROJECT_LABEL

# What runs the tasks and sessions of a checkout, and the file that asks for it.
_RUNNERS = {"nox": "noxfile.py", "inv": "tasks.py"}
_NAMES_AT_MOST = 5
# Nox is one of our dependencies, and so is beside us.
_OURS_FIRST = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"


def containers(subject: Subject) -> Iterator[Finding]:
    """Are there containers of ours whose folder, or whose service, is gone?"""
    if subject.engine is None:
        return
    every = subject.engine.get("/containers/json", all=True, filters={"label": [PROJECT_LABEL]})
    alive = {one["Id"] for one in subject.engine.get("/containers/json")}
    found = [one for one in every if _is_stale(one, alive)]
    stale = sorted(one["Names"][0].lstrip("/") for one in found)
    if stale:
        # A folder that is not here may be elsewhere, where one that runs is in use.
        is_safe = all(one["State"] != "running" for one in found)
        shown = ", ".join(stale[:_NAMES_AT_MOST]) + ("" if len(stale) <= _NAMES_AT_MOST else " and more")
        fix = f"docker rm --force --volumes {shlex.join(stale)}"
        yield Finding(
            "leftovers", WARNING, f"{len(stale)} containers: {shown}", "they hold names and space", fix, is_safe
        )
    else:
        yield Finding("leftovers", OK, "no container of ours is without its folder or its service")


def package(subject: Subject) -> Iterator[Finding]:
    """Can nox and inv import ddd_tasks, as they are found on PATH?"""
    for program, file in _RUNNERS.items():
        if not (subject.directory / file).is_file():
            continue
        python = _python_of(program)
        if python is None:
            fix = _OURS_FIRST
            # Every task can be had through ddd as well; sessions only through nox.
            state = WARNING if program == "inv" else PROBLEM
            yield Finding(program, state, f"{program} is not on PATH", f"{file} is for it", fix)
            continue
        asked = process.capture([python, "-c", "import ddd_tasks; print(ddd_tasks.__file__)"], check=False)
        if asked.status:
            fix = _OURS_FIRST
            what = f"the {program} on PATH runs with {python}, which has no ddd_tasks"
            yield Finding(program, PROBLEM, what, f"{file} imports it", fix)
        else:
            yield Finding(program, OK, f"{python} imports {Path(asked.stdout.strip()).parent}")


def _is_stale(container: Mapping[str, Any], alive: set[str]) -> bool:
    """Whether nobody can have a use for it: its checkout is gone, or it was beside a container that is."""
    labels = container["Labels"]
    if not Path(labels[PROJECT_LABEL]).is_dir():
        return True
    return TARGET_LABEL in labels and labels[TARGET_LABEL] not in alive


def _python_of(program: str) -> str | None:
    """The interpreter that a program on PATH runs with, as its first line says; None where it is not there."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        with Path(found).open("rb") as file:
            first = file.readline(512)
    except OSError:
        return sys.executable
    words = first[2:].decode(errors="replace").split() if first.startswith(b"#!") else []
    if words and Path(words[0]).name == "env":
        return shutil.which(words[-1]) or sys.executable
    # A launcher of uv or pip for long paths begins with sh, and names its Python in the second line.
    return words[0] if words and "python" in Path(words[0]).name else str(Path(found).parent / "python3")
