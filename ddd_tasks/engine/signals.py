"""Signals for a process that runs in a container: the engine has no call for that (moby/moby#35703).

Every process that an exec starts inherits its token in the environment, so the token finds grandchildren too. Where
the engine runs on this machine they are found in our own /proc; elsewhere, or where we may not look, a small shell
script does the same inside the container.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
else:
    import _signal as signal  # what the module of that name wraps in enums, for 4 ms of every exec

VARIABLE = "DDD_EXEC"
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# deliver TOKEN SIGNAL; count says to how many. grep -s: a process may end, or belong to somebody else, while we look.
# $$ itself does not carry the token.
DELIVER = """\
deliver() {
  count=0
  for environ in /proc/[0-9]*/environ; do
    if grep -qs "DDD_EXEC=$1" "$environ"; then
      pid=${environ#/proc/}
      kill -s "$2" "${pid%/environ}" 2>/dev/null && count=$((count + 1))
    fi
  done
}
"""
SCRIPT = DELIVER + 'deliver "$1" "$2"; echo "$count"'


@contextmanager
def watched() -> Iterator[int]:
    """Within the block, signals arrive as bytes (their numbers) on the yielded descriptor and do nothing else.

    Yields -1 outside the main thread, where Python cannot handle signals; they keep their meaning there.
    """
    numbers = (*FORWARDED, signal.SIGWINCH)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        before_wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    except ValueError:
        os.close(read_end)
        os.close(write_end)
        yield -1
        return
    before: dict[int, Callable[..., object] | int | None] = {}
    try:
        for number in numbers:
            # nohup and background jobs of a shell ignore some signals on purpose: leave those ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, lambda *_: None)
        yield read_end
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)
        signal.set_wakeup_fd(before_wakeup)
        os.close(read_end)
        os.close(write_end)


def name_of(number: int) -> str:
    """A signal's name as kill -s takes it: INT for 2."""
    from signal import Signals

    return Signals(number).name.removeprefix("SIG")


def send_here(token: str, number: int) -> int:
    """Signal each process of this machine whose environment holds the token; returns how many there were."""
    needle = f"{VARIABLE}={token}".encode()
    count = 0
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                found = needle in file.read()
            if found:
                os.kill(int(entry), number)
                count += 1
        except OSError:
            continue  # it has ended, or is not ours to look at
    return count
