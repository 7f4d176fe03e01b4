"""What keeps a panel readable: the labels that it is split by, and how many lines it may have."""

from __future__ import annotations

from typing import NamedTuple

from ddd_tasks.monitoring.families import Family, label

MOST_VALUES = 12
"""A label with more values than this is not split by."""
MOST_SERIES = 200
"""Of a family with more series than this, only the highest are shown."""
HIGHEST = 10

_STRUCTURE = {"le", "quantile"}


class Split(NamedTuple):
    """The labels of a family: split, those of few values; many, the others with their number of values; its series."""

    split: tuple[str, ...]
    many: tuple[tuple[str, int], ...]
    series: int

    @property
    def by(self) -> str:
        """The grouping of a sum: "by (method, route) ", or ""."""
        return f"by ({', '.join(map(label, self.split))}) " if self.split else ""

    @property
    def legend(self) -> str:
        """The legend of one line, from its labels; "" where there is but one line."""
        return " ".join(f"{{{{{name}}}}}" for name in self.split)

    @property
    def note(self) -> str:
        """A sentence on what is not shown; "" where all is."""
        said = [f"Not split by {name}, which has {count} values." for name, count in self.many]
        if self.is_limited:
            said.append(f"Only the {HIGHEST} highest of {self.series} series.")
        return " ".join(said)

    @property
    def is_limited(self) -> bool:
        """Whether not all series are shown."""
        return self.series > MOST_SERIES

    def limited(self, expression: str) -> str:
        """The expression, of a large family only for the highest series."""
        return f"topk({HIGHEST}, {expression})" if self.is_limited else expression


def split_of(family: Family) -> Split:
    """The labels of a family that its panels are split by."""
    values: dict[str, set[str]] = {}
    samples = family.main
    for sample in samples:
        for name, value in sample.labels.items():
            values.setdefault(name, set()).add(value)
    known = {name: len(found) for name, found in sorted(values.items()) if name not in {*_STRUCTURE, family.name}}
    return Split(
        tuple(name for name, count in known.items() if count <= MOST_VALUES),
        tuple((name, count) for name, count in known.items() if count > MOST_VALUES),
        len(samples),
    )
