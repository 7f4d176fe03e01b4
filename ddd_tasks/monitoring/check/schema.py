"""What Grafana takes as a dashboard: names and types of its published schema, as facts.

grafana/grafana-foundation-sdk, jsonschema/dashboard.jsonschema.json (draft-07, Apache-2.0). What differs from panel to
panel and from source to source is left open, as it is there. Where Grafana itself writes null, or another type than the
schema has, that is taken as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ddd_tasks.monitoring.check.report import Finding

_MOST = 20
"""Findings of one dashboard: a file that is something else altogether would have thousands."""

_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}
_BOOLEAN = {"type": "boolean"}
_INTEGER = {"type": "integer"}
_NUMBER = {"type": "number"}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_ANYTHING = {"type": "object"}  # what depends on the plugin of the panel or of the data source


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


# A name, or null for the usual one, before Grafana 8.3.
_SOURCE = {"anyOf": [_object({"type": _STRING, "uid": {"type": ["string", "null"]}}, []), {"type": ["string", "null"]}]}
_CELLS = {"type": "integer", "exclusiveMinimum": 0}
_POSITION = _object(
    {
        "h": _CELLS,
        "w": {**_CELLS, "maximum": 24},
        "x": {"type": "integer", "exclusiveMaximum": 24},
        "y": _INTEGER,
        "static": _BOOLEAN,
    },
    ["h", "w", "x", "y"],
)
_MATCHER = _object({"id": _STRING, "options": {}}, ["id"])
_STEP = _object({"value": _NUMBER_OR_NULL, "color": _STRING}, ["value", "color"])
_FIELD = _object(
    {
        "displayName": _STRING,
        "displayNameFromDS": _STRING,
        "description": _STRING,
        "path": _STRING,
        "writeable": _BOOLEAN,
        "filterable": _BOOLEAN,
        "unit": _STRING,
        "decimals": _NUMBER_OR_NULL,
        "min": _NUMBER_OR_NULL,
        "max": _NUMBER_OR_NULL,
        "mappings": _list(
            _object({"type": {"enum": ["value", "range", "regex", "special"]}, "options": _ANYTHING}, ["type"])
        ),
        "thresholds": _object({"mode": {"enum": ["absolute", "percentage"]}, "steps": _list(_STEP)}, ["mode", "steps"]),
        "color": _object(
            {"mode": _STRING, "fixedColor": _STRING, "seriesBy": {"enum": ["min", "max", "last"]}}, ["mode"]
        ),
        "links": _list(_ANYTHING),
        "actions": _list(_ANYTHING),
        "noValue": _STRING,
        "fieldMinMax": _BOOLEAN,
        "custom": _ANYTHING,
    },
    [],
)
_OVERRIDE = _object(
    {"matcher": _MATCHER, "properties": _list(_object({"id": _STRING, "value": {}}, ["id"]))}, ["matcher", "properties"]
)
_FIELDS = _object({"defaults": _FIELD, "overrides": _list(_OVERRIDE)}, ["defaults", "overrides"])
_LINKS = _list(_ANYTHING)
_TRANSFORMATION = _object(
    {"id": _STRING, "disabled": _BOOLEAN, "filter": _MATCHER, "topic": _STRING, "options": _ANYTHING}, ["id", "options"]
)
# Of a query only what each source of ours has.
_TARGETS = _list({"type": "object", "properties": {"expr": _STRING, "refId": _STRING, "hide": _BOOLEAN}})
_PANEL = _object(
    {
        "type": {"type": "string", "minLength": 1},
        "id": _INTEGER,
        "title": _STRING,
        "description": _STRING,
        "datasource": _SOURCE,
        "gridPos": _POSITION,
        "targets": _TARGETS,
        "fieldConfig": _FIELDS,
        "options": _ANYTHING,
        "transformations": _list(_TRANSFORMATION),
        "interval": {"type": ["string", "null"]},
        "pluginVersion": _STRING,
        "tags": _STRINGS,
        "transparent": _BOOLEAN,
        "links": _LINKS,
        "repeat": {"type": ["string", "null"]},
        "repeatDirection": {"enum": ["h", "v"]},
        "maxPerRow": _NUMBER,
        "maxDataPoints": _NUMBER_OR_NULL,
        "cacheTimeout": {"type": ["string", "null"]},
        "queryCachingTTL": _NUMBER_OR_NULL,
        "timeFrom": {"type": ["string", "null"]},
        "timeShift": {"type": ["string", "null"]},
        "hideTimeOverride": _BOOLEAN,
        "libraryPanel": _object({"name": _STRING, "uid": _STRING}, ["name", "uid"]),
    },
    ["type"],
)
_ROW = _object(
    {
        "type": {"const": "row"},
        "id": _INTEGER,
        "title": _STRING,
        "collapsed": _BOOLEAN,
        "gridPos": _POSITION,
        "datasource": _SOURCE,
        "repeat": {"type": ["string", "null"]},
        "targets": _TARGETS,
        "panels": _list(_PANEL),
    },
    ["type", "collapsed", "id", "panels"],
)
_TEXTS = {"anyOf": [_STRING, _STRINGS]}
# {} where nothing was ever chosen.
_CHOSEN = {
    "anyOf": [
        _object({"selected": _BOOLEAN, "text": _TEXTS, "value": _TEXTS}, ["text", "value"]),
        {"type": "object", "maxProperties": 0},
    ]
}
_VARIABLE = _object(
    {
        "type": {
            "enum": [
                "query",
                "adhoc",
                "constant",
                "datasource",
                "interval",
                "textbox",
                "custom",
                "system",
                "groupby",
                "snapshot",
                "switch",
            ]
        },
        "name": _STRING,
        "label": _STRING,
        "query": {"type": ["string", "object"]},
        "description": {"type": ["string", "null"]},
        "definition": _STRING,
        "skipUrlSync": _BOOLEAN,
        "options": _list(_ANYTHING),
        "auto": _BOOLEAN,
        "auto_count": _INTEGER,
        "auto_min": _STRING,
        "datasource": _SOURCE,
        "current": _CHOSEN,
        "multi": _BOOLEAN,
        "includeAll": _BOOLEAN,
        "allValue": {"type": ["string", "null"]},
        "refresh": {"enum": [0, 1, 2]},
        "sort": {"enum": list(range(9))},
        "hide": {"enum": [0, 1, 2]},
        "regex": _STRING,
    },
    ["type", "name"],
)
DASHBOARD: dict[str, Any] = _object(
    {
        "uid": {"type": "string", "minLength": 1, "maxLength": 40},  # in words there: "string (8-40)"
        "id": {"type": ["integer", "null"]},
        "title": _STRING,
        "description": _STRING,
        "revision": _INTEGER,
        "version": _INTEGER,
        "gnetId": {"type": ["string", "integer", "null"]},
        "iteration": _INTEGER,
        "style": _STRING,
        "links": _LINKS,
        "liveNow": _BOOLEAN,
        "preload": _BOOLEAN,
        "weekStart": _STRING,
        "fiscalYearStartMonth": {"type": "integer", "exclusiveMaximum": 12},
        "timepicker": _ANYTHING,
        "snapshot": _ANYTHING,
        "tags": _STRINGS,
        "timezone": _STRING,
        "editable": _BOOLEAN,
        "graphTooltip": {"enum": [0, 1, 2]},
        "time": _object({"from": _STRING, "to": _STRING}, ["from", "to"]),
        "refresh": {"anyOf": [_STRING, {"const": False}]},
        "schemaVersion": _INTEGER,
        "templating": _object({"list": _list(_VARIABLE)}, []),
        "annotations": _object({"list": _list(_ANYTHING)}, []),
        # In the schema anyOf; either says more than both when a panel is wrong.
        "panels": _list({"if": {"properties": {"type": {"const": "row"}}}, "then": _ROW, "else": _PANEL}),
    },
    ["schemaVersion", "templating", "annotations"],
)


def findings(service: str, board: Mapping[str, Any]) -> Iterator[Finding]:
    """Where a dashboard differs from it: an error for a wrong type, a warning for a name that Grafana does not know."""
    import jsonschema

    found = sorted(
        jsonschema.Draft7Validator(DASHBOARD).iter_errors(board), key=lambda error: list(map(str, error.path))
    )
    for error in found[:_MOST]:
        is_broken = error.validator != "additionalProperties"
        yield Finding(
            "schema", f"dashboard of {service}, {_place(board, error.absolute_path)}", _short(error.message), is_broken
        )


def _place(board: Any, path: Iterable[str | int]) -> str:
    """Where in the file, with the title of the innermost panel."""
    title, keys = "", list(path)
    for key in keys:
        board = board[key]
        if isinstance(board, dict) and "gridPos" in board:
            title = str(board.get("title") or "")
    return ("/".join(map(str, keys)) or "as a whole") + (f" (panel {title!r})" if title else "")


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:90]} ... {message[-90:]}"
