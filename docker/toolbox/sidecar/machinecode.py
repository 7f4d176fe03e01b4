"""Breakpoints that a killed debugger leaves in the machine code of a process, replaced by what its program has there.

A thread that runs into one of those ends the whole process. Whatever else differs from the program's file is not ours.
As a command: python3 -m sidecar.machinecode PID.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_CHUNK = 1 << 20
_PAGE = 4096
# What Delve writes; a breakpoint of the kernel's own tracers (uprobes) is the same on x86, and another one on ARM.
_BREAKPOINTS = {"x86_64": b"\xcc", "aarch64": b"\x00\x00\x20\xd4"}


class Mapped(NamedTuple):
    """A part of the program's file in the memory of its process."""

    address: int
    offset: int
    size: int


def restore(pid: int) -> int:
    """Take its breakpoints out, and return how many. Raises OSError, also where we may not trace the process.

    Only for a process that a debugger of ours was killed in: somebody else's breakpoints look the same.
    """
    breakpoint_ = _BREAKPOINTS.get(os.uname().machine, b"")
    root = Path(f"/proc/{pid}")
    maps = (root / "maps").read_text()
    program = str((root / "exe").readlink())
    with (root / "exe").open("rb") as file, (root / "mem").open("r+b", buffering=0) as memory:
        return sum(_restore(file, memory, part, breakpoint_) for part in parse_maps(maps, program))


def parse_maps(text: str, program: str) -> Iterator[Mapped]:
    """The parts of /proc/PID/maps that hold the program's own code."""
    for row in (line.split(maxsplit=5) for line in text.splitlines()):
        if len(row) == 6 and row[1] == "r-xp" and row[5] == program:
            start, end = (int(number, 16) for number in row[0].split("-"))
            yield Mapped(start, int(row[2], 16), end - start)


def _restore(file: BinaryIO, memory: BinaryIO, part: Mapped, breakpoint_: bytes) -> int:
    places = 0
    for done in range(0, part.size, _CHUNK):
        file.seek(part.offset + done)
        wanted = file.read(min(_CHUNK, part.size - done))
        memory.seek(part.address + done)
        there = memory.read(len(wanted))
        for at in replaced(wanted, there, breakpoint_):
            memory.seek(part.address + done + at)
            memory.write(wanted[at : at + len(breakpoint_)])
            places += 1
    return places


def replaced(wanted: bytes, there: bytes, breakpoint_: bytes) -> Iterator[int]:
    """Where a breakpoint stands in the second of two texts of the same length, and not in the first."""
    size = len(breakpoint_)
    if not size or wanted == there:
        return
    for page in range(0, len(wanted), _PAGE):
        if wanted[page : page + _PAGE] != there[page : page + _PAGE]:
            for at in range(page, min(page + _PAGE, len(wanted)), size):
                if wanted[at : at + size] != breakpoint_ == there[at : at + size]:
                    yield at


if __name__ == "__main__":
    restore(int(sys.argv[1]))
