"""`ddd init`: from the code in a folder, or from none, to a Dockerfile, a Compose file and sessions that work."""

from __future__ import annotations

from pathlib import Path

from ddd_tasks import console
from ddd_tasks.scaffold import planning, writing
from ddd_tasks.scaffold.finding import Wanted
from ddd_tasks.scaffold.planning import Plan

__all__ = ["Plan", "Wanted", "plan", "show", "write"]


def plan(directory: Path, wanted: Wanted, *, force: bool = False) -> Plan:
    """What `ddd init` would do in a folder; nothing is written. Raises ConfigError and its kinds.

    force: files of the user may be written over; without it, one that is in the way is refused.
    """
    made = planning.make(directory, wanted, force=force)
    made.check()
    return made


def show(made: Plan, *, whole: bool, json: bool = False) -> None:
    """Say what the services are and what becomes of each file, with the changes to files that exist.

    whole: the content of new files as well.
    """
    if json:
        console.result_json(made.as_dict())
        return
    for service in made.services:
        console.note(str(service))
    for change in made.changes:
        if change.state != "same":
            console.note(f"  {change.state:<9} {change.path}")
    if not made.written:
        console.note("nothing to do")
    for change in made.written:
        if whole or change.old is not None:
            console.result(change.diff())


def write(made: Plan) -> None:
    """Write the files of the plan, all or none, and say what comes next. Raises ConfigError."""
    if not made.written:
        return
    writing.write(made.directory, made.written)
    count = len(made.written)
    console.note(f"written: {count} file{'' if count == 1 else 's'}\ntry: ddd dev.up")
