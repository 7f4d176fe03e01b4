"""What this user's checkouts have taken: project names and host ports. One file, read and changed under a lock."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddd_tasks import console

KINDS = ("names", "ports")


@contextmanager
def opened() -> Iterator[dict[str, dict[str, str]]]:
    """The ledger: kind -> what is taken -> the directory that has it. It is written back when the block ends well.

    Entries of directories that are gone are left out. Only one process at a time is in the block: keep it short.
    """
    folder = _folder()
    with alone("ledger", waiting=""):
        file = folder / "ledger.json"
        before = _read(file)
        entries = {kind: {key: at for key, at in before[kind].items() if Path(at).is_dir()} for kind in KINDS}
        yield entries
        if entries != before:
            draft = file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(entries, indent=2))
            draft.replace(file)


@contextmanager
def alone(name: str, *, waiting: str) -> Iterator[None]:
    """Only one process of this user is in the block with this name; waiting: what to say when another one is.

    The lock ends with the process, and its file with the lock.
    """
    path = _folder() / f"{name}.lock"
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, waiting)
            if _is_same(descriptor, path):  # otherwise its last holder has removed the file in the meantime
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        finally:
            os.close(descriptor)


def _lock(descriptor: int, waiting: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if waiting:
            console.note(waiting)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        stored = json.loads(file.read_text())
        return {kind: {str(key): str(at) for key, at in stored[kind].items()} for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {kind: {} for kind in KINDS}


def _folder() -> Path:
    """The user's cache folder, or one in the temporary folder where the home cannot be written to."""
    homes = [Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ddd-tasks"]
    homes.append(Path(tempfile.gettempdir()) / f"ddd-tasks-{os.getuid()}")
    for folder in homes:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return Path(tempfile.mkdtemp(prefix="ddd-tasks-"))
