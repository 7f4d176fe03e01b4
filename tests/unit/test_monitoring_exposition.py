"""Metrics pages of all kinds, whole and broken."""

from __future__ import annotations

import pytest

from ddd_tasks.errors import UnsupportedError
from ddd_tasks.monitoring import exposition
from tests.metrics_pages import OPEN, TEXT, families, page


def kinds(runtime: str) -> dict[str, str]:
    return {family.name: family.kind for family in families(runtime)}


def test_openmetrics_with_exemplars_units_and_its_own_kinds() -> None:
    assert kinds("python") == {
        "http_requests_total": "counter",
        "app_build_info": "info",
        "queue_state": "stateset",
        "export_bytes": "gauge",
        "backup_timestamp_seconds": "gauge",
        "process_cpu_seconds_total": "counter",
        "python_info": "info",
    }
    requests = families("python")[0]
    assert [sample.name for sample in requests.samples] == ["http_requests_total"]  # and not when it was created
    assert requests.samples[0].labels == {"method": "GET", "route": "/", "status": "200"}
    assert families("python")[3].unit == "bytes"


def test_the_text_format() -> None:
    assert kinds("node") == {
        "http_requests_total": "counter",
        "http_request_duration_seconds": "histogram",
        "nodejs_eventloop_lag_seconds": "gauge",
        "nodejs_active_handles_total": "gauge",
    }
    assert len(families("node")[1].samples) == 5
    assert len(families("node")[1].main) == 1


def test_a_counter_keeps_the_name_that_prometheus_stores() -> None:
    done = next(family for family in families("go") if family.name.startswith("jobs_done"))
    assert (done.name, done.kind, done.samples[0].name) == ("jobs_done", "counter", "jobs_done")


def test_a_counter_keeps_it_however_its_type_is_spaced() -> None:
    (done,) = exposition.read(page("#  TYPE\tdone   counter \ndone 1\n"))
    assert (done.name, done.samples[0].name) == ("done", "done")


def test_names_in_utf_8() -> None:
    orders = families("dotnet")[-1]
    assert (orders.name, orders.kind, orders.samples[0].labels) == ("shop.orders", "counter", {"per.region": "eu"})


def test_a_family_that_is_named_twice_is_one() -> None:
    text = 'b 1\n# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb 2\n# TYPE a gauge\na{x="1"} 2\n'
    read = {family.name: family for family in exposition.read(page(text))}
    assert list(read) == ["b", "a"]
    assert (read["b"].kind, read["b"].help, len(read["b"].samples), len(read["a"].samples)) == ("gauge", "B.", 2, 2)


def test_times_of_creation_are_left_out_of_the_text_format_too() -> None:
    of_a = "# TYPE a_total counter\na_total 1\n# TYPE a_created gauge\na_created 1.6e9\n"
    of_b = "# TYPE b_created gauge\nb_created 1\n"
    assert [family.name for family in exposition.read(page(of_a + of_b))] == ["a_total", "b_created"]


def test_labels_are_named_as_prometheus_stores_them() -> None:
    (done,) = exposition.read(page('done_total{job="mail",instance="7",kind="",queue="a"} 1\n'))
    assert done.samples[0].labels == {"exported_job": "mail", "exported_instance": "7", "queue": "a"}


def test_a_family_without_series_is_there() -> None:
    assert [family.samples for family in exposition.read(page("# TYPE a counter\n"))] == [()]


@pytest.mark.parametrize(
    ("content_type", "text", "said"),
    [
        ("text/html", "<!doctype html><title>Log in</title>", "it is HTML"),
        (TEXT, "\n<html><body>502 Bad Gateway</body></html>", "it is HTML"),
        ("application/json", '{"status": "up"}', "it is JSON"),
        ("", '{"status": "up"}', "it is JSON"),
        ("", "a 1\n", "it has no Content-Type"),
        ("image/png", "a 1\n", "its Content-Type is image/png"),
        (TEXT, "", "it is empty"),
        (TEXT, " \n\n", "it is empty"),
        (TEXT, "# nothing yet\n", "it has comments only"),
        (OPEN, "# TYPE a gauge\na 1\n", "it was cut off"),
        (OPEN, "# TYPE a gauge\na 1\n# E", "it was cut off"),
        (TEXT, '# TYPE a gauge\na 1\nb{c="d" 2\n', "line 3 is broken"),
        (TEXT, "a 1\nHello, world!\n", "line 2 is broken"),
        (TEXT, "# TYPE a gauge\na one\n", "line 2 is broken"),
        (OPEN, "# TYPE a counter\na_total x\n# EOF\n", "line 2 is broken"),
        (OPEN, "# TYPE a counter\na 1\n# EOF\n", "the name a clashes"),
        (OPEN, "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 2\n# EOF\n", "the name a clashes"),
        (OPEN, '# TYPE a histogram\na_bucket{le="1"} 1\n# EOF\n', "breaks the rules of its format"),
        (OPEN, "# TYPE a gauge\na 1\n# TYPE a gauge\n# EOF\n", "line 3 is broken"),
    ],
)
def test_what_is_no_whole_metrics_page_is_refused(content_type: str, text: str, said: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        exposition.read(page(text, content_type))
    assert said in f"{refused.value.what}\n{refused.value.cause}"
    assert "service 'api'" in refused.value.what
    assert refused.value.hint.startswith("curl ")


def test_a_broken_line_is_shown() -> None:
    with pytest.raises(UnsupportedError) as refused:
        exposition.read(page("a 1\n\n# a comment\nb{} x\nc 1\n"))
    assert "line 4 is broken" in refused.value.what
    assert "b{} x" in refused.value.cause
    assert refused.value.hint.endswith("sed -n 4p")
