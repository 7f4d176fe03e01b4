"""Runs inside the profiled process: memray notes what it allocates, until it is told to stop or our container ends.

Pythons of other versions than the tests' load this file, with nothing of the image's but its standard library.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

# This file is /proc/<lender>/root/opt/ddd/sidecar/inside/ddd_memory.py: the root is that of the lender's container.
_ROOT = os.path.dirname(os.path.abspath(__file__))[: -len("/opt/ddd/sidecar/inside")]
_MEMRAY = _ROOT + "/opt/memray"
# What memray 1.20 replaces in the class of threads, and does not put back.
_LEFT = "_set_os_name"
_ERRORS = 40
_LOOK = 0.05
_PATIENCE = 60.0


def track(seconds: float) -> None:
    """Note what is allocated from the moment that all processes are ready, for so long at most.

    It is called in a thread of its own. Each step leaves a file in the lender's container; so does why it failed.
    """
    file = f"{_ROOT}/tmp/ddd-memory-{os.getpid()}"
    try:
        tracker = _tracker(file + ".bin")
        _touch(file + ".ready")
        if not _await(f"{_ROOT}/tmp/ddd-memory.go", _PATIENCE):
            return
        with _tracking(tracker):
            _touch(file + ".begun")
            _await(f"{_ROOT}/tmp/ddd-memory.stop", seconds)
            if gc.isenabled():
                gc.collect()  # what only cycles hold is no longer in use
        _touch(file + ".done")
    except Exception:  # noqa: BLE001 - whatever it is, somebody waits for it
        with contextlib.suppress(OSError), open(file + ".error", "w", encoding="utf-8") as said:
            said.write(traceback.format_exc())


def _tracker(file: str) -> Any:
    """A tracker of memray, from the lender's container or the program's own. Nothing else that it imports stays."""
    before = set(sys.modules)
    sys.path.insert(0, _MEMRAY)
    try:
        memray = importlib.import_module("memray")
        memray.set_log_level(_ERRORS)  # it would say how it finds malloc on the program's stderr
        return memray.Tracker(
            destination=memray.FileDestination(file, overwrite=True, compress_on_exit=False),
            # What is freed again is not written, and a service makes objects rather than calls of malloc.
            file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
            trace_python_allocators=True,
        )
    finally:
        sys.path.remove(_MEMRAY)
        for name in set(sys.modules) - before:
            path = getattr(sys.modules[name], "__file__", None) or ""
            if path.startswith(_MEMRAY) and name.partition(".")[0] != "memray":
                del sys.modules[name]


@contextlib.contextmanager
def _tracking(tracker: Any) -> Iterator[None]:
    """Within the block the tracker is at work; a program that ends meanwhile ends it first, as memray wants it."""
    threads: Any = sys.modules["threading"].Thread
    own, open_ = vars(threads).get(_LEFT), [tracker]

    def end() -> None:
        with contextlib.suppress(IndexError):
            open_.pop().__exit__(None, None, None)
        if own:
            setattr(threads, _LEFT, own)

    atexit.register(end)
    tracker.__enter__()
    try:
        yield
    finally:
        end()
        atexit.unregister(end)


def _await(file: str, seconds: float) -> bool:
    """Whether a file came in time. The lender's root is gone once its container is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and os.path.isdir(_MEMRAY):
        if os.path.exists(file):
            return True
        time.sleep(_LOOK)
    return False


def _touch(file: str) -> None:
    with open(file, "w", encoding="utf-8"):
        pass
