"""What `perf script -F tid,ip,sym,dso` prints, as stacks; addresses are named by the program's own symbols."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ddd_tasks.profiling.stacks import Frame

_CALL = re.compile(r"\s+(?P<address>[0-9a-f]+) (?P<symbol>.*) \((?P<file>.*)\)")
_LOST = re.compile(r"PERF_RECORD_LOST(?:_SAMPLES)?\b.*?\blost (\d+)")
_UNKNOWN = "[unknown]"
_KERNEL = 1 << 63  # the lowest address of a 64-bit kernel

Named = Callable[[int], "tuple[Frame, ...]"]


class Call(NamedTuple):
    """A line of a stack. symbol and file: as perf knows them, or "[unknown]"."""

    address: int
    symbol: str
    file: str

    @property
    def is_kernel(self) -> bool:
        """Whether the kernel was at work."""
        return self.address >= _KERNEL

    @property
    def frame(self) -> Frame:
        """What perf calls it."""
        if self.symbol != _UNKNOWN:
            return Frame(self.symbol)
        return Frame("[kernel]" if self.is_kernel else f"[{self.file.strip('[]').rpartition('/')[2]}]")


def samples(text: str) -> Iterator[list[Call]]:
    """The calls of each sample, the innermost first."""
    calls: list[Call] = []
    for line in text.splitlines():
        if match := _CALL.fullmatch(line):
            calls.append(Call(int(match["address"], 16), match["symbol"], match["file"]))
        elif calls:
            yield calls
            calls = []
    if calls:
        yield calls


def lost(text: str) -> int:
    """How many samples the kernel could not hand over."""
    return sum(int(number) for number in _LOST.findall(text))


def loaded(maps: str, file: str) -> int:
    """Where a file's first byte is in memory, by the text of /proc/PID/maps; 0 where it is not."""
    for fields in (line.split(maxsplit=5) for line in maps.splitlines()):
        if len(fields) == 6 and fields[5] == file and not int(fields[2], 16):
            return int(fields[0].partition("-")[0], 16)
    return 0


def stacks(text: str, named: Named, *, with_kernel: bool) -> dict[tuple[Frame, ...], int]:
    """How often each stack was seen, root first. named: an address -> frames, the outermost first; () for unknown ones.

    Without the kernel's frames, its time counts for the call that went there.
    """
    seen: Counter[tuple[Frame, ...]] = Counter()
    for calls in samples(text):
        kept = calls if with_kernel else [one for one in calls if not one.is_kernel] or calls[-1:]
        seen[tuple(_frames(kept, named))] += 1
    return dict(seen)


def _frames(calls: list[Call], named: Named) -> Iterator[Frame]:
    """The frames, root first. Kernel frames without a name are one."""
    first = next((one for one in calls if not one.is_kernel), None)
    before = None
    for call in reversed(calls):
        # A caller's address is where it goes on: the call itself lies just before.
        frames = named(call.address - (call is not first)) or (call.frame,)
        for frame in frames:
            if not (call.is_kernel and frame == before):
                yield frame
            before = frame
