"""The machine code of a process, put back to what its program has: a debugger that was killed leaves breakpoints in it.

A thread that runs into one of those ends the whole process. As a command: python3 -m sidecar.machinecode PID.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_CHUNK = 1 << 20
_WORD = 16


class Mapped(NamedTuple):
    """A part of the program's file in the memory of its process."""

    address: int
    offset: int
    size: int


def restore(pid: int) -> int:
    """Put back what differs, and return in how many places. Raises OSError, also where we may not trace the process."""
    root = Path(f"/proc/{pid}")
    maps = (root / "maps").read_text()
    program = str((root / "exe").readlink())
    with (root / "exe").open("rb") as file, (root / "mem").open("r+b", buffering=0) as memory:
        return sum(_restore(file, memory, part) for part in parse_maps(maps, program))


def parse_maps(text: str, program: str) -> Iterator[Mapped]:
    """The parts of /proc/PID/maps that hold the program's own code."""
    for row in (line.split(maxsplit=5) for line in text.splitlines()):
        if len(row) == 6 and row[1] == "r-xp" and row[5] == program:
            start, end = (int(number, 16) for number in row[0].split("-"))
            yield Mapped(start, int(row[2], 16), end - start)


def _restore(file: BinaryIO, memory: BinaryIO, part: Mapped) -> int:
    places = 0
    for done in range(0, part.size, _CHUNK):
        file.seek(part.offset + done)
        wanted = file.read(min(_CHUNK, part.size - done))
        memory.seek(part.address + done)
        there = memory.read(len(wanted))
        for at in differing(wanted, there):
            memory.seek(part.address + done + at)
            memory.write(wanted[at : at + _WORD])
            places += 1
    return places


def differing(wanted: bytes, there: bytes) -> Iterator[int]:
    """Where words of two texts of the same length differ."""
    if wanted == there:
        return
    for at in range(0, len(wanted), 4096):
        if wanted[at : at + 4096] != there[at : at + 4096]:
            for word in range(at, min(at + 4096, len(wanted)), _WORD):
                if wanted[word : word + _WORD] != there[word : word + _WORD]:
                    yield word


if __name__ == "__main__":
    restore(int(sys.argv[1]))
