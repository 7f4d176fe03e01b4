"""What speedscope takes as a file: names and types of its published schema, and what its importer refuses besides.

jlfwong/speedscope (MIT): src/lib/file-format-spec.ts, from which https://www.speedscope.app/file-format-schema.json is
made, and src/import/speedscope.ts. additionalProperties is false, which is stricter than there: a name that we misspell
would be taken and do nothing.
"""

from __future__ import annotations

from typing import Any

import jsonschema

_STRING = {"type": "string"}
_NUMBER = {"type": "number"}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_OF_EVERY_KIND = {
    "name": _STRING,
    "unit": {"enum": ["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]},
    "startValue": _NUMBER,
    "endValue": _NUMBER,
}
_EVENT = _object({"type": {"enum": ["O", "C"]}, "at": _NUMBER, "frame": _NUMBER}, ["type", "at", "frame"])


def _profile(kind: str, own: dict[str, Any]) -> dict[str, Any]:
    return _object({"type": {"const": kind}, **_OF_EVERY_KIND, **own}, ["type", *_OF_EVERY_KIND, *own])


_SAMPLED = _profile("sampled", {"samples": _list(_list(_NUMBER)), "weights": _list(_NUMBER)})
_EVENTED = _profile("evented", {"events": _list(_EVENT)})
FILE: dict[str, Any] = _object(
    {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "shared": _object(
            {"frames": _list(_object({"name": _STRING, "file": _STRING, "line": _NUMBER, "col": _NUMBER}, ["name"]))},
            ["frames"],
        ),
        "profiles": _list({"if": {"properties": {"type": {"const": "sampled"}}}, "then": _SAMPLED, "else": _EVENTED}),
        "name": _STRING,
        "activeProfileIndex": _NUMBER,
        "exporter": _STRING,
    },
    ["$schema", "shared", "profiles"],
)


def check(document: Any) -> None:
    """Raise where speedscope would not take it: jsonschema.ValidationError, or AssertionError for its importer."""
    jsonschema.validate(document, FILE, jsonschema.Draft7Validator)
    frames, shown = document["shared"]["frames"], document.get("activeProfileIndex", 0)
    assert 0 <= shown < len(document["profiles"])
    for profile in document["profiles"]:
        assert profile["startValue"] <= profile["endValue"]
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(index in range(len(frames)) for stack in profile["samples"] for index in stack)
