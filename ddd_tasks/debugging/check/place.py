"""FILE:LINE as a user types it: a line of a file of the host."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.errors import ConfigError

_EXAMPLE = "FILE:LINE"


class Place(NamedTuple):
    """A line of a file, which is an absolute path; lines count from 1."""

    file: Path
    line: int

    @property
    def shown(self) -> str:
        """As a user reads it: seen from the directory that he is in, where it lies below."""
        return f"{short(str(self.file))}:{self.line}"


def short(path: str) -> str:
    """A path seen from the current directory, where it lies below it; else itself."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def split(text: str, command: Callable[[str], str]) -> tuple[str, int]:
    """File and line of FILE:LINE; the file's name may hold colons. Raises ConfigError, see find."""
    file, _, line = text.rpartition(":")
    if not file or not line.isdecimal() or int(line) < 1:
        cause = "it has to be FILE:LINE, and lines count from 1"
        raise ConfigError(f"--break was given {text!r}", cause=cause, hint=command(_EXAMPLE))
    if re.search(r"[^/\\]:\d+$", file):  # as compilers and editors write a position
        cause = "it ends with a column, and a breakpoint has none"
        raise ConfigError(f"--break was given {text!r}", cause=cause, hint=command(file))
    return file, int(line)


def find(text: str, command: Callable[[str], str]) -> Place:
    """The line that is meant, seen from the current directory. Raises ConfigError where there is no such line.

    command: makes the command line that is proposed instead, from another FILE:LINE.
    """
    name, line = split(text, command)
    file = Path(os.path.normpath(Path.cwd() / Path(name).expanduser()))
    if not file.is_file():
        raise _missing(name, file)
    lines = file.read_bytes().splitlines()
    if line > len(lines):
        raise ConfigError(
            f"line {line} is past the end of {name}, which has {len(lines)} lines",
            cause="no breakpoint can stand there",
            hint=command(f"{name}:{max(len(lines), 1)}"),
        )
    return Place(file, line)


def _missing(name: str, file: Path) -> ConfigError:
    if file.exists():
        return ConfigError(f"{name} is no file", cause="a breakpoint stands on a line of a file", hint=_list(name))
    folder = next(parent for parent in file.parents if parent.is_dir())
    cause = f"{folder} has no {file.relative_to(folder)}"
    beside = [str(Path(name).with_name(one.name)) for one in folder.glob(f"*{file.suffix}") if one.is_file()]
    nearby = beside if folder == file.parent else []
    return ConfigError(f"there is no file {name}", cause=cause, given=name, valid=nearby[:20], hint=_list(str(folder)))


def _list(path: str) -> str:
    return shlex.join(["ls", path])
