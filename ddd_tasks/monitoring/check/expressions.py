"""Whether an expression has data, is idle or is broken, and why.

Idle is what will have data once the service works: its series exist or are announced, but have no value. Broken is what
never will: it is no PromQL, or it selects what nothing exposes.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring.api import Answer, Described, Prometheus, words
from ddd_tasks.monitoring.check.selectors import NAME, Matcher, Selector, missing, of_tree
from ddd_tasks.monitoring.check.variables import RANGE_SECONDS

DATA, IDLE, BROKEN = "data", "idle", "broken"

# The names of a family's series, by its type; the family's own name is one of them for a native histogram, say.
_ENDINGS = {
    "counter": ("", "_total", "_created"),
    "histogram": ("", "_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("", "_bucket", "_gsum", "_gcount", "_sum", "_count"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("", "_info"),
}
_OF_RULES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
# Labels whose values are the same from the first sample on: one that is missing will not come.
_FIXED = ("le", "quantile")
_NAMED = Matcher(NAME, "=~", ".+")
_MOST_SERIES = 5000
_MOST_NAMES = 8


class Verdict(NamedTuple):
    """status: data, idle or broken; why: in a few words, "" with data; nearest: the names that were probably meant.

    is_gone: idle, because it was there in the last minutes and is not exposed any more.
    """

    status: str
    why: str = ""
    nearest: tuple[str, ...] = ()
    is_gone: bool = False


class Known(NamedTuple):
    """What Prometheus knows of metrics, by job. possible: names with series in the last minutes, or announced.

    current: those of them with series or announced now; recorded: names that rules make; up: jobs with a target that
    answers.
    """

    possible: Mapping[str, frozenset[str]]
    current: Mapping[str, frozenset[str]]
    recorded: frozenset[str]
    up: frozenset[str]

    @property
    def names(self) -> list[str]:
        """Every name, once."""
        return sorted(self.recorded.union(*self.possible.values()))


class Found(NamedTuple):
    """What a selector finds. is_there: whether a series matches; labels: of all series of the metric, if none does."""

    is_there: bool
    labels: Sequence[Mapping[str, str]] = ()


def learn(prometheus: Prometheus) -> Known:
    """Ask for what is known now. Raises NotRunningError."""
    described = prometheus.metadata()
    jobs = {*prometheus.label_values("job", RANGE_SECONDS), *(one.job for one in described), ""}
    recent = {
        job: prometheus.label_values(NAME, RANGE_SECONDS, str(Selector((_NAMED, Matcher("job", "=", job)))))
        for job in jobs
    }
    current: dict[str, set[str]] = {job: set() for job in jobs}
    for series in prometheus.query(f"group by (job, {NAME}) ({Selector((_NAMED,))})").series:
        current.setdefault(series.labels.get("job", ""), set()).add(series.labels.get(NAME, ""))
    recorded = frozenset(rule.name for rule in prometheus.rules() if rule.kind == "recording")
    up = frozenset(one.job for one in prometheus.targets() if one.health == "up")
    return Known(
        {job: frozenset(recent.get(job, ())) | announced(described, job, recent.get(job, ())) for job in current},
        {job: frozenset(names) | announced(described, job, names) for job, names in current.items()},
        recorded,
        up,
    )


def announced(described: Iterable[Described], job: str, seen: Iterable[str]) -> frozenset[str]:
    """The names of a job's families that have no series yet; of a family with series, all its names are known."""
    names, there = set(), set(seen)
    for one in described:
        every = {one.name + ending for ending in _ENDINGS.get(one.kind, ("",))}
        if one.job == job and not every & there:
            names |= every
    return frozenset(names)


def evaluate(
    prometheus: Prometheus, expression: str, known: Known, job: str, find: Callable[[Selector], Found]
) -> Verdict:
    """The verdict on an expression. job: whose dashboard it is in; find: as below. Raises NotRunningError."""
    try:
        tree = prometheus.parse(expression)
        answer = prometheus.query(expression)
    except ConfigError as error:
        return Verdict(BROKEN, words(error))
    verdicts = {one: judge(one, find(one), known, job) for one in of_tree(tree)}
    return conclude(tree, answer, verdicts)


def find(prometheus: Prometheus, selector: Selector) -> Found:
    """What the selector finds in the last minutes; the clock of `offset` and `@` is not looked at."""
    if prometheus.series([str(selector)], RANGE_SECONDS, limit=1):
        return Found(True)
    name = selector.of_name
    return Found(False, prometheus.series([name], RANGE_SECONDS, limit=_MOST_SERIES) if name != "{}" else ())


def conclude(tree: Mapping[str, Any], answer: Answer, verdicts: Mapping[Selector, Verdict]) -> Verdict:
    """The verdict on an expression from its answer and the verdicts on its selectors."""
    broken = {one: verdict for one, verdict in verdicts.items() if verdict.status == BROKEN}
    if guilty := missing(tree, broken):
        return broken[guilty[0]]
    if has_values(answer):
        return Verdict(DATA)
    waiting = [verdict for verdict in verdicts.values() if verdict.status == IDLE]
    gone = [verdict for verdict in waiting if verdict.is_gone]
    if answer.series and not gone:
        return Verdict(IDLE, "its value is not a number at present, as of a mean of nothing")
    return next(iter([*gone, *waiting]), Verdict(IDLE, "it gives nothing at present"))


def has_values(answer: Answer) -> bool:
    """Whether there is anything to draw; what is not a number is a gap."""
    return bool(answer.text) or any(not math.isnan(value) for one in answer.series for _, value in one.points)


def judge(selector: Selector, found: Found, known: Known, job: str) -> Verdict:
    """The verdict on one selector. job: whose dashboard it is in."""
    jobs = [one for one in known.possible if selector.accepts("job", one)]
    if found.is_there:
        if _has(selector, known.current, jobs, known) or job not in known.up:
            return Verdict(DATA)
        return Verdict(IDLE, f"nothing exposes {selector.name} any more, as it did some minutes ago", is_gone=True)
    if not _has(selector, known.possible, jobs, known):
        return _absent(selector, known, job)
    of_job = [labels for labels in found.labels if selector.accepts("job", labels.get("job", ""))]
    if not of_job:
        return Verdict(IDLE, f"{selector.name or selector} has no series yet")
    for matcher in selector.others:
        if matcher.label != "job" and (wrong := _impossible(selector, matcher, of_job)):
            return wrong
    return Verdict(IDLE, f"no series yet that matches {selector}")


def _has(selector: Selector, names: Mapping[str, frozenset[str]], jobs: Iterable[str], known: Known) -> bool:
    every = known.recorded.union(_OF_RULES, *(names.get(job, frozenset()) for job in jobs))
    return any(selector.accepts(NAME, name) for name in every)


def _absent(selector: Selector, known: Known, job: str) -> Verdict:
    """The verdict where no target of the jobs that it asks for exposes the metric."""
    if job not in known.up:
        return Verdict(
            IDLE,
            f"no target of {job or 'any service'} answers, so that nothing is known of {selector.name or selector}",
        )
    others = sorted(one for one, names in known.possible.items() if any(selector.accepts(NAME, name) for name in names))
    if others:
        asked = ", ".join(str(one) for one in selector.others if one.label == "job")
        return Verdict(BROKEN, f"no target with {asked} exposes {selector.name}, but job {', '.join(others)} does")
    return Verdict(BROKEN, f"nothing exposes {selector.name or selector}", nearest(selector.name, known.names))


def _impossible(selector: Selector, matcher: Matcher, there: Sequence[Mapping[str, str]]) -> Verdict | None:
    """The verdict where a condition cannot be fulfilled by any series that will come, as far as can be told."""
    if matcher.accepts(""):
        return None
    values = {labels[matcher.label] for labels in there if matcher.label in labels}
    if not values:
        labels = sorted({label for one in there for label in one} - {NAME})
        why = f"no series of {selector.name} has the label {matcher.label}; they have {', '.join(labels)}"
        return Verdict(BROKEN, why, nearest(matcher.label, labels))
    if matcher.label in _FIXED and not any(map(matcher.accepts, values)):
        some = ", ".join(sorted(values, key=_number)[:_MOST_NAMES])
        why = f"no series of {selector.name} matches {matcher}; {matcher.label} is one of {some}"
        return Verdict(BROKEN, why)
    return None


def nearest(name: str, names: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The names that look most like a given one, without those that look much less so than the best.

    First those that go on where it ends: often _total or _bucket was left off.
    """
    known = list(names)
    if longer := [one for one in known if one.startswith(f"{name}_")]:
        return tuple(sorted(longer)[:most])
    close = difflib.get_close_matches(name, known, n=most, cutoff=0.7)
    alike = [difflib.SequenceMatcher(None, one, name).ratio() for one in close]
    return tuple(one for one, much in zip(close, alike, strict=True) if much > alike[0] - 0.1)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf
