"""From a metric family to the panels that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from ddd_tasks.monitoring import units
from ddd_tasks.monitoring.families import Family, label, selector
from ddd_tasks.monitoring.guards import Split, split_of

RATE_RANGE = "$__rate_interval"
MEAN_RANGE = "2m"
"""A mean over less jumps with each request while one developer clicks; over more it hides what a save changed."""
QUANTILES = (0.5, 0.95, 0.99)

_LONGEST_HELP = 300


class Query(NamedTuple):
    """One expression of a panel. format: time_series, heatmap or table, which is of one moment."""

    expression: str
    legend: str = ""
    format: str = "time_series"


class Panel(NamedTuple):
    """A panel. kind: Grafana's type; families: the names that it shows."""

    title: str
    about: str
    kind: str
    unit: str
    queries: tuple[Query, ...]
    families: tuple[str, ...] = ()


def panels_of(family: Family) -> tuple[Panel, ...]:
    """The panels of a family, by its kind."""
    return _MAKERS.get(family.kind, _gauge)(family, split_of(family))


def about(family: Family, *notes: str) -> str:
    """What a panel says of itself: the metric's own help, and what is not shown."""
    text = " ".join(family.help.split())
    text = text if len(text) <= _LONGEST_HELP else text[: _LONGEST_HELP - 1] + "…"
    start = text or f"{family.name} has no help text."
    ended = start if start.endswith((".", "…", "!", "?")) else f"{start}."
    if not family.samples:
        notes = (*notes, "It had no series when this was generated.")
    return " ".join(filter(None, [ended.replace("$", ""), *notes]))  # Grafana would take $name for a variable


def _counter(family: Family, split: Split) -> tuple[Panel, ...]:
    rate = f"irate({selector(family.name)}[{RATE_RANGE}])"
    query = Query(split.limited(f"sum {split.by}({rate})"), split.legend or "all")
    title, text = f"{family.name}, per second", about(family, split.note)
    return (Panel(title, text, "timeseries", units.per_second(family), (query,), (family.name,)),)


def _gauge(family: Family, split: Split) -> tuple[Panel, ...]:
    series, legend = selector(family.name), f"{{{{instance}}}} {split.legend}".strip()
    if family.name.endswith(("_timestamp_seconds", "_start_time_seconds")):
        query = Query(split.limited(f"time() - {series}"), legend)
        return (Panel(f"{family.name}, age", about(family, split.note), "timeseries", "s", (query,), (family.name,)),)
    if split.many and not split.is_limited:
        split = split._replace(many=())  # each series has a line of its own: none is left out
    query = Query(split.limited(series), legend)
    text = about(family, split.note)
    return (Panel(family.name, text, "timeseries", units.of(family), (query,), (family.name,)),)


def _histogram(family: Family, split: Split) -> tuple[Panel, ...]:
    return (mean(family, split), quantiles(family), heatmap(family))


def _summary(family: Family, split: Split) -> tuple[Panel, ...]:
    made: tuple[Panel, ...] = (mean(family, split),)
    if any("quantile" in sample.labels for sample in family.samples):
        series, legend = selector(family.name), f"{{{{quantile}}}} {split.legend}".strip()
        text = about(family, "As the service computes them: they cannot be joined over instances.", split.note)
        query = Query(split.limited(series), legend)
        made += (Panel(f"{family.name}, quantiles", text, "timeseries", units.of(family), (query,), (family.name,)),)
    return made


def _info(family: Family, split: Split) -> tuple[Panel, ...]:
    query = Query(split.limited(selector(family.name)), "", "table")
    return (Panel(family.name, about(family, split.note), "table", units.PLAIN, (query,), (family.name,)),)


def _states(family: Family, split: Split) -> tuple[Panel, ...]:
    query = Query(split.limited(selector(family.name)), f"{{{{{family.name}}}}} {split.legend}".strip())
    return (Panel(family.name, about(family, split.note), "state-timeline", units.PLAIN, (query,), (family.name,)),)


def mean(family: Family, split: Split) -> Panel:
    """Sum by count over two minutes; the sums by label are outside both rates, or the quotient would be wrong."""
    both = [f"sum {split.by}({part})" for part in _sum_and_count(family)]
    query = Query(split.limited(" / ".join(both)), split.legend or "all")
    text = about(family, f"Mean over {MEAN_RANGE}.", split.note)
    return Panel(f"{family.name}, mean", text, "timeseries", units.of(family), (query,), (family.name,))


def _sum_and_count(family: Family) -> list[str]:
    if family.is_native:
        rate = f"rate({selector(family.name)}[{MEAN_RANGE}])"
        return [f"histogram_sum({rate})", f"histogram_count({rate})"]
    if family.kind == "gaugehistogram":
        return [selector(f"{family.name}_gsum"), selector(f"{family.name}_gcount")]
    return [f"rate({selector(family.name + part)}[{MEAN_RANGE}])" for part in ("_sum", "_count")]


def quantiles(family: Family) -> Panel:
    """p50, p95 and p99 over all series; the highest finite bucket is the most that they can say."""
    grouped = _grouped(family)
    queries = [Query(f"histogram_quantile({one:g}, {grouped})", f"p{one * 100:g}") for one in QUANTILES]
    highest = _highest(family)
    note = f"No more than {highest:g}, the highest bucket, can show." if highest is not None else ""
    text = about(family, note)
    return Panel(f"{family.name}, quantiles", text, "timeseries", units.of(family), tuple(queries), (family.name,))


def heatmap(family: Family) -> Panel:
    """How many observations fell into each bucket."""
    # What came in a step: increase() would tell that of the range, which is longer, and count in several cells.
    each = "" if family.kind == "gaugehistogram" else " * $__interval_ms / 1000"
    query = Query(_grouped(family) + each, "{{le}}", "heatmap")
    text = about(family, "Observations in each bucket.")
    return Panel(f"{family.name}, heatmap", text, "heatmap", units.of(family), (query,), (family.name,))


def _grouped(family: Family) -> str:
    """How fast the buckets, or the native histograms, grow, summed over all series."""
    if family.is_native:
        return f"sum (rate({selector(family.name)}[{RATE_RANGE}]))"
    buckets = selector(f"{family.name}_bucket")
    return f"sum by ({label('le')}) " + (
        f"({buckets})" if family.kind == "gaugehistogram" else f"(rate({buckets}[{RATE_RANGE}]))"
    )


def _highest(family: Family) -> float | None:
    """The highest finite bucket; what is no number is no bucket."""
    bounds = []
    for sample in family.samples:
        with suppress(ValueError):
            bounds.append(float(sample.labels.get("le", "")))
    return max(filter(math.isfinite, bounds), default=None)


_MAKERS: Mapping[str, Callable[[Family, Split], tuple[Panel, ...]]] = {
    "counter": _counter,
    "histogram": _histogram,
    "gaugehistogram": _histogram,
    "summary": _summary,
    "info": _info,
    "stateset": _states,
}
