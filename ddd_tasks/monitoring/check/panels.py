"""The panels of a dashboard that ask Prometheus for something, also those in rows that are closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_PROMETHEUS = ("", "prometheus", "grafana-amazonprometheus-datasource")


class Asking(NamedTuple):
    """A panel. queries: by their letter, the expressions as in the file; least: its least step, such as 20s."""

    title: str
    queries: tuple[tuple[str, str], ...]
    least: str = ""


def asking(board: Mapping[str, Any]) -> list[Asking]:
    """The panels in their order; text, other data sources and what is no panel are left out."""
    return [
        Asking(_title(panel), queries, str(panel.get("interval") or ""))
        for panel in _every(board.get("panels"))
        if (queries := _queries(panel))
    ]


def _every(found: Any) -> Iterator[Mapping[str, Any]]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one
            yield from _every(one.get("panels"))


def _queries(panel: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = panel.get("targets")
    return tuple(
        (str(one.get("refId") or chr(ord("A") + number)), str(one["expr"]))
        for number, one in enumerate(found if isinstance(found, list) else ())
        if isinstance(one, dict) and one.get("expr") and _kind(one.get("datasource") or panel.get("datasource"))
    )


def _kind(source: Any) -> bool:
    """Whether a data source is Prometheus; one without a type is taken for it, since the query has PromQL's field."""
    return not isinstance(source, dict) or str(source.get("type") or "") in _PROMETHEUS


def _title(panel: Mapping[str, Any]) -> str:
    return str(panel.get("title") or f"panel {panel.get('id', '')}".strip())
