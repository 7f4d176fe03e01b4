"""A profile as speedscope's file format: what its viewer, and several others, open."""

from __future__ import annotations

import json
from typing import Any

from ddd_tasks.profiling.stacks import Frame, Profile

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def render(profile: Profile, name: str) -> str:
    """The file's text. name: what the viewer shows as its title."""
    return json.dumps(document(profile, name), ensure_ascii=False, separators=(",", ":"))


def document(profile: Profile, name: str) -> dict[str, Any]:
    """The file as a value: one profile of kind "sampled". A sample's weight is in seconds, bytes or samples."""
    frames: dict[Frame, int] = {}
    samples: list[list[int]] = []
    weights: list[float] = []
    unit, scale = _unit(profile)
    for stack, weight in profile.stacks.items():
        samples.append([frames.setdefault(frame, len(frames)) for frame in stack])
        weights.append(weight * scale)
    sampled = {
        "type": "sampled",
        "name": name,
        "unit": unit,
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    return {
        "$schema": SCHEMA,
        "exporter": "ddd-tasks",
        "name": name,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(frame) for frame in frames]},
        "profiles": [sampled],
    }


def _unit(profile: Profile) -> tuple[str, float]:
    """The schema's word for the unit, and what one of ours is in it: samples at a known rate are time."""
    if profile.unit == "bytes":
        return "bytes", 1
    return ("seconds", 1 / profile.rate) if profile.rate else ("none", 1)


def _frame(frame: Frame) -> dict[str, Any]:
    """A frame without the fields that are not known: the schema has no null."""
    shown: dict[str, Any] = {"name": frame.function}
    if frame.file:
        shown["file"] = frame.file
        if frame.line:
            shown["line"] = frame.line
    return shown
