"""What a profiler saw, in one form for all languages: stacks of frames, and how often or how much each was seen."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ddd_tasks.errors import ConfigError

SAMPLES, BYTES = "samples", "bytes"
Function: TypeAlias = tuple[str, str]
"""Its name and its file: two of one name in two files are two, and code that has moved by a line is the same."""

_PLACE = re.compile(r"(?P<function>.*) \((?P<file>.+?)(?::(?P<line>\d+))?\)", re.DOTALL)


class Frame(NamedTuple):
    """A function at work. file: its path in the container, "" where that is not known; line: the one that ran, or 0."""

    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """As folded text has it: no separator of stacks, no line break."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return _plain(f"{self.function} ({place})" if place else self.function) or "?"


@dataclass(frozen=True)
class Profile:
    """What was seen in so many seconds. unit: SAMPLES or BYTES; rate: samples a second, 0 for bytes.

    lost: samples that the profiler could not take. stacks: frames, root first -> how many samples or bytes.
    """

    language: str
    unit: str
    rate: int
    seconds: float
    lost: int = 0
    stacks: Mapping[tuple[Frame, ...], int] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """The sum of all stacks."""
        return sum(self.stacks.values())


class Total(NamedTuple):
    """A function in a whole profile. own: its share without what it calls, whole: with it; both from 0 to 1.

    line: the one that was seen most, in the function itself where it ever was on top of a stack.
    """

    function: str
    file: str
    line: int
    own: float
    whole: float

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "function": self.function,
            "file": self.file or None,
            "line": self.line or None,
            "self": round(self.own, 4),
            "total": round(self.whole, 4),
        }


def folded(profile: Profile) -> str:
    """One line for each stack, as flame graph tools take them: frames from the root, joined by ";", and the weight."""
    lines: Counter[str] = Counter()
    for stack, weight in profile.stacks.items():
        lines[";".join(map(str, stack))] += weight
    return "".join(f"{stack} {weight}\n" for stack, weight in sorted(lines.items()))


def parse(text: str) -> dict[tuple[Frame, ...], int]:
    """The stacks of folded text. A frame may end with its place, as "work (/app/main.py:12)". Raises ConfigError."""
    found: Counter[tuple[Frame, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        stack, _, weight = line.rpartition(" ")
        if not stack or not weight.isdecimal():
            raise ConfigError(
                f"line {number} is no folded stack: {line[:80]!r}", cause="it does not end with a blank and a number"
            )
        found[tuple(_frame(one) for one in stack.split(";"))] += int(weight)
    return dict(found)


def totals(profile: Profile) -> list[Total]:
    """Every function with its shares, the one with the largest of its own first. Recursion counts once."""
    own, whole = Counter[Function](), Counter[Function]()
    tops, lines = by_line(profile)
    for stack, weight in profile.stacks.items():
        for key in {frame[:2] for frame in stack}:
            whole[key] += weight
        for frame in stack[-1:]:
            own[frame[:2]] += weight
    by = profile.weight or 1
    found = (Total(*key, _most(tops.get(key) or lines[key]), own[key] / by, whole[key] / by) for key in whole)
    return sorted(found, key=lambda one: (-one.own, -one.whole, one.function, one.file))


def by_line(profile: Profile) -> tuple[dict[Function, Counter[int]], dict[Function, Counter[int]]]:
    """The weight at each line of each function: where it was at work itself, and wherever it was in a stack."""
    tops: defaultdict[Function, Counter[int]] = defaultdict(Counter)
    lines: defaultdict[Function, Counter[int]] = defaultdict(Counter)
    for stack, weight in profile.stacks.items():
        for frame in set(stack):
            lines[frame[:2]][frame.line] += weight
        for frame in stack[-1:]:
            tops[frame[:2]][frame.line] += weight
    return dict(tops), dict(lines)


def hottest(profile: Profile, count: int) -> list[Total]:
    """The functions that spent most themselves; those that only call others are left out."""
    return [one for one in totals(profile) if one.own > 0][:count]


def files(profile: Profile) -> Iterator[str]:
    """The files of all frames, each once."""
    yield from dict.fromkeys(frame.file for stack in profile.stacks for frame in stack if frame.file)


def _most(lines: Counter[int]) -> int:
    """The line seen most; of several the first."""
    return min(lines, key=lambda line: (-lines[line], line))


def _frame(text: str) -> Frame:
    if found := _PLACE.fullmatch(text):
        return Frame(found["function"], found["file"], int(found["line"] or 0))
    return Frame(text)


def _plain(text: str) -> str:
    return " ".join(text.replace(";", ",").splitlines())
