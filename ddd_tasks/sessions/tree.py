"""A small tree of files as JSON, so that one that was made can be made again without what made it."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

# A venv is some scripts and links: 20 kB. One with copies of programs is better made anew.
_MOST_BYTES = 1_000_000

# Path below the root, mode, and for a file its bytes as latin-1, for a link its target, for a folder None.
Entry = tuple[str, int, str | None]


def pack(root: Path, *, without: str) -> list[Entry] | None:
    """All that is below a folder but its entry without, folders before what is in them.

    None where that is too much, or not only files, folders and links.
    """
    entries: list[Entry] = []
    size = 0
    for path in _below(root, without):
        status = path.lstat()
        size += status.st_size
        content: str | None = None
        if stat.S_ISLNK(status.st_mode):
            content = str(path.readlink())
        elif stat.S_ISREG(status.st_mode) and size < _MOST_BYTES:
            content = path.read_bytes().decode("latin-1")
        elif not stat.S_ISDIR(status.st_mode):
            return None
        entries.append((str(path.relative_to(root)), status.st_mode, content))
    return entries


def unpack(root: Path, entries: Sequence[Entry]) -> None:
    """Make them below a folder that is there. Raises OSError."""
    for name, mode, content in entries:
        path = root / name
        if stat.S_ISLNK(mode):
            path.symlink_to(str(content))
            continue
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content.encode("latin-1"))
        path.chmod(stat.S_IMODE(mode))


def _below(root: Path, without: str = "") -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name != without:
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from _below(path)
