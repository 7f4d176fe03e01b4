"""Project facts on disk: valid as long as the files, and the variables in them, that they were made from are the same.

A warm read costs a few stat calls. File contents decide, so that a checkout which only touches times stays warm.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from pathlib import Path
from typing import Any

from ddd_tasks import composefiles
from ddd_tasks.errors import ConfigError

_FORMAT = 4


def read(files: tuple[Path, ...]) -> dict[str, Any] | None:
    """The facts that were written for these files, or None where anything has changed since."""
    try:
        stored = json.loads(_place(files).read_text())
        fresh = (
            stored["format"] == _FORMAT
            and stored["named"] == [str(file) for file in files]
            and stored["variables"] == _values(stored["variable_names"])
            and all(_same(path, *before) for path, before in stored["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    facts: dict[str, Any] = stored["facts"]
    return facts if fresh else None


def write(files: tuple[Path, ...], facts: dict[str, Any]) -> None:
    """Remember the facts; a project folder that cannot be written to is simply not remembered."""
    depends_on = composefiles.dependencies(files)
    names = list(composefiles.variables(depends_on))
    stored = {
        "format": _FORMAT,
        "named": [str(file) for file in files],
        "files": {str(path): _state(path) for path in depends_on},
        "variable_names": names,
        "variables": _values(names),
        "facts": facts,
    }
    place = _place(files)
    try:
        make_private(place.parent)
        draft = place.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(stored))
        draft.replace(place)
    except OSError:
        return


def depends_on(files: tuple[Path, ...]) -> tuple[list[str], list[str]]:
    """The paths and the names of variables that the remembered facts of these files depend on."""
    try:
        stored = json.loads(_place(files).read_text())
        return list(stored["files"]), list(stored["variable_names"])
    except (OSError, ValueError, KeyError, TypeError):
        paths = composefiles.dependencies(files)
        return [str(path) for path in paths], list(composefiles.variables(paths))


def make_private(directory: Path) -> None:
    """Make a folder below .ddd/, which git is told to ignore from the inside. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    for folder in (directory, *directory.parents):
        if folder.name == ".ddd":
            ignore = folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            return


def write_private(file: Path, text: str) -> None:
    """Give a file below .ddd/ this text, as a whole, and only when it changes; "" removes it. Raises ConfigError."""
    try:
        if not text:
            file.unlink(missing_ok=True)
            return
        if file.exists() and file.read_text(encoding="utf-8", errors="replace") == text:
            return
        make_private(file.parent)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        folder = next((folder for folder in file.parents if folder.name == ".ddd"), file.parent)
        hint = f"ls -lad {shlex.quote(str(folder))}"
        raise ConfigError(f"{file} cannot be written", cause=str(error), hint=hint) from error


def _place(files: tuple[Path, ...]) -> Path:
    return files[0].parent / ".ddd" / "cache" / "project.json"


def _state(path: Path) -> list[Any]:
    """Modification time, size and content hash; all None for a file that does not exist."""
    try:
        status = path.stat()
        return [status.st_mtime_ns, status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()]
    except OSError:
        return [None, None, None]


def _same(path: str, mtime: int | None, size: int | None, digest: str | None) -> bool:
    try:
        status = Path(path).stat()
    except OSError:
        return mtime is None
    if (status.st_mtime_ns, status.st_size) == (mtime, size):
        return True
    return size == status.st_size and _state(Path(path))[2] == digest


def _values(names: list[str]) -> str:
    """One hash over the variables' values: the values themselves may be secrets."""
    pairs = json.dumps([(name, os.environ.get(name)) for name in names])
    return hashlib.sha256(pairs.encode()).hexdigest()
