"""What V8's profilers write, as stacks: .cpuprofile and .heapprofile.

The formats are those of the Chrome DevTools Protocol: Profiler.Profile and HeapProfiler.SamplingHeapProfile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ddd_tasks.profiling.stacks import Frame

# The program waits: for nothing of these a function can be blamed.
_WAITS = ("(idle)",)
_ROOT = "(root)"
NAMELESS = "(anonymous)"


class Place(NamedTuple):
    """Where code is, as the engine knows it: numbers from 0, column -1 where only the line is known."""

    url: str
    line: int
    column: int


class Call(NamedTuple):
    """A function that was seen, and where: the line that ran, else where it begins."""

    function: str
    place: Place


_Stacks = dict[tuple[Call, ...], int]


def of_cpu(profile: Mapping[str, Any]) -> _Stacks:
    """How often each stack was seen. Raises KeyError, TypeError, ValueError for what is no profile."""
    nodes = {int(node["id"]): node for node in profile["nodes"]}
    parents = {int(child): number for number, node in nodes.items() for child in node.get("children") or ()}
    found: Counter[tuple[Call, ...]] = Counter()
    for number, node in nodes.items():
        # Not its list of samples: that has some which were taken out of turn, when code was compiled.
        if not (hits := int(node.get("hitCount") or 0)):
            continue
        if node["callFrame"]["functionName"] in (*_WAITS, _ROOT):
            continue
        stack = tuple(reversed([_call(nodes[one]["callFrame"]) for one in _line_of(number, parents)]))[1:]
        for place, weight in _split(node, stack[-1].place, hits):
            leaf = stack[-1]._replace(place=place)
            found[stack[:-1] + (leaf,)] += weight  # noqa: RUF005 - a star in an index needs Python 3.11
    return dict(found)


def of_heap(profile: Mapping[str, Any]) -> _Stacks:
    """How many bytes were allocated by each stack and are still in use. Raises as of_cpu does."""
    found: Counter[tuple[Call, ...]] = Counter()
    waiting: list[tuple[Mapping[str, Any], tuple[Call, ...]]] = [(profile["head"], ())]
    while waiting:
        node, above = waiting.pop()
        frame = node["callFrame"]
        stack = above if frame["functionName"] == _ROOT else (*above, _call(frame))
        if stack and node["selfSize"]:
            found[stack] += int(node["selfSize"])
        waiting += [(child, stack) for child in node["children"]]
    return dict(found)


def path_of(url: str) -> str:
    """The path in the container of a script; its URL where it is no file, as node:internal/timers."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" else url


def frame(call: Call) -> Frame:
    """The call as a frame, by the code that runs."""
    return Frame(call.function, path_of(call.place.url), call.place.line + 1 if call.place.url else 0)


def _line_of(number: int, parents: Mapping[int, int]) -> Iterator[int]:
    """A node and those above it, up to the root."""
    yield number
    while number in parents:
        number = parents[number]
        yield number


def _split(node: Mapping[str, Any], begin: Place, hits: int) -> Iterator[tuple[Place, int]]:
    """The hits by the line that ran, as the engine has counted them; the others at the begin of the function."""
    left = hits
    for tick in node.get("positionTicks") or ():
        weight = min(left, int(tick["ticks"]))
        if weight > 0:
            yield begin._replace(line=int(tick["line"]) - 1, column=-1), weight
            left -= weight
    if left:
        yield begin, left


def _call(frame: Mapping[str, Any]) -> Call:
    place = Place(str(frame["url"]), int(frame["lineNumber"]), int(frame["columnNumber"]))
    return Call(str(frame["functionName"]) or NAMELESS, place)
