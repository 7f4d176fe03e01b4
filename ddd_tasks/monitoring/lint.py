"""The rules that a dashboard of ours keeps: those of grafana/dashboard-linter, and their names, told anew.

Two have an exception here. target-rate-interval-rule: a mean is over two minutes, whatever the zoom, since the few
requests that one developer makes would leave gaps. target-counter-agg-rule: a gauge may be called _total, as some of
Node.js are; the title of its panel is its name. Whether an expression is valid PromQL is not looked at: only Prometheus
itself can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ddd_tasks.monitoring.board import panels
from ddd_tasks.monitoring.panels import MEAN_RANGE, RATE_RANGE

_SOURCES = ("$datasource", "${datasource}")
_SELECTOR = re.compile(r'(?P<name>[a-zA-Z_:][\w:]*)?\{(?P<inner>(?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}(?P<range>\[[^\]]*\])?')
_WITHOUT_QUERY = ("text",)

Board = Mapping[str, Any]
Rule = Callable[[Board], Iterator[tuple[str, str]]]


class Finding(NamedTuple):
    """A rule that a dashboard breaks. panel: its title, "" for the dashboard as a whole."""

    rule: str
    panel: str
    what: str


def lint(board: Board) -> list[Finding]:
    """What is wrong with a dashboard; nothing for one that keeps every rule."""
    return [Finding(name, panel, what) for name, rule in RULES.items() for panel, what in rule(board)]


def _queried(board: Board) -> Iterator[Mapping[str, Any]]:
    return (panel for panel in panels(dict(board)) if panel["type"] not in _WITHOUT_QUERY)


def _selectors(board: Board) -> Iterator[tuple[str, re.Match[str]]]:
    for panel in _queried(board):
        for target in panel.get("targets", ()):
            yield from ((panel.get("title", ""), found) for found in _SELECTOR.finditer(target.get("expr") or ""))


def _uneditable(board: Board) -> Iterator[tuple[str, str]]:
    if board.get("editable", True):
        yield "", "it can be changed in Grafana, where the change would be lost"


def _datasource_variable(board: Board) -> Iterator[tuple[str, str]]:
    found = [one for one in (board["templating"].get("list") or ()) if one["type"] == "datasource"]
    if not any(one["name"] == "datasource" and one.get("label") == "Data Source" for one in found):
        yield "", "no variable named datasource with the label Data Source"


def _variable(name: str) -> Rule:
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+"}

    def rule(board: Board) -> Iterator[tuple[str, str]]:
        found: Mapping[str, Any] = next(
            (one for one in (board["templating"].get("list") or ()) if one["name"] == name), {}
        )
        wrong = [key for key, value in wanted.items() if found.get(key) != value]
        if _source(found) not in _SOURCES:
            wrong.append("datasource")
        if wrong:
            yield "", f"the variable {name} is missing, or wrong in {', '.join(wrong)}"

    return rule


def _reloads(board: Board) -> Iterator[tuple[str, str]]:
    for one in board["templating"].get("list") or ():
        if one["type"] == "query" and one.get("refresh") != 2:
            yield "", f"the variable {one['name']} is not read anew when the time range changes"


def _source(value: Mapping[str, Any]) -> Any:
    """The uid of a data source; one by its name, as Grafana once wrote it, is its own."""
    found = value.get("datasource")
    return found.get("uid") if isinstance(found, dict) else found


def _panel_source(board: Board) -> Iterator[tuple[str, str]]:
    for panel in _queried(board):
        if _source(panel) not in _SOURCES:
            yield panel.get("title", ""), "its data source is not that of the variable"


def _titled(board: Board) -> Iterator[tuple[str, str]]:
    for panel in panels(dict(board)):
        if not panel.get("title") or not panel.get("description"):
            yield panel.get("title", ""), "it has no title or no description"


def _has_unit(board: Board) -> Iterator[tuple[str, str]]:
    for panel in _queried(board):
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
        if not unit:
            yield panel.get("title", ""), "it has no unit"


def _has_targets(board: Board) -> Iterator[tuple[str, str]]:
    for panel in _queried(board):
        if not panel.get("targets"):
            yield panel.get("title", ""), "it asks for nothing"


def _matches(name: str) -> Rule:
    def rule(board: Board) -> Iterator[tuple[str, str]]:
        for panel, found in _selectors(board):
            if f'{name}=~"${name}"' not in found["inner"]:
                yield panel, f"{found[0]} does not match {name}"

    return rule


def _rate_interval(board: Board) -> Iterator[tuple[str, str]]:
    for panel, found in _selectors(board):
        is_mean = found["range"] == f"[{MEAN_RANGE}]" and _is_mean(panel)
        if found["range"] and found["range"] != f"[{RATE_RANGE}]" and not is_mean:
            yield panel, f"{found[0]} is not over {RATE_RANGE}"


def _is_mean(title: str) -> bool:
    return title.endswith(", mean")


def _aggregated(board: Board) -> Iterator[tuple[str, str]]:
    for panel, found in _selectors(board):
        if (found["name"] or "").endswith("_total") and not found["range"] and panel != found["name"]:
            yield panel, f"the counter {found['name']} is shown as it is, not how fast it grows"


RULES: Mapping[str, Rule] = {
    "uneditable-dashboard": _uneditable,
    "template-datasource-rule": _datasource_variable,
    "template-job-rule": _variable("job"),
    "template-instance-rule": _variable("instance"),
    "template-on-time-change-reload-rule": _reloads,
    "panel-datasource-rule": _panel_source,
    "panel-title-description-rule": _titled,
    "panel-units-rule": _has_unit,
    "panel-no-targets-rule": _has_targets,
    "target-job-rule": _matches("job"),
    "target-instance-rule": _matches("instance"),
    "target-rate-interval-rule": _rate_interval,
    "target-counter-agg-rule": _aggregated,
}
