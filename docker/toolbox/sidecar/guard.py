"""Where a sidecar was killed while its debugger had breakpoints in a process: they are taken out from beside it.

The forwarder does that: it is another container, and so is still there.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import suppress

from sidecar import machinecode, proc

_watched: set[int] = set()
_lock = threading.Lock()


def watch(sidecar: int) -> None:
    """Wait in a thread for the end of a sidecar's process, and then clean up behind it; once for each."""
    with _lock:
        if sidecar in _watched:
            return
        _watched.add(sidecar)
    with suppress(ProcessLookupError):
        threading.Thread(target=_await, args=(sidecar, os.pidfd_open(sidecar)), daemon=True).start()


def _await(sidecar: int, descriptor: int) -> None:
    try:
        select.select([descriptor], [], [])
        clean()
    finally:
        os.close(descriptor)
        with _lock:
            _watched.discard(sidecar)


def clean() -> int:
    """Put the machine code of the service's processes back to what their programs have; in how many places."""
    places = 0
    for one in proc.processes():
        try:
            places += machinecode.restore(one.pid)
        except OSError as error:
            if proc.process(one.pid):
                sys.stderr.write(f"breakpoints may be left in process {one.pid}: {error}\n")
    if places:
        sys.stderr.write(f"{places} breakpoints of a killed debugger were taken out\n")
    sys.stderr.flush()
    return places
