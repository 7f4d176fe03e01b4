"""The variables of a dashboard, with the values that a check puts in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ddd_tasks.monitoring.config import SCRAPE_SECONDS

RANGE_SECONDS = 900
"""What a dashboard of ours shows: the last 15 minutes."""

_EVERY = ".+"
_BUILT_IN = {
    "__rate_interval": f"{4 * SCRAPE_SECONDS}s",
    "__interval": f"{SCRAPE_SECONDS}s",
    "__interval_ms": str(SCRAPE_SECONDS * 1000),
    "__range": f"{RANGE_SECONDS}s",
    "__range_s": str(RANGE_SECONDS),
    "__range_ms": str(RANGE_SECONDS * 1000),
}
# $name, ${name}, ${name:format} and, of old, [[name]]; not $1, which is a group in label_replace.
_PLACE = re.compile(
    r"\$(?P<plain>[A-Za-z_]\w*)|\$\{(?P<braced>[A-Za-z_]\w*)(?::[^}]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)\]\]"
)


def values(board: Mapping[str, Any], service: str) -> dict[str, str]:
    """Each variable's value: the intervals, the service as job, every instance, and what the dashboard itself chose."""
    listed = _of(board, "templating").get("list")
    every = listed if isinstance(listed, list) else ()
    own = {str(one["name"]): _chosen(one) for one in every if isinstance(one, dict) and "name" in one}
    return {**own, **_BUILT_IN, "job": service, "instance": _EVERY}


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
        return _quoted(str(variable.get("allValue") or _EVERY))
    current = _of(variable, "current").get("value")
    chosen = [str(one) for one in current] if isinstance(current, list) else [str(current)] if current else []
    if "$__all" in chosen or (not chosen and variable.get("type") == "query"):
        return _EVERY
    if not chosen:
        chosen = [str(variable.get("query") or "").partition(",")[0].strip()]
    return _quoted(chosen[0] if len(chosen) == 1 else f"({'|'.join(chosen)})")


def _of(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of a file that may hold anything."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _quoted(value: str) -> str:
    """As a part of a string in PromQL."""
    return json.dumps(value, ensure_ascii=False)[1:-1]
