"""One at a time: a lock between processes that goes with the process that holds it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddd_tasks import console


@contextmanager
def held(path: Path, *, waiting: str = "") -> Iterator[None]:
    """Hold the lock of this file, with a word where that means waiting. Raises OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                console.note(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
