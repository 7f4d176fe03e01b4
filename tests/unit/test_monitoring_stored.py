"""From what Prometheus stores to the families that the page shows."""

from __future__ import annotations

import pytest

from ddd_tasks.monitoring import stored
from ddd_tasks.monitoring.api import Described
from ddd_tasks.monitoring.families import Family, Sample
from tests.metrics_pages import PAGES, families

# What Prometheus' metadata calls the families of each page: OpenMetrics without the ends, the text format with them.
_UNENDED = {"counter": "_total", "info": "_info"}


def described(family: Family, *, is_open: bool) -> Described:
    kind = {"python_info": "gauge"}.get(family.name, family.kind)
    name = family.name.removesuffix(_UNENDED.get(kind, "")) if is_open else family.name
    return Described("api", "api-1:8000", name, kind, family.help, family.unit)


def stored_of(runtime: str, *, instances: int = 1) -> tuple[Family, ...]:
    """The families of a page as they come back from Prometheus, which has scraped so many containers."""
    found, is_open = families(runtime), "# EOF" in PAGES[runtime][1]
    samples = [sample for family in found for sample in family.samples] * instances
    own = [Sample("up", {}, 1), Sample("scrape_samples_scraped", {}, 20), Sample("ALERTS", {"alertname": "A"}, 1)]
    return stored.families([described(family, is_open=is_open) for family in found], [*samples, *own])


@pytest.mark.parametrize("runtime", PAGES)
@pytest.mark.parametrize("instances", [1, 3])
def test_the_same_families_as_on_the_page(runtime: str, instances: int) -> None:
    page = sorted(families(runtime), key=lambda family: family.name)
    assert list(stored_of(runtime, instances=instances)) == page


def one(kind: str, name: str, *samples: tuple[str, dict[str, str]], others: str = "") -> Family:
    metadata = [
        Described("api", "i", name, kind, "", ""),
        *([Described("api", "i", others, "counter", "", "")] * bool(others)),
    ]
    found = stored.families(metadata, [Sample(of, labels, 1) for of, labels in samples])
    return next(family for family in found if family.name.startswith(name))


def test_a_native_histogram_is_known_by_its_one_series() -> None:
    native = one("histogram", "took_seconds", ("took_seconds", {"route": "/"}))
    assert (native.kind, native.is_native, len(native.samples)) == ("histogram", True, 1)
    buckets = [("took_seconds_bucket", {"le": "1.0"}), ("took_seconds_sum", {}), ("took_seconds_count", {})]
    assert not one("histogram", "took_seconds", *buckets).is_native
    both = one("histogram", "took_seconds", *buckets, ("took_seconds", {}))
    assert (both.is_native, len(both.samples)) == (False, 3)
    assert not one("histogram", "took_seconds").is_native


def test_a_counter_without_series_has_the_name_that_it_will_have() -> None:
    assert one("counter", "jobs").name == "jobs_total"  # OpenMetrics
    assert one("counter", "jobs", others="seen_total").name == "jobs"  # the text format, in which it is the whole name
    assert one("counter", "jobs", ("jobs", {})).name == "jobs"
    assert one("counter", "jobs", ("jobs_total", {}), others="seen_total").name == "jobs_total"


def test_times_of_creation_are_left_out() -> None:
    made = stored.families(
        [Described("api", "i", "jobs", "counter", "", ""), Described("api", "i", "took", "summary", "", "")],
        [Sample(name, {}, 1) for name in ("jobs_total", "jobs_created", "took_sum", "took_count", "took_created")],
    )
    assert [(family.name, len(family.samples)) for family in made] == [("jobs_total", 1), ("took", 2)]


def test_series_of_which_nothing_is_said_are_families_too() -> None:
    made = stored.families([], [Sample("b_total", {}, 1), Sample("a", {"x": "1"}, 1), Sample("a", {"x": "2"}, 1)])
    assert [(family.name, family.kind, len(family.samples)) for family in made] == [
        ("a", "unknown", 2),
        ("b_total", "counter", 1),
    ]
