"""Why a layer was built again, from the records of two builds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.stages import causes, inputs, picture
from ddd_tasks.stages.layers import Layer, Report
from ddd_tasks.stages.record import Record, Step
from ddd_tasks.stages.steps import Script

BASE = {"base": {"python:3": "sha256:aaaaaaaaaaaaaaaa"}, "text": {"": "t1"}, "files": {}, "images": {}, "settings": {}}


def step(state: str, *upstream: str, line: int = 1, is_base: bool = False) -> Step:
    return Step(line, "s", f"RUN {line}", is_base, list(upstream), state, 1.5, 1000)


def record(steps: Mapping[str, Step], made_from: Mapping[str, Any], *, no_cache: bool = False) -> Record:
    return Record(time.time(), "stage.build", no_cache, {"s": list(steps)}, dict(steps), dict(made_from))


def cause(before: Mapping[str, Any], after: Mapping[str, Any]) -> causes.Cause:
    steps = {"s 2": step("built")}
    return causes.find(record(steps, {"s 2": after}), steps, [record(steps, {"s 2": before})])["s 2"]


@pytest.mark.parametrize(
    ("kind", "before", "after", "said"),
    [
        ("base", {"python:3": "sha256:a"}, {"python:3": "sha256:b"}, "the base python:3 is another image: a -> b"),
        ("base", {"python:3": "sha256:a"}, {"python:4": "sha256:b"}, "the base is python:4, it was python:3"),
        ("text", {"": "t1"}, {"": "t2"}, "it was added or edited"),
        ("files", {"a": "1", "b": "1"}, {"b": "2", "c": "1"}, "a (gone), b (changed), c (new), since"),
        ("images", {"tool:1": "sha256:a"}, {"tool:1": "sha256:b"}, "tool:1 is another image"),
        ("settings", {"ARG V": "1"}, {"ARG V": "2", "ENV X": ""}, "ARG V: '1' -> '2'; ENV X: not set -> ''"),
    ],
)
def test_what_changed_is_named(kind: str, before: Mapping[str, str], after: Mapping[str, str], said: str) -> None:
    assert said in cause({**BASE, kind: before}, {**BASE, kind: after}).text


def test_many_files_are_counted() -> None:
    found = cause(BASE, {**BASE, "files": {f"f{number}": "1" for number in range(9)}})
    assert "f0 (new), f1 (new), f2 (new) and 6 more" in found.text
    assert len(found.names) == 9


def test_an_instruction_that_stands_elsewhere_was_moved() -> None:
    steps = {"s 2": step("built")}
    before = record(steps, {"s 2": BASE, "s 3": {**BASE, "text": {"": "t2"}}})
    found = causes.find(record(steps, {"s 2": {**BASE, "text": {"": "t2"}}}), steps, [before])
    assert "one above it" in found["s 2"].text


def test_without_a_difference_the_cache_has_forgotten_it() -> None:
    assert cause(BASE, BASE).kind == "cache"


def test_only_layers_that_follow_no_other_have_a_cause() -> None:
    steps = {
        "s 1": step("built", is_base=True),
        "s 2": step("cached", "s 1"),
        "s 3": step("built", "s 2"),
        "s 4": step("built", "s 3"),
        "t 1": step("built", "s 1"),
    }
    assert list(causes.find(record(steps, {}), steps, [])) == ["s 3", "t 1"]


def test_no_cache_and_the_first_record_say_so() -> None:
    steps = {"s 2": step("built")}
    assert causes.find(record(steps, {}, no_cache=True), steps, [])["s 2"].kind == "asked"
    assert causes.find(record(steps, {}), steps, [])["s 2"].text == "the first recorded build"


def test_a_record_knows_the_layers_of_a_stage() -> None:
    made = record({"a 1": step("built"), "b 1": step("built")}, {})
    made.targets["a"] = ["a 1"]
    assert list(made.of("a")) == ["a 1"]
    assert list(made.of(None)) == ["a 1", "b 1"]


TEXT = """\
FROM python:3 AS s
ARG VERSION=1
ARG API_TOKEN=hunter2
COPY src/*.py conf/${VERSION}/ /app/
RUN --mount=type=bind,source=docs,target=/docs make
COPY --from=tool:1 /x /y
"""


def collected(folder: Path, text: str = TEXT) -> dict[str, inputs.Inputs]:
    script = Script(dockerfile.parse(text), tuple(text.split("\n")))
    context = inputs.Context(folder, folder / "Dockerfile", folder / "memory.json")
    return inputs.collect(script, script.layers(), context, lambda name: f"id of {name}", time.time() + 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("src/a.py", "src/b.txt", "conf/1/x", "conf/2/y", "docs/index", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_inputs_are_what_an_instruction_reads(folder: Path) -> None:
    found = collected(folder)
    assert sorted(found["s 2"]["files"]) == ["conf/1/x", "src/a.py"]
    assert found["s 2"]["settings"] == {"ARG VERSION": "1"}
    assert sorted(found["s 3"]["files"]) == ["docs/index"]
    assert found["s 4"]["images"] == {"tool:1": "id of tool:1"}
    assert {mark["base"]["python:3"] for mark in found.values()} == {"id of python:3"}


def test_what_looks_like_a_secret_is_not_written_down(folder: Path) -> None:
    token = collected(folder)["s 3"]["settings"]["ARG API_TOKEN"]
    assert token.startswith("sha256:")
    assert token != collected(folder, TEXT.replace("hunter2", "hunter3"))["s 3"]["settings"]["ARG API_TOKEN"]
    assert "hunter2" not in str(collected(folder))


def test_a_file_counts_as_changed_by_its_content_only(folder: Path) -> None:
    before = collected(folder)["s 2"]
    os.utime(folder / "src/a.py", (1, 1))
    assert collected(folder)["s 2"] == before
    (folder / "src/a.py").write_text("other")
    assert inputs.differences(before, collected(folder)["s 2"], "files") == ["src/a.py"]


def test_a_file_that_changed_during_a_build_has_a_mark_of_its_own(folder: Path) -> None:
    script = Script(dockerfile.parse(TEXT), tuple(TEXT.split("\n")))
    context = inputs.Context(folder, folder / "Dockerfile", folder / "memory.json")
    during = inputs.collect(script, script.layers(), context, str, time.time() - 60)["s 2"]
    assert inputs.differences(during, collected(folder)["s 2"], "files") == ["conf/1/x", "src/a.py"]


def test_the_picture_is_one_valid_file_with_every_layer() -> None:
    why = causes.Cause("files", ("a<b",), "a<b (changed)")
    shown = [Layer(step("built", line=7), why), Layer(step("cached", line=9), None)]
    root = ET.fromstring(picture.svg(Report(time.time(), "stage.build", None, tuple(shown))))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"7", "9", "↑ a<b (changed)", "1.5 s", "cached"} <= set(texts)
    assert "prefers-color-scheme: dark" in (root.findtext("{http://www.w3.org/2000/svg}style") or "")
