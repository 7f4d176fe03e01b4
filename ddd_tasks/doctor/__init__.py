"""What keeps a machine or a project from working, why that matters, and the command that mends it.

Each function in CHECKS looks at one thing, and what it says has its name; nothing is changed by looking.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from ddd_tasks import console, process
from ddd_tasks.doctor import checkout, machine, mounts, network, programs, subject, traces
from ddd_tasks.doctor.finding import COLUMNS, OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.errors import DddError

__all__ = ["COLUMNS", "OK", "PROBLEM", "WARNING", "Finding", "examine", "has_problem", "repair"]

Check = Callable[[Subject], Iterable[Finding]]
CHECKS: tuple[Check, ...] = (
    machine.engine,
    machine.socket,
    programs.docker,
    programs.compose,
    programs.buildx,
    machine.cgroup,
    machine.disk,
    machine.clock,
    network.certificates,
    network.proxy,
    network.registry,
    checkout.compose_file,
    checkout.builds,
    checkout.sessions,
    checkout.ports,
    mounts.mounts,
    checkout.worktree,
    checkout.editor,
    traces.leftovers,
    programs.nox,
    programs.inv,
)
_PATIENCE = 60.0  # seconds for all of them, which run at once


def examine(directory: Path) -> list[Finding]:
    """What is found, in the order of the checks."""
    looked = subject.look(directory)
    asked = [(check, Asked(partial(_all_of, check, looked.alone()))) for check in CHECKS]
    if looked.engine:
        looked.engine.close()
    return [finding.redacted() for check, one in asked for finding in _answer(check, one)]


def has_problem(findings: Iterable[Finding]) -> bool:
    """Whether something does not work."""
    return any(one.state == PROBLEM for one in findings)


def repair(findings: Sequence[Finding], directory: Path) -> list[Finding]:
    """Run the fixes that take nothing from anybody, each said aloud, and return what is found then."""
    todo: dict[str, list[str]] = {}
    for one in findings:
        if one.state != OK and one.is_safe and one.fix:
            todo.setdefault(one.fix, []).append(one.check)
    for command in todo:
        console.note(f"fix: {command}")
        status = process.run(["sh", "-c", command], env=_with_ddd(), cwd=directory, check=False, quiet=True)
        if status:
            console.warning(f"it ended with status {status}")
    if not todo or process.is_dry():
        return list(findings)
    return [
        one._replace(applied=tuple(command for command, checks in todo.items() if one.check in checks))
        for one in examine(directory)
    ]


def name_of(check: Check) -> str:
    """What the rows of a check are called."""
    return getattr(check, "__name__", "").replace("_", " ")


def _all_of(check: Check, looked: Subject) -> list[Finding]:
    try:
        return list(check(looked))
    finally:
        if looked.engine:
            looked.engine.close()


def _answer(check: Check, asked: Asked[list[Finding]]) -> list[Finding]:
    """The findings of a check, or how it failed: a check that is not made is no reason to make no other."""
    name = name_of(check)
    try:
        return asked.answer(_PATIENCE)
    except DddError as error:
        return [of_error(name, error)]
    except TimeoutError:
        what = f"it could not be told within {_PATIENCE:.0f} s"
    except Exception as error:  # noqa: BLE001 - one of ours, or of a file that nobody thought of
        what = f"it could not be told: {type(error).__name__}: {error}"
    return [Finding(name, WARNING, what, "whether this works is not known", "ddd report")]


def _with_ddd() -> dict[str, str]:
    """The environment, with this very `ddd` first on PATH."""
    ours = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join((ours, os.environ.get("PATH", os.defpath)))}
