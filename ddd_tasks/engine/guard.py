"""What ends a command whose client is killed in its first moments: a process beside the client, until the leash is on.

It costs a fork, a third of a millisecond. It waits for the end of a pipe that only the client holds; a client that ends
in order says so first. In a session of its own, a signal to the client's group does not reach it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable
else:
    import _signal as signal  # what the module of that name wraps in enums, for 4 ms of every exec

_STAND_DOWN = b"."
# Where nobody says which are open.
_MOST_DESCRIPTORS = 4096
_gone: list[int] = []


class Guard:
    """A process that calls end, once this process has gone without a word."""

    def __init__(self, child: int, pipe: int) -> None:
        self._child = child
        self._pipe = pipe

    def stand_down(self) -> None:
        """It is not needed any more. A second call does nothing."""
        if self._pipe < 0:
            return
        with suppress(OSError):  # somebody else may have ended it
            os.write(self._pipe, _STAND_DOWN)
        os.close(self._pipe)
        self._pipe = -1
        _gone.append(self._child)


def post(end: Callable[[], None]) -> Guard | None:
    """Start one; None where that cannot be done: on Windows, beside other threads, or at a limit for processes."""
    _reap()
    threading = sys.modules.get("threading")
    if not hasattr(os, "fork") or (threading is not None and threading.active_count() > 1):
        return None
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no protection is no reason to run nothing
        os.close(read_end)
        os.close(write_end)
        return None
    if child == 0:
        try:
            _watch(read_end, end)
        finally:
            os._exit(0)
    os.close(read_end)
    return Guard(child, write_end)


def _watch(pipe: int, end: Callable[[], None]) -> None:
    """The child's life: it must hold none of the client's streams, or their other ends would wait for it."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in _descriptors():
        if descriptor != pipe:
            with suppress(OSError):
                os.close(descriptor)
    if not os.read(pipe, 1):
        end()


def _descriptors() -> Iterable[int]:
    """What may be open. Not up to the limit for open files: where that is a billion, closing takes minutes."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return range(_MOST_DESCRIPTORS)


def _reap() -> None:
    """Take leave of those that have stood down: a long-lived client would collect zombies."""
    for child in _gone[:]:
        try:
            if os.waitpid(child, os.WNOHANG)[0]:
                _gone.remove(child)
        except OSError:
            _gone.remove(child)
