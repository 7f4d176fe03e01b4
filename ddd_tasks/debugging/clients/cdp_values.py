"""Values of a JavaScript program as text: what a remote object of the DevTools protocol looks like to a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_PLAIN = ("", "Object")


def show(value: Mapping[str, Any]) -> str:
    """A Runtime.RemoteObject as an expression would write it where that is short: 1, "text", {visits: 1}, [1, 2]."""
    if value.get("unserializableValue"):
        return str(value["unserializableValue"])
    if value["type"] in ("object", "function") and value.get("subtype") != "null":
        if preview := value.get("preview"):
            return _show_preview(preview)
        return _first_line(value.get("description") or value.get("className", ""))
    if value["type"] in ("undefined", "symbol"):
        return str(value.get("description", value["type"]))
    return json.dumps(value.get("value"), ensure_ascii=False)


def _show_preview(preview: Mapping[str, Any]) -> str:
    """A Runtime.ObjectPreview: of a class its name first, of what is long the beginning."""
    name = str(preview.get("description", ""))
    if preview.get("subtype") in ("error", "regexp", "date"):
        return _first_line(name)
    is_list = preview.get("subtype") in ("array", "typedarray")
    parts = [_entry(one) for one in preview.get("entries", ())]
    parts += [_part(one, named=not (is_list and one["name"].isdigit())) for one in preview.get("properties", ())]
    text = ", ".join([*parts, *(["…"] if preview.get("overflow") else [])])
    if is_list:
        return f"[{text}]"
    return f"{{{text}}}" if name in _PLAIN else f"{name} {{{text}}}"


def _part(part: Mapping[str, Any], *, named: bool) -> str:
    """A Runtime.PropertyPreview: its value is text already, cut by the engine."""
    value = part.get("value", part["type"])
    text = json.dumps(value, ensure_ascii=False) if part["type"] == "string" else str(value)
    return f"{part['name']}: {text}" if named else text


def _entry(entry: Mapping[str, Any]) -> str:
    """A Runtime.EntryPreview: of a map with its key, of a set without."""
    value = _show_nested(entry["value"])
    return f"{_show_nested(entry['key'])} => {value}" if "key" in entry else value


def _show_nested(preview: Mapping[str, Any]) -> str:
    if preview["type"] == "string":
        return json.dumps(preview.get("description", ""), ensure_ascii=False)
    return str(preview.get("description", preview["type"]))


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]
