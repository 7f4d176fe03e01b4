"""monitor.query: what an expression gives now, or has given over a while."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import stack
from ddd_tasks.monitoring.api import Answer, Prometheus, Series
from ddd_tasks.monitoring.check import expressions
from ddd_tasks.monitoring.check.selectors import NAME, of_tree
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from ddd_tasks.project import Project

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_MOST_POINTS = 200
_OWN = ("metric", "points", "min", "max", "last", "value")


class Result(NamedTuple):
    """What came of it. seconds: over which time, 0 for now; notes: why there is nothing, where that can be told."""

    expression: str
    answer: Answer
    seconds: float
    notes: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The labels of the series, the metric first; then what the values are."""
        labels = sorted(
            {label for one in self.answer.series for label in one.labels}, key=lambda name: (name != NAME, name)
        )
        names = [_column(label) for label in labels]
        return [*names, *(("points", "min", "max", "last") if self._has_times else ("value",))]

    @property
    def rows(self) -> list[dict[str, str]]:
        """A row for each series."""
        return [self._row(one) for one in self.answer.series]

    def as_dict(self) -> dict[str, Any]:
        """The same for --json; a value that JSON has no number for is a string, as Prometheus writes it."""
        facts: dict[str, Any] = {"query": self.expression, "kind": self.answer.kind}
        if self.answer.text:
            return {**facts, "text": self.answer.text}
        series = [{"labels": one.labels, **self._values(one)} for one in self.answer.series]
        return {**facts, "series": series, "notes": list(self.notes)}

    def _values(self, series: Series) -> dict[str, Any]:
        if self._has_times:
            return {"points": [[at, _json(value)] for at, value in series.points]}
        at, value = series.points[0]
        return {"time": at, "value": _json(value)}

    @property
    def _has_times(self) -> bool:
        return self.answer.kind == "matrix"

    def _row(self, series: Series) -> dict[str, str]:
        labels = {_column(label): value for label, value in series.labels.items()}
        values = [value for _, value in series.points]
        if not self._has_times:
            return {**labels, "value": text(values[0])}
        known = [value for value in values if not math.isnan(value)] or [math.nan]
        shown = {"min": min(known), "max": max(known), "last": values[-1]}
        return {**labels, "points": str(len(values)), **{name: text(value) for name, value in shown.items()}}


def _column(label: str) -> str:
    """The column of a label, whose name may be that of a column of ours."""
    if label == NAME:
        return "metric"
    return f"{label} (label)" if label in _OWN else label


def ask(project: Project, expression: str, over: str = "") -> Result:
    """Ask the project's Prometheus. over: a time such as 5m, "" for now.

    Raises NotRunningError, ConfigError for an expression or a time that cannot be used.
    """
    seconds = duration(over) if over else 0.0
    prometheus = Prometheus(stack.require(project).url)
    if seconds:
        now, step = time.time(), max(SCRAPE_SECONDS, math.ceil(seconds / _MOST_POINTS))
        answer = prometheus.query_range(expression, now - seconds, now, step)
    else:
        answer = prometheus.query(expression)
    notes = () if answer.series or answer.text else tuple(reasons(prometheus, expression))
    return Result(expression, answer, seconds, notes)


def reasons(prometheus: Prometheus, expression: str) -> Iterable[str]:
    """Why an expression gives nothing: each selector that finds nothing, with the names that were probably meant."""
    known = expressions.learn(prometheus)
    yield "no series"
    for one in of_tree(prometheus.parse(expression)):
        jobs = sorted(known.up) or [""]
        verdict = expressions.judge(one, expressions.find(prometheus, one), known, jobs[0])
        near = f"; did you mean {' or '.join(verdict.nearest)}?" if verdict.nearest else ""
        if verdict.why:
            yield f"{verdict.why}{near}"


def duration(given: str) -> float:
    """Seconds of a time as Prometheus writes them, such as 90s or 1h30m. Raises ConfigError."""
    parts = _PART.findall(given)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != given or seconds <= 0:
        raise ConfigError(
            f"--range {given!r} is no time",
            cause="it is a number with ms, s, m, h, d or w",
            hint="ddd monitor.query up --range 5m",
        )
    return seconds


def text(value: float) -> str:
    """A value as Prometheus writes it, without the noise of its last digits."""
    if math.isfinite(value):
        return f"{value:.10g}"
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _json(value: float) -> float | str:
    return value if math.isfinite(value) else text(value)
