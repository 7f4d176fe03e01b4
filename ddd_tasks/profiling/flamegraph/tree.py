"""Stacks as the tree that a flame graph draws, in arrays that are small as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddd_tasks.profiling.stacks import Frame, Profile

_Stacks = Mapping[tuple[Frame, ...], int]


@dataclass
class _Node:
    """frame: index of the frame. totals: the weight in each of the profiles."""

    frame: int
    totals: list[int]
    children: dict[int, _Node] = field(default_factory=dict)


def data(profiles: Sequence[Profile]) -> dict[str, Any]:
    """The tree of one profile, or of two laid over each other.

    frames: [function, file, line]. depth, frame, totals[i]: one item for each node, parents before children, siblings
    by name, so that two pictures of a program look alike. The root stands for the whole and has no frame: -1.
    """
    frames: dict[Frame, int] = {}
    root = _Node(-1, [0] * len(profiles))
    for which, profile in enumerate(profiles):
        _add(root, which, profile.stacks, frames)
    names = [(frame.function, frame.file, frame.line) for frame in frames]
    nodes = list(_walk(root, names))
    return {
        "frames": [[function, file or "", line or 0] for function, file, line in names],
        "depth": [depth for depth, _ in nodes],
        "frame": [node.frame for _, node in nodes],
        "totals": [[node.totals[which] for _, node in nodes] for which in range(len(profiles))],
    }


def _add(root: _Node, which: int, stacks: _Stacks, frames: dict[Frame, int]) -> None:
    for stack, weight in stacks.items():
        node = root
        node.totals[which] += weight
        for frame in stack:
            index = frames.setdefault(frame, len(frames))
            if index not in node.children:
                node.children[index] = _Node(index, [0] * len(root.totals))
            node = node.children[index]
            node.totals[which] += weight


def _walk(root: _Node, names: Sequence[tuple[str, str, int]]) -> Iterator[tuple[int, _Node]]:
    """Each node with its depth. Without recursion: a stack may be deeper than Python's own."""
    waiting = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        children = sorted(node.children.values(), key=lambda child: names[child.frame], reverse=True)
        waiting.extend((depth + 1, child) for child in children)
