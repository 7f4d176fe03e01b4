"""What keeps a machine or a project from working, why that matters, and the command that mends it.

Each function in CHECKS looks at one thing and says at least how it is; nothing is changed by looking.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from ddd_tasks import console, process
from ddd_tasks.doctor import checkout, machine, subject, traces
from ddd_tasks.doctor.finding import COLUMNS, OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.errors import DddError

__all__ = ["COLUMNS", "OK", "PROBLEM", "WARNING", "Finding", "examine", "has_problem", "repair"]

CHECKS: tuple[Callable[[Subject], Iterable[Finding]], ...] = (
    machine.engine,
    machine.programs,
    machine.cgroup,
    machine.disk,
    machine.clock,
    machine.network,
    machine.registry,
    checkout.compose_file,
    checkout.sessions,
    checkout.ports,
    checkout.mounts,
    checkout.worktree,
    checkout.editor,
    traces.containers,
    traces.package,
)


def examine(directory: Path) -> list[Finding]:
    """What is found, in the order of the checks."""
    looked = subject.look(directory)
    if looked.engine is None:
        return list(_findings(looked))
    with closing(looked.engine):
        return list(_findings(looked))


def has_problem(findings: Iterable[Finding]) -> bool:
    """Whether something does not work."""
    return any(one.state == PROBLEM for one in findings)


def repair(findings: Sequence[Finding], directory: Path) -> list[Finding]:
    """Run the fixes that take nothing from anybody, each said aloud, and return what is found then."""
    todo = dict.fromkeys(one.fix for one in findings if one.state != OK and one.is_safe and one.fix)
    for command in todo:
        status = process.run(["sh", "-c", command], env=_with_ddd(), cwd=directory)
        if status:
            console.warning(f"{command} ended with status {status}")
    return examine(directory) if todo and not process.is_dry() else list(findings)


def _findings(looked: Subject) -> Iterator[Finding]:
    for check in CHECKS:
        try:
            yield from check(looked)
        except DddError as error:
            yield of_error(check.__name__.replace("_", " "), error)


def _with_ddd() -> dict[str, str]:
    """The environment, with this very `ddd` first on PATH."""
    ours = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join((ours, os.environ.get("PATH", os.defpath)))}
