"""A save shows in the running service, however it is saved and however often, in every registered language.

The whole number is for whoever changes a dev stage: DDD_TEST_SAVES=200 pytest tests/engine/test_reload.py
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ddd_tasks.languages import LANGUAGES
from tests.examples import Example, by_rename, example_of, in_place

SAVES = int(os.environ.get("DDD_TEST_SAVES", "10"))


@pytest.fixture(scope="module", params=LANGUAGES, ids=[language.name for language in LANGUAGES])
def example(request: pytest.FixtureRequest, bases: None) -> Iterator[Example]:
    """The example of a language, running in its dev stage with its source mounted."""
    with example_of(request.param) as made:
        made.stack.ddd("dev.up", timeout=900).ok()
        made.wait_for("visits")
        yield made


@pytest.mark.timeout(30 * SAVES + 600)
@pytest.mark.parametrize("save", [by_rename, in_place])
def test_every_save_shows(example: Example, save: Callable[[Path, str], None]) -> None:
    for number in range(SAVES):
        name = f"{save.__name__}-{number}"
        save(example.source, example.named(name))
        example.wait_for(name, what=f"save {number + 1} of {SAVES}")


@pytest.mark.timeout(30 * SAVES + 600)
def test_the_last_of_saves_in_a_row_shows(example: Example) -> None:
    """Also when they come while the service restarts."""
    pause = random.Random(4)
    for number in range(max(SAVES // 4, 1)):
        name = f"row-{number}"
        for text in (example.named("other"), example.text, example.named(name)):
            time.sleep(pause.uniform(0, 0.4))
            by_rename(example.source, text)
        example.wait_for(name, what=f"the last save of row {number + 1}")


@pytest.mark.timeout(30 * SAVES + 600)
def test_a_checkout_shows(example: Example) -> None:
    by_rename(example.source, example.named("main"))
    only_in_main = example.source.parent / "only-in-main.txt"
    only_in_main.write_text("gone in the other branch\n")
    _git(example, "init", "--quiet", "--initial-branch=main")
    _git(example, "add", ".")
    _git(example, "commit", "--quiet", "--message=main")
    _git(example, "checkout", "--quiet", "-b", "other")
    by_rename(example.source, example.named("other"))
    only_in_main.unlink()
    _added(example, "added")
    _git(example, "add", ".")
    _git(example, "commit", "--quiet", "--message=other")
    for number in range(SAVES):
        branch = ("main", "other")[number % 2]
        _git(example, "checkout", "--quiet", branch)
        example.wait_for(branch, what=f"checkout {number + 1} of {SAVES}")
    _git(example, "checkout", "--quiet", "main")


def test_a_new_file_its_saves_and_its_end_restart_the_service(example: Example) -> None:
    by_rename(example.source, example.named("files"))
    example.wait_for("files")
    for place in ("", "folder"):
        file = _added(example, place)
        example.wait_for_restart(f"the new file {file.name} in {place or 'the folder'}")
        for save in (by_rename, in_place):
            save(file, file.read_text() + "\n")
            example.wait_for_restart(f"a save of {file.name} in {place or 'the folder'} {save.__name__}")
        file.unlink()
        example.wait_for_restart(f"the end of {file.name} in {place or 'the folder'}")


def _added(example: Example, folder: str) -> Path:
    """A new source file that says nothing, in a folder beside the service's source."""
    file = example.source.parent / folder / f"added{example.source.suffix}"
    if not file.parent.exists():
        file.parent.mkdir()
        time.sleep(1)  # a watcher that follows folders needs a moment to follow a new one
    package = next((line for line in example.text.splitlines() if line.startswith("package ")), "")
    file.write_text(f"{package}\n")
    return file


def _git(example: Example, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    example.stack.run("git", *who, *words).ok()
