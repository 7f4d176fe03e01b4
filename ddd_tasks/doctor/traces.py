"""What runs that ended badly have left: containers of ours whose folder, or whose service, is gone."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.compose import DIRECTORY_LABEL
from ddd_tasks.debugging.beside import TARGET_LABEL
from ddd_tasks.doctor.finding import OK, WARNING, Finding
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.sessions.container import PROJECT_LABEL

_PREFIX = "ddd-tasks."
_NAMES_AT_MOST = 5
_ENDED = ("created", "exited", "dead")


def leftovers(subject: Subject) -> Iterator[Finding]:
    """Are there containers of ours whose folder, or whose service, is gone?"""
    if subject.engine is None:
        return
    if not subject.is_here:
        yield Finding("leftovers", OK, "not looked for: the folders of an engine elsewhere cannot be seen from here")
        return
    every = subject.engine.get("/containers/json", all=True)
    alive = {one["Id"] for one in every if one["State"] not in _ENDED}
    found = [one for one in every if _is_stale(one, alive)]
    stopped = sorted(_name(one) for one in found if one["State"] in _ENDED)
    running = sorted(_name(one) for one in found if one["State"] not in _ENDED)
    if stopped:
        what, why = f"{_shown(stopped)} of a folder or service that is gone", "they hold names and space"
        yield Finding("leftovers", WARNING, what, why, f"docker rm {shlex.join(stopped)}", is_safe=True)
    if running:
        # A folder that is not here may be in another container, where the socket is as well: not for --fix.
        what, why = f"{_shown(running)} of a folder that is gone", "they run on, and no task stops them any more"
        yield Finding("leftovers", WARNING, what, why, f"docker rm --force {shlex.join(running)}")
    if not found:
        yield Finding("leftovers", OK, "no container of ours is without its folder or its service")


def _is_stale(container: Mapping[str, Any], alive: set[str]) -> bool:
    """Whether nobody can have a use for it: its checkout is gone, or it was beside a container that is."""
    labels = container["Labels"]
    if not any(name.startswith(_PREFIX) for name in labels):
        return False
    folder = labels.get(PROJECT_LABEL) or labels.get(DIRECTORY_LABEL)
    if folder and not _is_dir(Path(folder)):
        return True
    return TARGET_LABEL in labels and labels[TARGET_LABEL] not in alive


def _is_dir(folder: Path) -> bool:
    try:
        return stat.S_ISDIR(folder.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # closed to us: somebody else's
        return True


def _name(container: Mapping[str, Any]) -> str:
    return str(container["Names"][0]).lstrip("/")


def _shown(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_AT_MOST]) + ("" if len(names) <= _NAMES_AT_MOST else " and more")
    return f"{len(names)} {'container' if len(names) == 1 else 'containers'} ({shown})"
