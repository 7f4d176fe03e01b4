"""Stacks as the tree that a flame graph draws, in arrays that are small as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddd_tasks.profiling import stacks
from ddd_tasks.profiling.stacks import Frame, Function, Profile

_Stacks = Mapping[tuple[Frame, ...], int]
_LINES = 3  # of a function, those that it was at most


@dataclass
class _Node:
    """function: its number. totals: the weight in each of the profiles."""

    function: int
    totals: list[int]
    children: dict[int, _Node] = field(default_factory=dict)


def data(profiles: Sequence[Profile], sources: Mapping[str, str]) -> dict[str, Any]:
    """The tree of one profile, or of two laid over each other. sources: file in the container -> path in the checkout.

    functions: [name, file, path or "", lines that it was at most itself]; the line is no part of the tree, so that code
    that has moved stays the same function. depth, frame (the number of a function), totals[i]: one item for each node,
    parents before children, siblings by name, so that two pictures of a program look alike. The root stands for the
    whole and has no function: -1.
    """
    numbers: dict[Function, int] = {}
    root = _Node(-1, [0] * len(profiles))
    for which, profile in enumerate(profiles):
        _add(root, which, profile.stacks, numbers)
    lines = _lines(profiles[-1]) if profiles else {}
    before = _lines(profiles[0]) if profiles else {}
    nodes = list(_walk(root, list(numbers)))
    return {
        "functions": [
            [name, file, sources.get(file, ""), lines.get((name, file)) or before.get((name, file), [])]
            for name, file in numbers
        ],
        "depth": [depth for depth, _ in nodes],
        "frame": [node.function for _, node in nodes],
        "totals": [[node.totals[which] for _, node in nodes] for which in range(len(profiles))],
    }


def _add(root: _Node, which: int, seen: _Stacks, numbers: dict[Function, int]) -> None:
    for stack, weight in seen.items():
        node = root
        node.totals[which] += weight
        for frame in stack:
            number = numbers.setdefault(frame[:2], len(numbers))
            if number not in node.children:
                node.children[number] = _Node(number, [0] * len(root.totals))
            node = node.children[number]
            node.totals[which] += weight


def _lines(profile: Profile) -> dict[Function, list[tuple[int, int]]]:
    """The lines of each function with their weight: those where it was itself, or where it called others."""
    own, all_ = stacks.by_line(profile)
    return {function: _most(own.get(function) or lines) for function, lines in all_.items()}


def _most(lines: Counter[int]) -> list[tuple[int, int]]:
    known = [(line, weight) for line, weight in lines.items() if line]
    return sorted(known, key=lambda one: (-one[1], one[0]))[:_LINES]


def _walk(root: _Node, names: Sequence[Function]) -> Iterator[tuple[int, _Node]]:
    """Each node with its depth. Without recursion: a stack may be deeper than Python's own."""
    waiting = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        children = sorted(node.children.values(), key=lambda child: names[child.function], reverse=True)
        waiting.extend((depth + 1, child) for child in children)
