"""What is in a folder, as one hash per file: those that git does not ignore, or all of them where git knows nothing.

Content is read only where a file's status has changed since the last look, so that a second look costs a stat each.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ddd_tasks import notebook, process
from ddd_tasks.errors import CommandError, ConfigError

# What tools of this kind write themselves; nothing that a session tests is in there.
_OURS = frozenset({".git", ".nox", ".ddd"})
# A file that changed this shortly before it was read may change again without a new time in its status.
_NANOSECONDS_OF_DOUBT = 2_000_000_000

Contents = Mapping[str, str]


def look(folder: Path, volumes: Iterable[Path], memory: Path, *, without: Path) -> Contents:
    """Path -> mode and hash of each file. folder: what git ignores in it is left out; of volumes nothing is.

    memory is the file in which hashes are remembered for the next look; without, a folder to leave out.
    """
    paths = [path for path in _in_folder(folder) if not path.startswith(f"{without}{os.sep}")]
    paths += [path for volume in volumes for path in _all(volume)]
    hashes = Hashes(memory)
    found = {path: entry for path in paths if (entry := hashes.entry(path))}
    hashes.write(found)
    return found


def digest(contents: Contents) -> str:
    """One hash for all of it."""
    return hashlib.sha256(json.dumps(sorted(contents.items())).encode()).hexdigest()


def differences(before: Contents, after: Contents) -> list[str]:
    """The paths that are new, gone or not the same."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


class Hashes:
    """Hashes of files by path, valid as long as the file's status is the same."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known: dict[str, list[object]] = notebook.read(memory)
        self._new: dict[str, list[object]] = {}

    def entry(self, path: str) -> str:
        """Mode and hash of a file, or an empty text where there is none."""
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                return f"link {os.readlink(path)}"
            if not stat.S_ISREG(status.st_mode):
                return f"{stat.S_IFMT(status.st_mode):o}"
            return f"{stat.S_IMODE(status.st_mode):o} {self._hash(path, status)}"
        except FileNotFoundError:
            return ""
        except PermissionError:  # a session of this user cannot read it either
            return "unreadable"

    def write(self, found: Contents) -> None:
        """Remember what is new, and forget files that are gone, for the next look."""
        if self._new or self._known.keys() - found.keys():
            kept = {path: known for path, known in self._known.items() if path in found}
            notebook.write(self._memory, {**kept, **self._new})

    def _hash(self, path: str, status: os.stat_result) -> str:
        mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(path)
        if known and known[:-1] == mark:
            return str(known[-1])
        now = time.time_ns()
        with open(path, "rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
        if status.st_ctime_ns < now - _NANOSECONDS_OF_DOUBT:
            self._new[path] = [*mark, found.hexdigest()]
        return found.hexdigest()


def _in_folder(folder: Path) -> Iterator[str]:
    """The files of a folder by git's word; a repository inside it, such as a submodule, is asked by its own."""
    names = _known_to_git(folder)
    if names is None:
        yield from _all(folder)
        return
    for name in names:
        path = os.path.join(folder, name)
        if _OURS.isdisjoint(Path(name).parts):
            if not os.path.isdir(path) or os.path.islink(path):
                yield path
            elif os.path.lexists(os.path.join(path, ".git")):
                yield from _in_folder(Path(path))
            else:
                yield from _all(Path(path))


def _known_to_git(folder: Path) -> list[str] | None:
    """Names of files that git follows or would offer to add; None where the folder is in no checkout."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    argv = ["git", "-c", "core.quotePath=true", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        lines = process.capture(argv, cwd=folder).stdout.splitlines()
    except (CommandError, ConfigError):  # one that does not trust the folder's owner, or no git at all
        return None
    return sorted({_unquoted(line) for line in lines})


def _unquoted(line: str) -> str:
    """A name as git writes it for people: C's escapes in quotes where it is not plain ASCII."""
    if not line.startswith('"'):
        return line
    return os.fsdecode(line[1:-1].encode().decode("unicode_escape").encode("latin-1"))


def _all(place: Path) -> Iterator[str]:
    """Every file below a folder, or the one file that place is."""
    if not place.is_dir():
        yield str(place)
        return
    for directory, folders, files in os.walk(place):
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]
        folders[:] = [name for name in folders if name not in _OURS and name not in links]
        yield from (os.path.join(directory, name) for name in [*files, *links] if name not in _OURS)
