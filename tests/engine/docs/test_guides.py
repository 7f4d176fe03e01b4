"""The shell blocks of README, the tutorial and the guides do on a real engine what the pages say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests import blocks
from tests.blocks import Page
from tests.pages_guides import NOT_RUN, PAGES
from tests.walks import Places, walk


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_does_what_the_page_says(page: Page, places: Places, tmp_path: Path) -> None:
    with places.of(page) as place:
        walk(page, NOT_RUN, place, tmp_path)


def test_the_workflow_of_the_running_stack_does_here_what_it_does_there(places: Places, tmp_path: Path) -> None:
    """Its steps in their order, but for the one that installs this package."""
    page = "docs/integrations.md"
    workflow = yaml.safe_load(blocks.begins(page, "# .github/workflows/stack.yml").text)
    lines = [step["run"] for step in workflow["jobs"]["stack"]["steps"] if "run" in step]
    assert lines[:2] == ["python3 -m pip install ddd-tasks", "ddd dev.up"]
    entry = Page(page, project="shop", only=("ddd dev.ps --json",), before=tuple(lines[1:]))
    with places.of(entry) as place:
        walk(entry, NOT_RUN, place, tmp_path)


def test_vs_code_s_task_starts_and_its_pattern_finds_the_failing_line(places: Places) -> None:
    tasks = json.loads(blocks.begins("docs/integrations.md", '{\n  "version"').text)
    (task,) = tasks["tasks"]
    with places.of(Page("docs/integrations.md", project="shop")) as place:
        place.stack.ddd("shims", "--map-output", "pytest").ok()
        place.stack.write({"tests/test_wrong.py": "def test_wrong():\n    number = 1\n    assert number == 2\n"})
        command, *words = (
            word.replace("${workspaceFolder}", str(place.stack.directory)) for word in (task["command"], *task["args"])
        )
        ran = place.stack.run(command, *words)
        (place.stack.directory / "tests" / "test_wrong.py").unlink()
    assert ran.status == 1
    pattern = task["problemMatcher"]["pattern"]
    found = [match for line in ran.out.splitlines() if (match := re.match(pattern["regexp"], line))]
    assert [(match[pattern["file"]], match[pattern["line"]]) for match in found] == [("tests/test_wrong.py", "3")]
