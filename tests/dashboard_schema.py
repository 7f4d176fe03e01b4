"""What Grafana takes as a dashboard: names and types of its published schema, as facts.

grafana/grafana-foundation-sdk, jsonschema/dashboard.jsonschema.json (draft-07, Apache-2.0). Only what a dashboard of
ours can have is here. additionalProperties is false as there, so that a name that Grafana does not know is found.
"""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}
_BOOLEAN = {"type": "boolean"}
_INTEGER = {"type": "integer"}
_ANYTHING = {"type": "object"}  # what depends on the plugin of the panel or of the data source


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_SOURCE = _object({"type": _STRING, "uid": _STRING}, [])
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
_FIELDS = _object(
    {
        "defaults": _object(
            {"unit": _STRING, "decimals": {"type": "number"}, "min": {"type": "number"}, "max": {"type": "number"}}, []
        ),
        "overrides": _list(_ANYTHING),
    },
    ["defaults", "overrides"],
)
_TRANSFORMATION = _object({"id": _STRING, "disabled": _BOOLEAN, "options": _ANYTHING}, ["id", "options"])
_PANEL = _object(
    {
        "type": {"type": "string", "minLength": 1},
        "id": _INTEGER,
        "title": _STRING,
        "description": _STRING,
        "datasource": _SOURCE,
        "gridPos": _POSITION,
        "targets": _list(_ANYTHING),
        "fieldConfig": _FIELDS,
        "options": _ANYTHING,
        "transformations": _list(_TRANSFORMATION),
        "interval": _STRING,
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
        "panels": _list(_PANEL),
    },
    ["type", "collapsed", "id", "panels"],
)
_TEXTS = {"anyOf": [_STRING, _STRINGS]}
_VARIABLE = _object(
    {
        "type": {"enum": ["query", "adhoc", "constant", "datasource", "interval", "textbox", "custom", "system"]},
        "name": _STRING,
        "label": _STRING,
        "query": _STRING,
        "datasource": _SOURCE,
        "current": _object({"selected": _BOOLEAN, "text": _TEXTS, "value": _TEXTS}, ["text", "value"]),
        "multi": _BOOLEAN,
        "includeAll": _BOOLEAN,
        "allValue": _STRING,
        "refresh": {"enum": [0, 1, 2]},
        "sort": {"enum": list(range(9))},
        "hide": {"enum": [0, 1, 2]},
        "regex": _STRING,
    },
    ["type", "name"],
)
DASHBOARD = _object(
    {
        "uid": {"type": "string", "minLength": 1, "maxLength": 40},  # in words there: "string (8-40)"
        "title": _STRING,
        "description": _STRING,
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
