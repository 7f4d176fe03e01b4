"""Whole dashboards: rows, rules, Grafana's schema, PromQL, and that the same page gives the same bytes."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import jsonschema
import promql_parser
import pytest

from ddd_tasks.monitoring import board, exposition, rows, units
from ddd_tasks.monitoring.check.schema import DASHBOARD
from ddd_tasks.monitoring.families import Family, Sample
from ddd_tasks.monitoring.lint import RULES, lint
from tests.metrics_pages import PAGES, families, page

Board = dict[str, Any]


def made(found: tuple[Family, ...]) -> Board:
    return board.board("api", rows.arrange(found))


def expressions(value: Board) -> list[str]:
    return [target["expr"] for panel in board.panels(value) for target in panel.get("targets", ())]


def titles(value: Board) -> list[str]:
    return [panel["title"] for panel in value["panels"] if panel["type"] == "row"]


@pytest.mark.parametrize("runtime", PAGES)
def test_a_generated_dashboard_keeps_every_rule(runtime: str) -> None:
    value = made(families(runtime))
    assert lint(value) == []
    jsonschema.validate(value, DASHBOARD, cls=jsonschema.Draft7Validator)


@pytest.mark.parametrize("runtime", PAGES)
def test_every_expression_is_promql(runtime: str) -> None:
    found = expressions(made(families(runtime)))
    assert len(found) > 8
    for one in found:
        if '{"' not in one:  # names in UTF-8, which came with Prometheus 3, are not known to the parser
            promql_parser.parse(one.replace("$__rate_interval", "1m").replace("$__interval_ms", "1"))


@pytest.mark.parametrize("runtime", PAGES)
def test_every_unit_is_one_of_grafana(runtime: str) -> None:
    shown = [panel for panel in board.panels(made(families(runtime))) if panel["type"] != "text"]
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in shown} <= units.USED


@pytest.mark.parametrize("runtime", PAGES)
def test_every_family_has_a_panel(runtime: str) -> None:
    said = "\n".join(expressions(made(families(runtime))))
    assert [family.name for family in families(runtime) if family.name not in said] == []


@pytest.mark.parametrize("runtime", PAGES)
def test_ids_are_unique_and_panels_do_not_overlap(runtime: str) -> None:
    value = made(families(runtime))
    every = [*value["panels"], *(inner for panel in value["panels"] for inner in panel.get("panels", ()))]
    ids = [panel["id"] for panel in every]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in value["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("runtime", PAGES)
def test_the_same_page_gives_the_same_bytes(runtime: str) -> None:
    first, again = (list(families(runtime)) for _ in range(2))
    random.Random(6).shuffle(again)
    assert board.text(made(tuple(first))) == board.text(made(tuple(again)))


def test_requests_come_first_and_the_runtime_last_and_closed() -> None:
    value = made(families("node"))
    assert titles(value) == ["Requests", "http", "nodejs (runtime)", "Scrapes"]
    closed = {panel["title"]: panel["collapsed"] for panel in value["panels"] if panel["type"] == "row"}
    assert closed == {"Requests": False, "http": False, "nodejs (runtime)": True, "Scrapes": True}
    first = [panel["title"] for panel in board.panels(value)][:5]
    assert first == [
        "Requests per second",
        "Errors",
        "http_request_duration_seconds, mean",
        "http_request_duration_seconds, quantiles",
        "http_request_duration_seconds, heatmap",
    ]


def test_the_share_of_errors_is_0_before_the_first_one() -> None:
    errors = next(panel for panel in board.panels(made(families("dotnet"))) if panel["title"] == "Errors")
    name, chosen = "http_requests_received_total", 'job=~"$job", instance=~"$instance"'
    assert errors["targets"][0]["expr"] == (
        f'(sum (rate({name}{{{chosen}, code=~"5.."}}[$__rate_interval])) or vector(0))'
        f" / sum (rate({name}{{{chosen}}}[$__rate_interval]))"
    )
    assert errors["fieldConfig"]["defaults"]["unit"] == "percentunit"


def test_requests_are_counted_by_what_times_them_where_only_that_knows_the_status() -> None:
    text = "# TYPE http_server_request_duration_seconds histogram\n" + "".join(
        f'http_server_request_duration_seconds_{part} 1\n'
        for part in ('bucket{http_response_status_code="200",le="+Inf"}', 'sum{http_response_status_code="200"}',
                     'count{http_response_status_code="200"}')
    )  # fmt: skip
    said = expressions(made(exposition.read(page(text))))
    assert said[0].startswith("sum by (http_response_status_code) (irate(http_server_request_duration_seconds_count{")
    assert 'http_response_status_code=~"5.."' in said[1]


def test_a_service_without_http_has_no_requests() -> None:
    text = "# TYPE http_client_requests_total counter\nhttp_client_requests_total 1\n"
    assert titles(made(exposition.read(page(f"{text}# TYPE queue_depth gauge\nqueue_depth 1\n")))) == [
        "http",
        "queue",
        "Scrapes",
    ]


def test_more_than_a_dashboard_can_show_is_named() -> None:
    many = tuple(Family(f"a{number:03}_x", "gauge", "H.", "", (Sample("x", {}, 1),)) for number in range(80))
    layout = rows.arrange(many)
    value = board.board("api", layout)
    shown = [panel for panel in board.panels(value) if panel["type"] != "text"]
    assert len(shown) == rows.MOST_PANELS
    assert layout.left_out == tuple(f"a{number:03}_x" for number in range(60, 80))
    rest = list(board.panels(value))[-1]
    assert rest["type"] == "text"
    assert "`a079_x`" in rest["options"]["content"]
    assert lint(value) == []
    jsonschema.validate(value, DASHBOARD, cls=jsonschema.Draft7Validator)


def test_a_large_page_is_a_small_dashboard() -> None:
    lines = "".join(f'hits_total{{path="/{number}",zone="a"}} {number}\n' for number in range(5000))
    value = made(exposition.read(page(f"# TYPE hits_total counter\n{lines}")))
    assert len(board.text(value)) < 20_000
    assert "topk(10, sum by (zone) (irate(hits_total{" in expressions(value)[0]


def edit(path: str, value: Any) -> Callable[[Board], None]:
    def change(whole: Board) -> None:
        *way, last = path.split("/")
        place: Any = whole
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[last] = value

    return change


def replace(old: str, new: str) -> Callable[[Board], None]:
    def change(whole: Board) -> None:
        for panel in board.panels(whole):
            for target in panel.get("targets", ()):
                target["expr"] = target["expr"].replace(old, new)

    return change


BREAKS: dict[str, Callable[[Board], None]] = {
    "uneditable-dashboard": edit("editable", True),
    "template-datasource-rule": edit("templating/list/0/label", "Source"),
    "template-job-rule": edit("templating/list/1/multi", False),
    "template-instance-rule": edit("templating/list/2/allValue", ".*"),
    "template-on-time-change-reload-rule": edit("templating/list/1/refresh", 1),
    "panel-datasource-rule": edit("panels/1/datasource", {"uid": "a1b2"}),
    "panel-title-description-rule": edit("panels/1/description", ""),
    "panel-units-rule": edit("panels/1/fieldConfig/defaults/unit", ""),
    "panel-no-targets-rule": edit("panels/1/targets", []),
    "target-job-rule": replace('job=~"$job", ', ""),
    "target-instance-rule": replace('instance=~"$instance"', 'instance="one"'),
    "target-rate-interval-rule": replace("[$__rate_interval]", "[5m]"),
    "target-counter-agg-rule": replace("_total{", "_total{}, other_total{"),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_dashboard_that_breaks_a_rule_is_found(rule: str) -> None:
    value = copy.deepcopy(made(families("node")))
    BREAKS[rule](value)
    assert rule in {finding.rule for finding in lint(value)}


def test_only_a_mean_may_have_a_range_of_its_own() -> None:
    value = made(families("node"))
    assert any("[2m]" in one for one in expressions(value))
    replace("[$__rate_interval]", "[2m]")(value)
    assert {finding.rule for finding in lint(value)} == {"target-rate-interval-rule"}


@pytest.mark.parametrize("path", ["panels/1/gridPoss", "refreshes", "templating/list/1/asked"])
def test_the_schema_finds_a_name_that_grafana_does_not_know(path: str) -> None:
    value = made(families("node"))
    edit(path, {})(value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, DASHBOARD, cls=jsonschema.Draft7Validator)


def test_requests_are_not_counted_by_a_native_histogram() -> None:
    labels = {"status": "200"}
    timing = Family("http_request_seconds", "histogram", "H.", "", (Sample("http_request_seconds", labels, 1),), True)
    value = made((timing,))
    assert "Requests per second" not in [panel["title"] for panel in board.panels(value)]
    assert not [one for one in expressions(value) if "_count{" in one or "_bucket{" in one]
    assert lint(value) == []
