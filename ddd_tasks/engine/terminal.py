"""The caller's terminal: whether there is one, how large it is, and raw mode for as long as something else owns it."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

STDIN, STDOUT, STDERR = 0, 1, 2


def reserve_standard_streams() -> None:
    """Open /dev/null in place of a standard stream that the caller closed: a socket would get its number otherwise."""
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    # Python leaves them None where the descriptor was closed when it started.
    sys.stdout = sys.stdout or os.fdopen(STDOUT, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(STDERR, "w", closefd=False)


def is_interactive() -> bool:
    """Whether both ends are a terminal, so that a program inside should get one too."""
    return _is_terminal(STDIN) and _is_terminal(STDOUT)


def size() -> tuple[int, int] | None:
    """Rows and columns of the terminal, or None where there is none or it does not know."""
    try:
        columns, rows = os.get_terminal_size(STDOUT)
    except OSError:
        return None
    return (rows, columns) if rows and columns else None


@contextmanager
def raw() -> Iterator[None]:
    """Keys go through one by one, unchanged, within the block; the terminal is as before after it."""
    before = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
