"""What a service exposes, from the Prometheus that scrapes it: also where this machine does not reach the page.

Types and help are those of the targets' metadata, the series those of the last scrape. So a histogram is native where
Prometheus has stored it so, whatever the page offers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ddd_tasks.engine.stopped import timestamp
from ddd_tasks.errors import ConfigError, DddError, NotRunningError, UnsupportedError
from ddd_tasks.monitoring.api import Described, Prometheus, Target
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from ddd_tasks.monitoring.exposition import kind_of, without_creation
from ddd_tasks.monitoring.families import Family, Sample, quoted
from ddd_tasks.monitoring.plain import plain

_FIRST_SECONDS = 2.0 * SCRAPE_SECONDS + 2
_POLL_SECONDS = 0.25
_NAME = "__name__"
# What Prometheus itself adds to each target, https://prometheus.io/docs/concepts/jobs_instances/.
_OWN = frozenset({
    "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
    "scrape_series_added", "scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes",
    "ALERTS", "ALERTS_FOR_STATE",
})  # fmt: skip
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "histogram": ("_bucket", "_sum", "_count"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "summary": ("", "_sum", "_count"),
}


class Stored(NamedTuple):
    """url: of the page, as Prometheus asks for it. families: as exposition.read has them, in the order of their names.

    Their series are those of all instances, each once.
    """

    url: str
    families: tuple[Family, ...]


def read(prometheus: Prometheus, service: str, since: str = "") -> Stored:
    """The families of a service, once it has been scraped. since: not before this time, as the engine writes it.

    Raises ConfigError where it is not to be scraped, UnsupportedError with the reason where that fails, NotRunningError
    where no scrape comes.
    """
    target = _scraped(prometheus, service, since)
    described = [one for one in prometheus.metadata() if one.job == service]
    series = prometheus.query(f"{{job={quoted(service)}}}").series
    recorded = {rule.name for rule in prometheus.rules() if rule.kind == "recording"}
    samples = [Sample(one.labels.get(_NAME, ""), _own_labels(one.labels), one.points[-1][1]) for one in series]
    found = families(described, [one for one in samples if one.name not in recorded])
    if not found:
        raise _unusable(service, f"{target.url} has no metric")
    return Stored(target.url, found)


def families(described: Iterable[Described], samples: Iterable[Sample]) -> tuple[Family, ...]:
    """The families of one job, from what its targets say of their metrics and from the series that there are."""
    by_name: dict[str, dict[tuple[tuple[str, str], ...], Sample]] = {}
    for sample in samples:
        if sample.name not in _OWN:  # of several instances, once
            by_name.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample
    known = {one.name: one for one in described}
    is_open = not any(one.kind == "counter" and one.name.endswith("_total") for one in known.values())
    made, used = [], set()
    for one in known.values():
        names, family = _family(one, by_name, is_open=is_open)
        used |= names
        made.append(family)
    bare = by_name.keys() - used  # of which the page says nothing
    made += [Family(name, kind_of(name, "unknown"), "", "", tuple(by_name[name].values())) for name in bare]
    return without_creation(tuple(sorted(made, key=lambda family: family.name)))


def _family(
    one: Described, by_name: Mapping[str, Mapping[tuple[tuple[str, str], ...], Sample]], *, is_open: bool
) -> tuple[set[str], Family]:
    """A family, and the names of all series that belong to it. is_open: whether its page is OpenMetrics."""
    name = _stored_name(one, by_name, is_open=is_open)
    names = [name + ending for ending in _ENDINGS.get(one.kind, ("",))]
    # Where both forms are stored, the buckets are what the page shows as well.
    is_native = one.kind == "histogram" and name in by_name and f"{name}_bucket" not in by_name
    if is_native:
        names = [name]
    samples = [sample for each in names for sample in by_name.get(each, {}).values()]
    made = Family(name, kind_of(name, one.kind), one.help, one.unit, tuple(samples), is_native)
    every = {name, *names}
    if one.kind in ("counter", "histogram", "summary", "gaugehistogram"):
        every |= {f"{one.name}_created"}
    return every, made


def _stored_name(one: Described, by_name: Mapping[str, object], *, is_open: bool) -> str:
    """Metadata has the name as on the page; OpenMetrics leaves the ends of counters and infos to the series."""
    ending = {"counter": "_total", "info": "_info"}.get(one.kind, "")
    if not ending or one.name.endswith(ending) or one.name in by_name:
        return one.name
    return one.name + ending if is_open or one.name + ending in by_name else one.name


def _own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Without those that Prometheus has added."""
    return {name: value for name, value in labels.items() if name not in (_NAME, "job", "instance")}


def _scraped(prometheus: Prometheus, service: str, since: str) -> Target:
    """A target of the service that answers, once each has been scraped: until then, series are of older containers."""
    deadline = time.monotonic() + _FIRST_SECONDS
    while True:
        every = prometheus.targets()
        mine = [one for one in every if one.job == service]
        known = [one for one in mine if one.health != "unknown" and _second(one.last_scrape) > _second(since)]
        is_late = time.monotonic() > deadline
        if known and (is_late or len(known) == len(mine)):
            if up := next((one for one in known if one.health == "up"), None):
                return up
            if is_late or not _is_new(since):
                raise _unusable(service, plain(known[0].error, known[0].url, service))
        if is_late:
            raise _missing(service, mine, sorted({one.job for one in every}))
        time.sleep(_POLL_SECONDS)


def _is_new(since: str) -> bool:
    """Whether the service has been started so lately that it may not have listened yet when it was scraped."""
    return bool(since) and time.time() - timestamp(since) < _FIRST_SECONDS


def _second(moment: str) -> str:
    """A time as Go's programs write it, both of them in UTC, to the second: the fractions are of different lengths."""
    return moment[:19]


def _missing(service: str, mine: Sequence[Target], jobs: Sequence[str]) -> DddError:
    if mine:
        what = f"service {service!r} has not been scraped within {_FIRST_SECONDS:g} s"
        return NotRunningError(what, hint="ddd monitor.targets")
    return ConfigError(
        f"Prometheus does not scrape service {service!r}",
        cause="it does not run, or does not say that it has metrics",
        given=service,
        valid=jobs,
        hint="ddd monitor.targets",
    )


def _unusable(service: str, why: str) -> UnsupportedError:
    return UnsupportedError(f"Prometheus has no metric of service {service!r}", cause=why, hint="ddd monitor.targets")
