"""The hottest functions of a profile, for the terminal: where they are in your checkout, and their shares."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.debugging import mapping
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import stacks
from ddd_tasks.profiling.stacks import Profile, Total
from ddd_tasks.project import Project

COLUMNS = ("self", "total", "function", "where")
COUNT = 10
_STEP = 1024


class Row(NamedTuple):
    """A function of a profile. path: its file on this machine, None for one that is only in the image."""

    total: Total
    path: Path | None

    def cells(self, here: Path) -> dict[str, str]:
        """The cells of the table, a path within this folder as seen from it."""
        return {
            "self": f"{self.total.own:.1%}",
            "total": f"{self.total.whole:.1%}",
            "function": self.total.function,
            "where": where(self.total.file, self.total.line, self.path, here),
        }

    def as_dict(self) -> dict[str, Any]:
        """The fields for --json. file is the container's path."""
        return {**self.total.as_dict(), "path": str(self.path) if self.path else None}


def rows(profile: Profile, known: Sequence[PathMapping], count: int = COUNT) -> list[Row]:
    """The hottest functions. A file that the mappings lead to and that is not there has no path."""
    return [Row(one, on_host(known, one.file)) for one in stacks.hottest(profile, count)]


def sources(project: Project, profile: Profile, known: Sequence[PathMapping]) -> dict[str, str]:
    """The files of a profile that are on this machine: path in the container -> path in the project, or elsewhere."""
    found = ((file, on_host(known, file)) for file in stacks.files(profile))
    return {file: _short(path, project.directory) for file, path in found if path}


def where(file: str, line: int, path: Path | None, here: Path) -> str:
    """Where a function is: on this machine, where it is there, else in the container; "-" where that is not known."""
    shown = _short(path, here) if path else file
    return f"{shown}:{line}" if shown and line else shown or "-"


def size(count: float) -> str:
    """A number of bytes as a person reads it."""
    for unit in ("B", "KiB", "MiB"):
        if count < _STEP:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    return f"{count:.1f} GiB"


def _short(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)


def on_host(known: Sequence[PathMapping], file: str) -> Path | None:
    """The file of a container's path on this machine; None for one that is not there."""
    path = mapping.to_host(known, file) if file.startswith("/") else None
    return path if path and path.is_file() else None
