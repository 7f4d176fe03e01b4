"""The rows of a dashboard: requests first, then the service's own metrics, then what its runtime exposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ddd_tasks.monitoring import requests
from ddd_tasks.monitoring.families import Family, selector
from ddd_tasks.monitoring.panels import Panel, Query, panels_of

MOST_PANELS = 60
"""Of one dashboard: Grafana asks Prometheus for each of them every few seconds."""

RUNTIME = (
    "process", "python", "nodejs", "go", "dotnet", "aspnetcore", "kestrel", "system", "microsoft", "jvm", "promhttp",
    "prometheus", "scrape",
)  # fmt: skip
"""First words of what comes with a runtime or a client library, and not from the service."""


class Row(NamedTuple):
    """A row of panels. is_collapsed: whether it is opened by hand, and asks for nothing until then."""

    title: str
    panels: tuple[Panel, ...]
    is_collapsed: bool = False


class Layout(NamedTuple):
    """All rows, and the families that no panel is left for."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...]


def arrange(families: Sequence[Family]) -> Layout:
    """The rows for these families; the same ones in the same order for the same families in any order."""
    known = sorted(families, key=lambda family: family.name)
    first, used = requests.row(known)
    rows = [Row("Requests", first)] if first else []
    groups: dict[str, list[Panel]] = {}
    for family in known:
        if family.name not in used:
            groups.setdefault(family.words[0] if family.words else "other", []).extend(panels_of(family))
    own = sorted(name for name in groups if name not in RUNTIME)
    runtime = sorted((name for name in groups if name in RUNTIME), key=RUNTIME.index)
    rows += [Row(name, tuple(groups[name])) for name in own]
    rows += [Row(f"{name} (runtime)", tuple(groups[name]), is_collapsed=True) for name in runtime]
    return _limited([*rows, _scrape()])


def _limited(rows: Sequence[Row]) -> Layout:
    """The first panels, and the names of families that have none among them."""
    room, kept, left, shown = MOST_PANELS, [], {}, set()
    for row in rows:
        few = row.panels[:room]
        room -= len(few)
        kept += [row._replace(panels=few)] if few else []
        shown |= {name for panel in few for name in panel.families}
        left.update(dict.fromkeys(name for panel in row.panels for name in panel.families))
    return Layout(tuple(kept), tuple(name for name in left if name not in shown))


def _scrape() -> Row:
    """What Prometheus itself knows of a target."""
    queries = (
        ("up", "Whether the last scrape succeeded.", "short"),
        ("scrape_duration_seconds", "How long the last scrape took.", "s"),
        ("scrape_samples_scraped", "How many series the page had.", "short"),
    )
    panels = (
        Panel(name, text, "timeseries", unit, (Query(selector(name), "{{instance}}"),)) for name, text, unit in queries
    )
    return Row("Scrapes", tuple(panels), is_collapsed=True)
