"""The variables of a dashboard, with the values that a check puts in their places."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ddd_tasks.monitoring.config import SCRAPE_SECONDS

RANGE_SECONDS = 900
"""What a dashboard of ours shows: the last 15 minutes."""

_EVERY = ".+"
_SCRAPES_OF_A_RATE = 4
_RANGE = {
    "__range": f"{RANGE_SECONDS}s",
    "__range_s": str(RANGE_SECONDS),
    "__range_ms": str(RANGE_SECONDS * 1000),
}
# $name, ${name}, ${name:format} and, of old, [[name]]; not $1, which is a group in label_replace.
_PLACE = re.compile(
    r"\$(?P<plain>[A-Za-z_]\w*)|\$\{(?P<braced>[A-Za-z_]\w*)(?::[^}]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)\]\]"
)
_LEAST = re.compile(r">?(\d+)(ms|[smhd])")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SPECIAL = re.compile(r"[.*+?^${}()|\[\]\\]")


def values(board: Mapping[str, Any], service: str, least: str = "") -> dict[str, str]:
    """Each variable's value: the intervals, the service as job, every instance, and what the dashboard itself chose.

    least: the least step of a panel, such as 20s.
    """
    listed = _of(board, "templating").get("list")
    every = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict) and "name" in one]
    own = {str(one["name"]): _chosen(one) for one in every}
    is_one = any(one["name"] == "job" and not _has_many(one) for one in every)
    job = _quoted(service) if is_one else _escaped(service)
    return {**own, **_intervals(least), **_RANGE, "job": job, "instance": _EVERY}


def _intervals(least: str) -> dict[str, str]:
    """As Grafana computes them where a pixel is no longer than a scrape."""
    found = _LEAST.fullmatch(least)
    step = max(SCRAPE_SECONDS, math.ceil(int(found[1]) * _UNITS[found[2]]) if found else 0)
    # A longer step takes one scrape more: the increase between two steps is in neither of them.
    rate = max(step + SCRAPE_SECONDS, _SCRAPES_OF_A_RATE * SCRAPE_SECONDS)
    return {"__rate_interval": f"{rate}s", "__interval": f"{step}s", "__interval_ms": str(step * 1000)}


def substitute(expression: str, known: Mapping[str, str]) -> str:
    """The expression as Prometheus is asked; a variable that is not known stays."""
    return _PLACE.sub(lambda found: known.get(_name(found), found[0]), expression)


def unknown(expression: str, known: Mapping[str, str]) -> list[str]:
    """The variables of an expression that its dashboard does not have."""
    if "label_replace" in expression:  # there, $name may be a group of its regular expression
        return []
    names = (_name(found) for found in _PLACE.finditer(expression) if not found["old"])
    return [name for name in dict.fromkeys(names) if name not in known]


def _name(found: re.Match[str]) -> str:
    return found["plain"] or found["braced"] or found["old"]


def _chosen(variable: Mapping[str, Any]) -> str:
    """Every value where all may be chosen: which one was when the file was saved says nothing of this machine."""
    if variable.get("includeAll") or (variable.get("type") == "query" and variable.get("multi")):
        return str(variable.get("allValue") or _EVERY)  # as it is, as in Grafana
    current = _of(variable, "current").get("value")
    chosen = [str(one) for one in current] if isinstance(current, list) else [str(current)] if current else []
    if "$__all" in chosen or (not chosen and variable.get("type") == "query"):
        return str(variable.get("allValue") or _EVERY)
    if not chosen:
        chosen = [str(variable.get("query") or "").partition(",")[0].strip()]
    if len(chosen) == 1:
        return _escaped(chosen[0]) if _has_many(variable) else _quoted(chosen[0])
    return f"({'|'.join(map(_escaped, chosen))})"


def _has_many(variable: Mapping[str, Any]) -> bool:
    """Whether it may have several values: Grafana takes each for text then, within a regular expression."""
    return bool(variable.get("multi") or variable.get("includeAll"))


def _of(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of a file that may hold anything."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _escaped(value: str) -> str:
    """As a part of a regular expression in a string in PromQL."""
    return _quoted(_SPECIAL.sub(r"\\\g<0>", value))


def _quoted(value: str) -> str:
    """As a part of a string in PromQL."""
    return json.dumps(value, ensure_ascii=False)[1:-1]
