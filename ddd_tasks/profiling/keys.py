"""Single keys of the terminal, without Enter and without an echo; it is as it was afterwards."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def pressed() -> Iterator[Callable[[float], str]]:
    """Within the block, the function gives the keys that are pressed within so many seconds, "" for none.

    Ctrl-C stays what it is. Without a terminal nothing is ever pressed.
    """
    if not sys.stdin.isatty():
        yield _none
        return
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)

    def read(seconds: float) -> str:
        readable, _, _ = select.select([stdin], [], [], seconds)
        return os.read(stdin, 64).decode(errors="replace") if readable else ""

    try:
        tty.setcbreak(stdin)
        yield read
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _none(seconds: float) -> str:
    time.sleep(seconds)
    return ""
