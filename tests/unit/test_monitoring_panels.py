"""From families to panels: expressions, units, legends, and what keeps a panel readable."""

from __future__ import annotations

import pytest

from ddd_tasks.monitoring import panels, units
from ddd_tasks.monitoring.families import Family, Sample
from ddd_tasks.monitoring.guards import MOST_SERIES, MOST_VALUES
from ddd_tasks.monitoring.panels import Panel
from tests.metrics_pages import families

CHOSEN = 'job=~"$job", instance=~"$instance"'


def of(runtime: str, name: str) -> tuple[Panel, ...]:
    return panels.panels_of(next(family for family in families(runtime) if family.name == name))


def family(kind: str, name: str, series: list[dict[str, str]], *, unit: str = "", is_native: bool = False) -> Family:
    samples = tuple(Sample(name, labels, 1.0) for labels in series)
    return Family(name, kind, "Help.", unit, samples, is_native)


def only(one: Family) -> Panel:
    (panel,) = panels.panels_of(one)
    return panel


def test_a_counter_is_shown_as_a_rate_by_its_labels() -> None:
    (panel,) = of("node", "http_requests_total")
    (query,) = panel.queries
    assert query.expression == (
        f"sum by (method, route, status) (irate(http_requests_total{{{CHOSEN}}}[$__rate_interval]))"
    )
    assert query.legend == "{{method}} {{route}} {{status}}"
    assert (panel.kind, panel.unit, panel.about) == ("timeseries", "reqps", "Requests answered.")


def test_a_histogram_has_mean_quantiles_and_heatmap() -> None:
    mean, quantiles, heatmap = of("node", "http_request_duration_seconds")
    name = "http_request_duration_seconds"
    assert mean.queries[0].expression == (
        f"sum by (method, route) (rate({name}_sum{{{CHOSEN}}}[2m]))"
        f" / sum by (method, route) (rate({name}_count{{{CHOSEN}}}[2m]))"
    )
    assert [query.legend for query in quantiles.queries] == ["p50", "p95", "p99"]
    assert quantiles.queries[1].expression == (
        f"histogram_quantile(0.95, sum by (le) (rate({name}_bucket{{{CHOSEN}}}[$__rate_interval])))"
    )
    assert "No more than 2.5, the highest bucket" in quantiles.about
    assert heatmap.kind == heatmap.queries[0].format == "heatmap"
    # Of each step once, though the range is longer than a step.
    rate = f"sum by (le) (rate({heatmap.families[0]}_bucket{{{CHOSEN}}}[$__rate_interval]))"
    assert heatmap.queries[0].expression == f"{rate} * $__interval_ms / 1000"
    assert {mean.unit, quantiles.unit, heatmap.unit} == {"s"}


def test_a_bucket_that_is_no_number_is_passed_over() -> None:
    buckets = [{"le": bound} for bound in ("0.5", "1", "NaN", "+Inf", "much")]
    quantiles = panels.panels_of(family("histogram", "x_seconds", buckets))[1]
    assert quantiles.about == "Help. No more than 1, the highest bucket, can show."


def test_a_native_histogram_has_no_buckets() -> None:
    native = family("histogram", "wait_seconds", [{"pool": "a"}], is_native=True)
    expressions = [query.expression for panel in panels.panels_of(native) for query in panel.queries]
    assert len(expressions) == 5
    assert not [one for one in expressions if "_bucket" in one or "_sum{" in one or "_count{" in one]
    assert expressions[0].startswith("sum by (pool) (histogram_sum(rate(wait_seconds{")


def test_other_kinds() -> None:
    assert [panel.title for panel in of("go", "go_gc_duration_seconds")] == [
        "go_gc_duration_seconds, mean",
        "go_gc_duration_seconds, quantiles",
    ]
    age, info, states = (
        of("python", name)[0] for name in ("backup_timestamp_seconds", "app_build_info", "queue_state")
    )
    assert age.queries[0].expression == f"time() - backup_timestamp_seconds{{{CHOSEN}}}"
    assert (age.title, age.unit) == ("backup_timestamp_seconds, age", "s")
    assert (info.kind, info.queries[0].format) == ("table", "table")
    assert (states.kind, states.queries[0].legend) == ("state-timeline", "{{queue_state}}")
    gauge = of("go", "go_goroutines")[0]
    assert (gauge.queries[0].expression, gauge.unit) == (f"go_goroutines{{{CHOSEN}}}", "short")


def test_names_that_promql_has_to_quote() -> None:
    (panel,) = of("dotnet", "shop.orders")
    assert panel.queries[0].expression == (
        f'sum by ("per.region") (irate({{"shop.orders", {CHOSEN}}}[$__rate_interval]))'
    )


def test_a_label_of_many_values_is_named_and_not_split_by() -> None:
    few = [{"user": str(number), "kind": "a"} for number in range(MOST_VALUES)]
    assert only(family("counter", "x_total", few)).queries[0].legend == "{{kind}} {{user}}"
    many = only(family("counter", "x_total", [*few, {"user": "one more", "kind": "b"}]))
    assert many.queries[0].expression.startswith("sum by (kind) (irate(")
    assert f"Not split by user, which has {MOST_VALUES + 1} values." in many.about


@pytest.mark.parametrize(("count", "is_limited"), [(MOST_SERIES, False), (MOST_SERIES + 1, True)])
def test_of_many_series_the_highest_are_shown(count: int, is_limited: bool) -> None:
    panel = only(family("gauge", "depth", [{"queue": str(number)} for number in range(count)]))
    assert panel.queries[0].expression.startswith("topk(10, depth{") is is_limited
    assert (f"10 highest of {count} series" in panel.about) is is_limited


def test_help_is_safe_to_show() -> None:
    assert of("python", "export_bytes")[0].about == "Written, in currency of bytes."  # $currency were a variable
    long = panels.about(Family("x", "gauge", "word " * 500, "", (Sample("x", {}, 1),)))
    assert len(long) < 310
    assert panels.about(Family("x", "gauge", "", "", ())) == (
        "x has no help text. It had no series when this was generated."
    )


@pytest.mark.parametrize(
    ("name", "declared", "value", "rate"),
    [
        ("wait_seconds", "", "s", "percentunit"),
        ("process_cpu_seconds_total", "", "s", "percentunit"),
        ("sent_bytes_total", "", "bytes", "Bps"),
        ("sent", "bytes", "bytes", "Bps"),
        ("cache_ratio", "", "percentunit", "cps"),
        ("room_celsius", "", "celsius", "cps"),
        ("http_requests_total", "", "short", "reqps"),
        ("jobs_total", "", "short", "cps"),
        ("bytes_waiting", "", "short", "cps"),
    ],
)
def test_units_follow_from_names(name: str, declared: str, value: str, rate: str) -> None:
    one = family("gauge", name, [{}], unit=declared)
    assert (units.of(one), units.per_second(one)) == (value, rate)
    assert {value, rate} <= units.USED
