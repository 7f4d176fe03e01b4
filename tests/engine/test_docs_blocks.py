"""The shell blocks of README, the tutorial and the guides do on a real engine what the pages say."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests import blocks
from tests.blocks import Page, Place, Places
from tests.pages_guides import NOT_RUN, PAGES
from tests.support import DOCKERFILE, REPO


def shop(place: Place) -> None:
    """A git repository of what `ddd init` makes of an empty folder: a small Python service, which runs."""
    place.stack.ddd("init", "--language", "python", "--name", "shop").ok()
    compose = place.stack.directory / "compose.yaml"
    compose.write_text(f"name: {place.stack.name}\n{compose.read_text()}")
    for words in (
        ["init", "-q"],
        ["add", "--all"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@example.com"],
    ):
        place.stack.run("git", *words).ok()
    place.stack.run("git", "commit", "-q", "-m", "A service").ok()
    place.stack.write({".env": f"SHOP_PORT={place.port}\n"})
    place.stack.ddd("dev.up", timeout=600).ok()


def checkout(place: Place) -> None:
    """A copy of this checkout that has never been used."""
    never_used = shutil.ignore_patterns(".venv", ".ddd", ".git", ".nox", ".*_cache", "__pycache__", "node_modules")
    shutil.copytree(REPO, place.stack.directory, ignore=never_used, symlinks=True, dirs_exist_ok=True)


def several_services(place: Place) -> None:
    """Two services, each with the mount of a folder of its own."""
    service = """\
  {name}:
    build: {{context: ., target: dev}}
    init: true
    volumes: ["./services/{name}:/app"]
"""
    services = "".join(service.format(name=name) for name in ("api", "worker"))
    files = {f"services/{name}/only-in-{name}": "" for name in ("api", "worker")}
    place.stack.write({"compose.yaml": f"services:\n{services}", "Dockerfile": DOCKERFILE, **files})


@pytest.fixture(scope="module")
def places(bases: None) -> Iterator[Places]:
    """The projects of these pages, by name."""
    with closing(Places({"shop": shop, "several services": several_services, "checkout": checkout})) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Pages leave images and more in the projects that they share; the module's own check looks when these are gone."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_does_what_the_page_says(page: Page, places: Places, tmp_path: Path) -> None:
    with places.of(page) as place:
        blocks.run(page, NOT_RUN, place, tmp_path)


def test_the_workflow_of_the_running_stack_does_here_what_it_does_there(places: Places, tmp_path: Path) -> None:
    """Its steps in their order, but for the one that installs this package."""
    page = "docs/integrations.md"
    workflow = yaml.safe_load(blocks.begins(page, "# .github/workflows/stack.yml").text)
    lines = [step["run"] for step in workflow["jobs"]["stack"]["steps"] if "run" in step]
    assert lines[:2] == ["python3 -m pip install ddd-tasks", "ddd dev.up"]
    entry = Page(page, project="shop", only=("ddd dev.ps --json",), before=tuple(lines[1:]))
    with places.of(entry) as place:
        blocks.run(entry, NOT_RUN, place, tmp_path)


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
