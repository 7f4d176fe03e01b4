"""The file of a dashboard: monitor/dashboards/<service>.json, committed, and never written over what a person made.

It is beside the Compose file and not below .ddd/: the same dashboard goes to every checkout and to production, its
changes are reviewed like code, and it may be edited. Whether it was is told by a hash of its content among its own
tags: a note elsewhere would not be there in the next clone. Spaces and line ends may change, the content may not.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import board as boards
from ddd_tasks.scaffold import writing
from ddd_tasks.scaffold.planning import Change

FOLDER = "monitor/dashboards"
_MARK = "generated-"


class Draft(NamedTuple):
    """A dashboard's file, by its path in the project: what it will hold and what it holds, None where there is none.

    is_edited: whether a person has changed, or made, what it holds.
    """

    directory: Path
    path: str
    new: str
    old: str | None
    is_edited: bool

    @property
    def change(self) -> str:
        """new, same, changed, or edited: it differs, and has changes of a person."""
        if self.old is None:
            return "new"
        if self.old == self.new:
            return "same"
        return "edited" if self.is_edited else "changed"

    def diff(self) -> str:
        """The change as `git diff` would show it."""
        old = None if self.old is None else self.old.encode()
        return Change(self.path, self.new.encode(), old).diff()


def draft(directory: Path, service: str, board: dict[str, Any]) -> Draft:
    """What would be written for a service. Raises ConfigError where the file cannot be read."""
    path = f"{FOLDER}/{service}.json"
    old = read(directory, service)
    return Draft(directory, path, boards.text(stamped(board)), old, old is not None and is_edited(old))


def save(made: Draft, service: str, *, force: bool) -> None:
    """Write the file. Raises ConfigError where that would lose what a person has changed, or cannot be done."""
    if made.change == "edited" and not force:
        raise ConfigError(
            f"{made.directory / made.path} was not written: it has been edited",
            cause="its content is not what its tag says was generated; --force would write over it",
            hint=f"ddd monitor.dashboard --service {service} --diff",
        )
    if made.change != "same":
        old = None if made.old is None else made.old.encode()
        writing.write(made.directory, [Change(made.path, made.new.encode(), old)])


def stamped(board: dict[str, Any]) -> dict[str, Any]:
    """The dashboard with the hash of its content among its tags."""
    return {**board, "tags": [*board["tags"], _mark(board)]}


def is_edited(text: str) -> bool:
    """Whether a file's content is other than what was generated; so is that of a file without our tag."""
    try:
        board = json.loads(text)
        marks = [tag for tag in board["tags"] if str(tag).startswith(_MARK)]
        plain = {**board, "tags": [tag for tag in board["tags"] if tag not in marks]}
    except (ValueError, KeyError, TypeError):
        return True
    return marks != [_mark(plain)]


def _mark(board: dict[str, Any]) -> str:
    canonical = json.dumps(board, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return _MARK + hashlib.sha256(canonical.encode()).hexdigest()[:16]


def read(directory: Path, service: str) -> str | None:
    """What the file of a service holds, None where there is none. Raises ConfigError where it cannot be read."""
    file = directory / FOLDER / f"{service}.json"
    try:
        return file.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        hint = shlex.join(["ls", "-ld", str(file)])
        raise ConfigError(f"{file} cannot be read", cause=str(error), hint=hint) from error
