"""Where a sidecar was killed while its debugger had breakpoints in a process: they are taken out from beside it.

The forwarder does that: it is another container, and so is still there.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import suppress
from pathlib import Path

from sidecar import gobinary, machinecode, proc

_watched: set[int] = set()
_lock = threading.Lock()


def watch(sidecar: int, socket: str) -> None:
    """Wait in a thread for the end of a sidecar's process, and then clean up behind it; once for each.

    socket: the path of a file that the sidecar removes when it ends in an orderly manner: then nothing is left behind.
    """
    with _lock:
        if sidecar in _watched:
            return
        _watched.add(sidecar)
    with suppress(OSError):  # it has ended
        process, file = os.pidfd_open(sidecar), os.open(socket, os.O_PATH)
        threading.Thread(target=_await, args=(sidecar, process, file), daemon=True).start()


def _await(sidecar: int, process: int, file: int) -> None:
    try:
        select.select([process], [], [])
        if os.fstat(file).st_nlink:
            clean()
    finally:
        os.close(process)
        os.close(file)
        with _lock:
            _watched.discard(sidecar)


def clean() -> int:
    """Take the breakpoints out of the service's Go processes; how many. No other debugger of ours writes such."""
    places = 0
    for one in proc.processes():
        try:
            if gobinary.read(Path(f"/proc/{one.pid}/exe")) is None:
                continue
            places += machinecode.restore(one.pid)
        except OSError as error:
            if proc.process(one.pid):
                sys.stderr.write(f"breakpoints may be left in process {one.pid}: {error}\n")
    if places:
        sys.stderr.write(f"{places} breakpoints of a killed debugger were taken out\n")
    sys.stderr.flush()
    return places
