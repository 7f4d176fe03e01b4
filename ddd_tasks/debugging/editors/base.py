"""What the configuration of every editor is made from, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import Language, PathMapping

MARK = "ddd: "  # begins the name of every entry that is ours
ADDED, UPDATED, UNCHANGED, KEPT = "added", "updated", "unchanged", "kept"


class Target(NamedTuple):
    """A service as its entries need it: host and port where its debugger is; container: its name.

    place: the folder of its project in the workspace with a slash behind it, "" for the workspace itself. It is part of
    the names: two projects of a repository may have services of the same name.
    """

    service: str
    language: Language
    host: str
    port: int
    mappings: tuple[PathMapping, ...]
    container: str
    place: str = ""

    @property
    def name(self) -> str:
        """The name of its entry."""
        return f"{MARK}{self.place}{self.service} ({self.language.name})"

    @property
    def task(self) -> str:
        """The name of the task that brings the debugger."""
        return f"{MARK}attach {self.place}{self.service}"

    @property
    def command(self) -> list[str]:
        """The command of that task, without the program."""
        return ["debug.attach", "--service", self.service]

    def arguments(self, workspace: Path, folder: str) -> dict[str, Any]:
        """What the debugger is asked for, with the editor's variable for the workspace folder in the paths of hosts."""
        debug = self.language.debug
        assert debug is not None
        mappings = [PathMapping(Path(within(workspace, one.local, folder)), one.remote) for one in self.mappings]
        return debug.arguments(self.host, self.port, mappings)


class Wanted(NamedTuple):
    """What is asked for. directory: of the Compose project; is_all: whether targets are all of its services.

    debugger: the path of the program that debugs C#, "" for the usual one.
    """

    workspace: Path
    directory: Path
    targets: tuple[Target, ...]
    is_all: bool
    debugger: str


def wanted(
    workspace: Path, directory: Path, targets: Iterable[Target], *, is_all: bool = True, debugger: str = ""
) -> Wanted:
    """What is asked for, with the targets named after their place in the workspace."""
    rest = directory.relative_to(workspace).as_posix()
    place = "" if rest == "." else f"{rest}/"
    return Wanted(workspace, directory, tuple(one._replace(place=place) for one in targets), is_all, debugger)


class Draft(NamedTuple):
    """A file as it will be. old: as it is, None where there is none; entries: what becomes of each of ours by name."""

    file: Path
    old: bytes | None
    new: bytes
    entries: dict[str, str]

    @property
    def is_changed(self) -> bool:
        """Whether something has to be written."""
        return self.old != self.new


class Result(NamedTuple):
    """The files of an editor, and what a person has to know: notes say what was not written, and why."""

    drafts: tuple[Draft, ...]
    notes: tuple[str, ...] = ()


def workspace_of(directory: Path, marks: Sequence[str]) -> Path:
    """The folder that the editor has open: the nearest one upwards with one of these names in it, or else this one."""
    for folder in (directory, *directory.parents):
        if any((folder / mark).exists() for mark in marks):
            return folder
    return directory


def within(workspace: Path, path: Path, folder: str) -> str:
    """A host path by way of the editor's variable for the workspace; one outside of it stays absolute."""
    if not path.is_relative_to(workspace):
        return str(path)
    rest = path.relative_to(workspace).as_posix()
    return folder if rest == "." else f"{folder}/{rest}"


def outside(wanted: Wanted) -> tuple[str, ...]:
    """A note for each mapped folder outside of the workspace."""
    found = {one.local for target in wanted.targets for one in target.mappings}
    return tuple(
        f"{path} is outside of {wanted.workspace}: its path is written as it is, and holds on this machine only"
        for path in sorted(found)
        if not path.is_relative_to(wanted.workspace)
    )


def read(file: Path) -> bytes | None:
    """What a file holds, None where it does not exist. Raises ConfigError when it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read", cause=str(error), hint=f"ls -ld {file.parent}") from error


def real(file: Path) -> Path:
    """The file itself, where symbolic links lead to it: they stay what they are."""
    return Path(os.path.realpath(file))
