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

COLUMNS = ("self", "total", "function", "where")
COUNT = 10


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
            "where": self._where(here),
        }

    def as_dict(self) -> dict[str, Any]:
        """The fields for --json. file is the container's path."""
        return {**self.total.as_dict(), "path": str(self.path) if self.path else None}

    def _where(self, here: Path) -> str:
        shown = self.total.file
        if self.path:
            shown = os.path.relpath(self.path, here) if self.path.is_relative_to(here) else str(self.path)
        return f"{shown}:{self.total.line}" if shown and self.total.line else shown or "-"


def rows(profile: Profile, known: Sequence[PathMapping], count: int = COUNT) -> list[Row]:
    """The hottest functions. A file that the mappings lead to and that is not there has no path."""
    return [Row(one, _on_host(known, one.file)) for one in stacks.hottest(profile, count)]


def _on_host(known: Sequence[PathMapping], file: str) -> Path | None:
    path = mapping.to_host(known, file) if file.startswith("/") else None
    return path if path and path.is_file() else None
