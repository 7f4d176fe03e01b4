"""What goroutine?debug=2 of a pprof endpoint prints: every goroutine with its calls; those alike are shown as one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ddd_tasks.profiling.dumping import Call, Thread

_HEAD = re.compile(r"goroutine (?P<number>\d+)(?: [^\[]*)? ?\[(?P<state>[^\]]*)\].*:")
_PLACE = re.compile(r"\t(?P<file>.*):(?P<line>\d+)(?: \+0x[0-9a-f]+)?")
_ARGUMENTS = re.compile(r"\([^()]*\)$")
_AT_WORK = {"running", "runnable"}
_ANSWERS = "runtime/pprof.writeGoroutineStacks"  # who answers the request


def threads(text: str, process: int) -> list[Thread]:
    """The goroutines in the order of the text, the innermost call first. process: the number that they get."""
    groups: dict[object, list[tuple[str, str, list[Call]]]] = {}
    seen = list(_goroutines(text))
    ours = [number for number, _, calls in seen if any(call.function == _ANSWERS for call in calls)]
    for number, state, calls in seen:
        if number in ours or any(call.function.endswith(f" in goroutine {one}") for call in calls[-1:] for one in ours):
            continue
        what = state.partition(",")[0]
        key = (what, tuple((call.function, call.file, call.line) for call in calls))
        groups.setdefault(key, []).append((number, state, calls))
    return [
        Thread(process, _name(group), group[0][1].partition(",")[0] in _AT_WORK, group[0][2])
        for group in groups.values()
    ]


def _name(group: list[tuple[str, str, list[Call]]]) -> str:
    number, state, _ = group[0]
    if len(group) == 1:
        return f"goroutine {number} [{state}]"
    return f"goroutine {number} and {len(group) - 1} more like it [{state.partition(',')[0]}]"


def _goroutines(text: str) -> Iterator[tuple[str, str, list[Call]]]:
    for block in text.split("\n\n"):
        head, *lines = block.strip("\n").splitlines() or [""]
        if found := _HEAD.fullmatch(head):
            yield found["number"], found["state"], list(_calls(lines))


def _calls(lines: list[str]) -> Iterator[Call]:
    """Each call is two lines: the function with its arguments, and its place."""
    for function, place in itertools.pairwise(lines):
        if found := _PLACE.fullmatch(place):
            name = function if function.startswith("created by ") else _ARGUMENTS.sub("", function)
            yield Call(name, found["file"], int(found["line"]), {})
