"""What this user's checkouts have taken: project names and host ports. One file, read and changed under a lock."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ddd_tasks import userfolders
from ddd_tasks.engine import lock

KINDS = ("names", "ports")


@contextmanager
def opened() -> Iterator[dict[str, dict[str, str]]]:
    """The ledger: kind -> what is taken -> the directory that has it. It is written back when the block ends well.

    Entries of directories that are gone are left out. Only one process at a time is in the block: keep it short.
    """
    folder = userfolders.cache()
    with alone("ledger", waiting=""):
        file = folder / "ledger.json"
        before = _read(file)
        entries = {kind: {key: at for key, at in before[kind].items() if Path(at).is_dir()} for kind in KINDS}
        yield entries
        if entries != before:
            draft = file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(entries, indent=2))
            draft.replace(file)


def alone(name: str, *, waiting: str) -> AbstractContextManager[None]:
    """Only one process of this user is in the block with this name; waiting: what to say when another one is.

    The lock ends with the process, and its file with the lock.
    """
    return lock.held(userfolders.cache() / f"{name}.lock", waiting=waiting, keep=False)


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        stored = json.loads(file.read_text())
        return {kind: {str(key): str(at) for key, at in stored[kind].items()} for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {kind: {} for kind in KINDS}
