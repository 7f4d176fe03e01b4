"""The tutorial by its own commands, with nothing but a fresh clone of this project; its times are said at the end."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests import support
from tests.engine.docs.conftest import WALK
from tests.pages_guides import NOT_RUN, TUTORIAL
from tests.support import REPO
from tests.walks import Places, Walked, walk

_LONGEST = 3


def test_the_tutorial_from_a_fresh_clone(
    places: Places, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    clone = tmp_path / "clone"
    support.run("git", "clone", "--quiet", str(REPO), str(clone)).ok()
    made = support.run(str(clone / "bootstrap"), "--no-engine", "sh", "-c", "command -v ddd", timeout=300).ok()
    assert made.out.strip() == str(clone / ".venv" / "bin" / "ddd")
    ready = time.monotonic() - began

    path = os.pathsep.join((str(clone / ".venv" / "bin"), support.environment()["PATH"]))
    page = dataclasses.replace(TUTORIAL, env={"PATH": path})
    (tmp_path / "walk").mkdir()
    with places.of(page) as place:
        walked = walk(page, NOT_RUN, place, tmp_path / "walk")
    record_property(WALK, summary(ready, walked))


def summary(ready: float, walked: list[Walked]) -> str:
    """Its line among those at the end of a test run."""
    total = sum(one.seconds for one in walked)
    longest = sorted(walked, key=lambda one: -one.seconds)[:_LONGEST]
    said = ", ".join(f"{one.step.command.partition(chr(10))[0][:40]} {one.seconds:.0f} s" for one in longest)
    return f"tutorial: {len(walked)} commands in {total:.0f} s ({said}), after {ready:.0f} s for a clone and its venv"
