"""Which families a dashboard shows: all, or those whose names match a pattern, which the dashboard itself remembers."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring.families import Family

EVERYTHING = ".*"
_TAG = "match "
_MOST_NAMES = 8


def matcher(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; "" matches all. Raises ConfigError for one that is none."""
    try:
        return re.compile(pattern or EVERYTHING)
    except re.error as error:
        at = " " * (error.pos or 0) + "^"
        raise ConfigError(
            f"--match was given {pattern!r}",
            cause=f"it is not a regular expression: {error.msg}\n{pattern}\n{at}",
            hint="ddd monitor.dashboard --match 'http_.*'",
        ) from error


def chosen(families: Sequence[Family], wanted: re.Pattern[str]) -> tuple[Family, ...]:
    """The families whose whole name matches. Raises ConfigError with the nearest names where none does."""
    found = tuple(one for one in families if wanted.fullmatch(one.name))
    if not found:
        names = _nearest(wanted.pattern, [one.name for one in families])
        raise ConfigError(
            f"no metric's name matches --match {wanted.pattern!r}",
            cause=f"it has to match the whole of a name; of {len(families)} names, these come nearest",
            valid=names,
            hint=f"ddd monitor.dashboard --match {shlex.quote(names[0])}",
        )
    return found


def _nearest(pattern: str, names: Sequence[str]) -> list[str]:
    """The names that look most like the pattern without its signs: those that hold it, then the similar ones."""
    text = re.sub(r"[^a-z0-9_:]+", "", pattern.lower())
    holding = [name for name in names if text and text in name.lower()]
    close = difflib.get_close_matches(text, names, n=_MOST_NAMES, cutoff=0)
    return list(dict.fromkeys([*holding, *close]))[:_MOST_NAMES]


def noted(board: dict[str, Any], pattern: str) -> dict[str, Any]:
    """The dashboard with the pattern among its tags and in its description; as it is where that matches all."""
    if pattern in ("", EVERYTHING):
        return board
    about = f"{board['description']} Only the metrics that match {pattern}"
    return {**board, "description": about, "tags": [*board["tags"], _TAG + pattern]}


def of_file(text: str | None) -> str:
    """The pattern that a dashboard's file has noted, or ""; text: None where there is no file."""
    try:
        tags = json.loads(text or "")["tags"]
        return next((str(tag).removeprefix(_TAG) for tag in tags if str(tag).startswith(_TAG)), "")
    except (ValueError, KeyError, TypeError):
        return ""
