"""Capabilities that a process of ours gives up: the service may look into it then, and what it starts may have them."""

from __future__ import annotations

import ctypes

SYS_PTRACE = 19
_VERSION = 0x20080522
_SET_DUMPABLE = 4
_SETS = 3  # effective, permitted, inheritable; and all that twice, for 32 capabilities each


def give_up(number: int | None = None) -> None:
    """Give up one capability, or all, in this thread and those that it starts. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * (2 * _SETS))()
    if number is not None:
        _call(library.capget, header, sets)
        for at in range(_SETS):
            sets[number // 32 * _SETS + at] &= ~(1 << number % 32)
    _call(library.capset, header, sets)
    # A program that has had more than the one that started it is closed to all others, until it says otherwise.
    _call(library.prctl, _SET_DUMPABLE, 1, 0, 0, 0)


def _call(function: object, *arguments: object) -> None:
    assert callable(function)
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "capabilities")
