"""The file for speedscope: its schema takes it, whatever functions are called, and nothing is lost in it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from ddd_tasks.profiling import speedscope
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile
from tests import speedscope_schema

ODD = [
    Frame("work", "/app/main.py", 7),
    Frame("no_line", "/lib/libc.so.6"),
    Frame("no_file"),
    Frame(""),
    Frame("a;b\nc\0d", "/app/with blank;and semicolon.py", 1),
    Frame('<img src=x> "quoted" \\', "/app/x.py", 1),
    Frame("ünï 漢字 🔥", "/app/ü/漢.py", 2**31),
]


def profile(unit: str = SAMPLES, rate: int = 100, **more: Any) -> Profile:
    seen: dict[tuple[Frame, ...], int] = {tuple(ODD[: depth + 1]): depth + 1 for depth in range(len(ODD))}
    return Profile("python", unit, rate, 10.0, 0, more.get("seen", seen))


def written(seen: Profile) -> Any:
    """The file as a viewer reads it."""
    return json.loads(speedscope.render(seen, "api, cpu").encode())


@pytest.mark.parametrize(
    "seen",
    [profile(), profile(BYTES, 0), profile(rate=0), profile(seen={}), profile(seen={(): 3})],
    ids=["samples", "bytes", "no rate", "nothing", "no frame"],
)
def test_the_schema_takes_it(seen: Profile) -> None:
    speedscope_schema.check(written(seen))


def test_the_schema_refuses_what_it_has_to() -> None:
    good = written(profile())
    for wrong in (
        {"$schema": "https://example.org"},
        {"shared": {"frames": [{"file": "/x"}]}},
        {"shared": {"frames": [{"name": "x", "line": None}]}},
        {"profiles": [{**good["profiles"][0], "unit": "hours"}]},
        {"profiles": [{**good["profiles"][0], "kind": "sampled"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            speedscope_schema.check({**good, **wrong})
    with pytest.raises(AssertionError):
        speedscope_schema.check({**good, "shared": {"frames": []}})


@pytest.mark.parametrize(
    ("unit", "rate", "named", "whole"),
    [(SAMPLES, 100, "seconds", 0.28), (SAMPLES, 0, "none", 28), (BYTES, 0, "bytes", 28)],
)
def test_weights_are_in_the_unit_that_is_named(unit: str, rate: int, named: str, whole: float) -> None:
    (shown,) = written(profile(unit, rate))["profiles"]
    assert shown["unit"] == named
    assert shown["endValue"] == pytest.approx(whole)
    assert sum(shown["weights"]) == pytest.approx(whole)


def test_nothing_is_lost() -> None:
    document = written(profile())
    frames = [
        Frame(frame["name"], frame.get("file", ""), frame.get("line", 0)) for frame in document["shared"]["frames"]
    ]
    (shown,) = document["profiles"]
    seen = {
        tuple(frames[index] for index in stack): round(weight * 100)
        for stack, weight in zip(shown["samples"], shown["weights"], strict=True)
    }
    assert seen == profile().stacks
