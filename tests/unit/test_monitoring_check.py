"""monitor.check on answers of Prometheus as it gives them: variables, selectors, and data, idle or broken."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ddd_tasks.monitoring import board, rows
from ddd_tasks.monitoring.api import Answer, Described, Series
from ddd_tasks.monitoring.check import expressions, panels, report, schema, selectors, variables
from ddd_tasks.monitoring.check.expressions import BROKEN, DATA, IDLE, Found, Known, Verdict
from ddd_tasks.monitoring.check.selectors import Matcher, Selector
from tests.metrics_pages import families

GENERATED = board.board("api", rows.arrange(families("node")))
VALUES = variables.values(GENERATED, "api")
# Two jobs. idle_total is announced, and has no series yet; old_total had some, and is not exposed any more.
_NAMES = frozenset({"up", "hits_total", "idle_total", "took_seconds_bucket"})
KNOWN = Known(
    possible={"api": _NAMES | {"old_total"}, "shop": frozenset({"up", "orders_total"}), "": frozenset()},
    current={"api": _NAMES, "shop": frozenset({"up", "orders_total"}), "": frozenset()},
    recorded=frozenset({"job:hits:rate5m"}),
    up=frozenset({"api", "shop"}),
)
HITS = [
    {"__name__": "hits_total", "job": "api", "status": "200"},
    {"__name__": "hits_total", "job": "shop", "zone": "a"},
]
BUCKETS = [{"__name__": "took_seconds_bucket", "job": "api", "le": bound} for bound in ("0.1", "1.0", "+Inf")]


def selector(name: str, *others: str, job: str = "api") -> Selector:
    """others: as label=value or label=~value."""
    made = [Matcher("__name__", "=", name), Matcher("job", "=~", job)]
    for one in others:
        label, _, value = one.partition("=")
        made.append(Matcher(label.rstrip("!"), "=~" if value.startswith("~") else "=", value.lstrip("~")))
    return Selector(tuple(made))


def judge(one: Selector, labels: list[dict[str, str]] | None = None, known: Known = KNOWN) -> Verdict:
    return expressions.judge(one, Found(False, labels or ()), known, "api")


# As /api/v1/parse_query answers.
def node(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "vectorSelector",
        "name": name,
        "matchers": [{"name": "__name__", "type": "=", "value": name}],
        **fields,
    }


def call(function: str, *args: dict[str, Any]) -> dict[str, Any]:
    return {"type": "call", "func": {"name": function}, "args": list(args)}


def binary(left: dict[str, Any], operator: str, right: dict[str, Any]) -> dict[str, Any]:
    return {"type": "binaryExpr", "op": operator, "lhs": left, "rhs": right, "bool": False, "matching": None}


def paren(inner: dict[str, Any]) -> dict[str, Any]:
    return {"type": "parenExpr", "expr": inner}


ZERO = call("vector", {"type": "numberLiteral", "val": "0"})


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ('x{job=~"$job", instance=~"${instance}"}', 'x{job=~"api", instance=~".+"}'),
        ("irate(x[$__rate_interval])", "irate(x[20s])"),
        ("rate(x[${__interval}]) * $__interval_ms / $__range_ms", "rate(x[5s]) * 5000 / 900000"),
        ("increase(x[$__range]) > [[job]]", "increase(x[900s]) > api"),
        ('x{job=~"${job:regex}"}', 'x{job=~"api"}'),
        ('x{path=~"^/a$"}', 'x{path=~"^/a$"}'),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x, "a", "$1", "b", "(.*)")'),
        ("x{a=~'[[:alpha:]]+'}", "x{a=~'[[:alpha:]]+'}"),
    ],
)
def test_variables_are_replaced(expression: str, asked: str) -> None:
    assert variables.substitute(expression, VALUES) == asked
    assert variables.unknown(expression, VALUES) == []


def test_a_variable_that_the_dashboard_does_not_have() -> None:
    assert variables.unknown('x{job=~"$jub", a="$job", b="${jub}", c="${other:csv}"}', VALUES) == ["jub", "other"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ({"type": "custom", "query": "a,b", "current": {"text": "b", "value": "b"}}, "b"),
        ({"type": "custom", "query": "a, b"}, "a"),
        ({"type": "custom", "multi": True, "current": {"text": ["a", "b"], "value": ["a", "b"]}}, "(a|b)"),
        ({"type": "custom", "multi": True, "current": {"value": ["a.b", "c(d)"]}}, r"(a\\.b|c\\(d\\))"),
        ({"type": "custom", "multi": True, "current": {"value": ["a.b"]}}, r"a\\.b"),
        ({"type": "custom", "current": {"value": "a.b"}}, "a.b"),
        ({"type": "constant", "query": 'say "x"'}, 'say \\"x\\"'),
        ({"type": "query", "query": "label_values(pod)"}, ".+"),
        ({"type": "query", "multi": True, "current": {"text": "one", "value": "one"}}, ".+"),
        ({"type": "query", "includeAll": True, "allValue": ".*", "current": {"value": "one"}}, ".*"),
        ({"type": "custom", "current": {"text": "All", "value": "$__all"}}, ".+"),
        ({"type": "textbox", "current": {}}, ""),
    ],
)
def test_the_value_of_a_dashboards_own_variable(variable: dict[str, Any], value: str) -> None:
    assert variables.values({"templating": {"list": [{"name": "own", **variable}]}}, "api")["own"] == value


@pytest.mark.parametrize(
    ("variable", "value"), [({"multi": True}, r"my\\.api"), ({"includeAll": True}, r"my\\.api"), ({}, "my.api")]
)
def test_the_service_is_text_in_a_regular_expression(variable: dict[str, Any], value: str) -> None:
    job = {"name": "job", "type": "query", **variable}
    assert variables.values({"templating": {"list": [job]}}, "my.api")["job"] == value


@pytest.mark.parametrize(
    ("least", "step", "rate"), [("", 5, 20), ("1s", 5, 20), ("20s", 20, 25), (">1m", 60, 65), ("$x", 5, 20)]
)
def test_the_intervals_are_those_of_the_panel(least: str, step: int, rate: int) -> None:
    values = variables.values({}, "api", least)
    assert (values["__interval"], values["__interval_ms"]) == (f"{step}s", f"{step * 1000}")
    assert values["__rate_interval"] == f"{rate}s"


def test_the_panels_of_closed_rows_are_asked_too() -> None:
    found = panels.asking(GENERATED)
    assert [one.title for one in found] == [one["title"] for one in board.panels(GENERATED)]
    closed = [one["title"] for row in GENERATED["panels"] for one in row.get("panels", ())]
    assert closed
    assert set(closed) < {one.title for one in found}


def test_other_panels_ask_prometheus_nothing() -> None:
    logs = {"type": "logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{a=1}"}]}
    text = {"type": "text", "title": "T"}
    mixed = {
        "id": 7,
        "type": "timeseries",
        "datasource": {"uid": "-- Mixed --"},
        "targets": [{"expr": "up"}, {"refId": "L", "expr": "{}", "datasource": {"type": "loki"}}, {"refId": "B"}],
    }
    assert panels.asking({"panels": [logs, text, mixed, "nonsense", {"panels": None}]}) == [
        panels.Asking("panel 7", (("A", "up"),))
    ]
    assert panels.asking({}) == []


def test_a_selector_is_written_as_promql() -> None:
    made = Selector((Matcher("__name__", "=", "a:b"), Matcher("path", "=~", '"/\\d'), Matcher("a.b", "!=", "")))
    assert str(made) == 'a:b{path=~"\\"/\\\\d", "a.b"!=""}'
    assert made.of_name == "a:b"
    assert str(Selector((Matcher("__name__", "=", "shop.orders"),))) == '{__name__="shop.orders"}'


def test_what_a_matcher_accepts() -> None:
    assert Matcher("a", "=~", "5..").accepts("503")
    assert not Matcher("a", "=~", "5..").accepts("1503")
    assert Matcher("a", "!~", "5..").accepts("200")
    assert Matcher("a", "!=", "x").accepts("")
    assert Matcher("a", "=~", "(?P<").accepts("unknown to Python")


def test_selectors_of_a_tree() -> None:
    tree = binary(
        paren(call("rate", node("a", type="matrixSelector", range=20000))), "/", binary(node("b"), "+", node("a"))
    )
    tree["lhs"]["expr"] = {
        "type": "aggregation",
        "op": "topk",
        "param": call("scalar", node("c")),
        "expr": tree["lhs"]["expr"],
    }
    assert [one.name for one in selectors.of_tree(tree)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (node("gone"), ["gone"]),
        (binary(node("gone"), "/", node("there")), ["gone"]),
        (binary(node("gone"), "or", ZERO), ["gone"]),
        (binary(paren(binary(node("gone"), "or", ZERO)), "/", node("there")), ["gone"]),
        (binary(node("gone"), "or", node("there")), []),
        (binary(node("there"), "or", node("gone")), []),
        (binary(node("gone"), "or", node("gone2")), ["gone", "gone2"]),
        (binary(node("there"), "unless", node("gone")), []),
        (binary(node("gone"), "unless", node("there")), ["gone"]),
        (binary(node("there"), "and", node("gone")), ["gone"]),
        (call("absent", node("gone")), []),
        (call("absent_over_time", node("gone")), []),
        (ZERO, []),
    ],
)
def test_which_missing_metrics_break_an_expression(tree: dict[str, Any], names: list[str]) -> None:
    broken = {one: Verdict(BROKEN) for one in selectors.of_tree(tree) if one.name.startswith("gone")}
    assert [one.name for one in selectors.missing(tree, broken)] == names


def test_a_metric_that_nothing_exposes_is_broken() -> None:
    assert judge(selector("hit_total")) == Verdict(BROKEN, "nothing exposes hit_total", ("hits_total",))
    assert judge(Selector((Matcher("__name__", "=~", "hit_.*"),))).status == BROKEN


def test_the_names_that_were_probably_meant() -> None:
    names = ["jobs_total", "jobs_created", "job_seconds", "up"]
    assert expressions.nearest("jobs", names) == ("jobs_created", "jobs_total")
    assert expressions.nearest("job_total", names) == ("jobs_total",)
    assert expressions.nearest("nothing_like_it", names) == ()


def test_a_metric_that_has_no_series_yet_is_idle() -> None:
    assert judge(selector("idle_total")) == Verdict(IDLE, "idle_total has no series yet")
    assert judge(selector("job:hits:rate5m")).status == IDLE
    assert judge(selector("ALERTS")).status == IDLE


def test_a_metric_of_another_service_is_broken() -> None:
    found = judge(selector("orders_total"))
    assert (found.status, found.why) == (BROKEN, 'no target with job=~"api" exposes orders_total, but job shop does')


def test_a_value_that_did_not_come_yet_is_idle_and_a_label_that_no_series_has_is_broken() -> None:
    assert judge(selector("hits_total", "status=~5.."), HITS).status == IDLE
    wrong = judge(selector("hits_total", "code=~5.."), HITS)
    assert (wrong.status, wrong.why) == (BROKEN, "no series of hits_total has the label code; they have job, status")
    assert judge(selector("hits_total", "state=200"), HITS).nearest == ("status",)
    assert judge(selector("hits_total", "zone=a"), HITS).status == BROKEN  # only shop's have it
    assert judge(selector("hits_total", "code=", "status=500"), HITS).status == IDLE


def test_a_bucket_that_does_not_exist_is_broken() -> None:
    wrong = judge(selector("took_seconds_bucket", "le=1"), BUCKETS)
    assert wrong.status == BROKEN
    assert 'le="1"; le is one of 0.1, 1.0, +Inf' in wrong.why
    assert judge(selector("took_seconds_bucket", "le=1.0", "path=/"), BUCKETS).why.startswith("no series of")


def test_nothing_is_broken_where_no_target_answers() -> None:
    down = KNOWN._replace(possible={"": frozenset()}, current={}, up=frozenset({"shop"}))
    assert judge(selector("hits_total"), known=down).status == IDLE
    assert "no target of api answers" in judge(selector("hits_total"), known=down).why


def test_a_metric_that_is_not_exposed_any_more_is_told() -> None:
    assert expressions.judge(selector("hits_total"), Found(True), KNOWN, "api").status == DATA
    gone = expressions.judge(selector("old_total"), Found(True), KNOWN, "api")
    assert (gone.status, gone.is_gone) == (IDLE, True)
    assert expressions.judge(selector("old_total"), Found(True), KNOWN._replace(up=frozenset()), "api").status == DATA


def test_a_family_with_series_announces_nothing() -> None:
    described = [Described("api", "i", "hits", "counter", "", ""), Described("api", "i", "took", "histogram", "", "")]
    assert expressions.announced(described, "api", ()) >= {"hits_total", "took_bucket", "took_sum", "took"}
    assert (
        expressions.announced(described, "api", ["hits_total", "took_count"]) == frozenset()
    )  # so `hits` is a mistake
    assert expressions.announced(described, "shop", ()) == frozenset()


def answer(*values: float) -> Answer:
    return Answer("vector", tuple(Series({}, ((1.0, value),)) for value in values))


def test_the_verdict_on_an_expression() -> None:
    tree = binary(node("a"), "/", node("b"))
    fine = {one: Verdict(DATA) for one in selectors.of_tree(tree)}
    assert expressions.conclude(tree, answer(0), fine).status == DATA
    assert expressions.conclude(tree, answer(float("nan"), 1), fine).status == DATA
    assert expressions.conclude(tree, answer(float("nan")), fine).status == IDLE
    assert expressions.conclude(tree, answer(), fine) == Verdict(IDLE, "it gives nothing at present")
    waiting = {**fine, selectors.of_tree(tree)[0]: Verdict(IDLE, "no series yet")}
    assert expressions.conclude(tree, answer(), waiting).why == "no series yet"
    guilty = {**fine, selectors.of_tree(tree)[1]: Verdict(BROKEN, "nothing exposes b")}
    assert expressions.conclude(tree, answer(1), guilty).why == "nothing exposes b"


def panel(*statuses: str) -> report.Panel:
    return report.Panel("api", "P", tuple(report.Query("A", "x", "x", Verdict(one, one)) for one in statuses))


def test_a_panel_is_broken_with_one_query_and_has_data_with_one() -> None:
    assert panel(DATA, IDLE).status == DATA
    assert panel(IDLE, IDLE).status == IDLE
    assert panel(DATA, BROKEN, IDLE).status == BROKEN
    assert next(panel(DATA, BROKEN).lines()) == "broken: api: panel 'P', query A: broken"


def test_what_a_check_fails_by() -> None:
    good = report.Board("api", (panel(DATA), panel(IDLE), panel(DATA)))
    assert good.line == "api: 2 of 3 panels have data"
    assert good.row == {"service": "api", "panels": "3", "data": "2", "idle": "1", "broken": "0"}
    advice, wrong = (report.Finding("lint", "", "", is_broken) for is_broken in (False, True))
    assert report.Report((good,), (advice,)).is_good
    assert not report.Report((good,), (advice, wrong)).is_good
    assert not report.Report((good, report.Board("shop", (panel(BROKEN),))), ()).is_good
    assert json.loads(json.dumps(report.Report((good,), (advice,)).as_dict()))["services"][0]["data"] == 2


def test_a_generated_dashboard_is_what_grafana_takes() -> None:
    assert list(schema.findings("api", GENERATED)) == []


def test_a_wrong_type_is_an_error_and_an_unknown_name_a_warning() -> None:
    value = copy.deepcopy(GENERATED)
    value["panels"][1]["gridPos"]["w"] = "8"
    value["panels"][1]["gridPoss"] = {}
    found = {one.where: one for one in schema.findings("api", value)}
    panel = "dashboard of api, panels/1"
    assert found[f"{panel}/gridPos/w (panel 'Requests per second')"].is_broken
    other = found[f"{panel} (panel 'Requests per second')"]
    assert not other.is_broken
    assert "gridPoss" in other.what


@pytest.mark.parametrize(
    "nonsense", [None, 1, "x", [], ["x"], {"list": 1}, {"list": [None, {"name": "a", "current": []}]}]
)
def test_a_file_that_holds_something_else_is_said_to(nonsense: Any) -> None:
    for key in ("templating", "panels", "annotations"):
        value = {**GENERATED, key: nonsense}
        assert any(one.is_broken for one in schema.findings("api", value)) or nonsense == []
        panels.asking(value)
        assert variables.values(value, "api")["job"] == "api"


def test_what_grafana_writes_itself_is_taken() -> None:
    value = copy.deepcopy(GENERATED)
    value |= {"id": None, "version": 3, "links": [], "gnetId": 1860, "timepicker": {}, "fiscalYearStartMonth": 0}
    value["panels"][1] |= {"pluginVersion": "12.0.0", "maxDataPoints": 100, "datasource": None}
    value["panels"][1]["fieldConfig"]["defaults"] |= {
        "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]},
        "color": {"mode": "palette-classic"},
        "custom": {"lineWidth": 1},
        "mappings": [],
    }
    value["templating"]["list"][1] |= {
        "definition": "label_values(job)",
        "current": {},
        "query": {"query": "x", "refId": "A"},
    }
    assert list(schema.findings("api", value)) == []
