"""What a service exposes, as plain values: metric families with their series, wherever they were read from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MATCHERS = 'job=~"$job", instance=~"$instance"'


class Sample(NamedTuple):
    """One series and its value."""

    name: str
    labels: Mapping[str, str]
    value: float


class Family(NamedTuple):
    """A metric. name: as Prometheus stores it: with _total or _info; without _bucket, _sum and _count.

    kind: counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown. unit: as the page declares it,
    mostly "". is_native: a histogram that Prometheus stores as one series instead of as buckets.
    """

    name: str
    kind: str
    help: str
    unit: str
    samples: tuple[Sample, ...]
    is_native: bool = False

    @property
    def words(self) -> list[str]:
        """The parts of the name."""
        return [word for word in re.split(r"[^a-zA-Z0-9]+", self.name.lower()) if word]

    @property
    def main(self) -> list[Sample]:
        """One sample for each series that is shown: of a histogram or summary the counts."""
        if self.kind in ("histogram", "gaugehistogram", "summary"):
            return [sample for sample in self.samples if sample.name.endswith("count")] or list(self.samples)
        return list(self.samples)


def selector(name: str, *matchers: str) -> str:
    """The PromQL of a metric's series of the chosen jobs and instances, for names of any characters."""
    inner = ", ".join([_MATCHERS, *matchers])
    return f"{name}{{{inner}}}" if _PLAIN.fullmatch(name) else f"{{{quoted(name)}, {inner}}}"


def label(name: str) -> str:
    """A label's name in PromQL."""
    return name if _PLAIN_LABEL.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """The text as a PromQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def merged(found: Iterable[Family]) -> tuple[Family, ...]:
    """Each family once, in the order of the first: some pages name one several times."""
    by_name: dict[str, Family] = {}
    more: dict[str, list[Sample]] = {}
    for one in found:
        known = by_name.setdefault(one.name, one)
        if known.kind == "unknown" and one.kind != "unknown":
            by_name[one.name] = one._replace(help=one.help or known.help)
        more.setdefault(one.name, []).extend(one.samples)
    return tuple(one._replace(samples=tuple(more[name])) for name, one in by_name.items())
