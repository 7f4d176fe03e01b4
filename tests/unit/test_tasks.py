"""What every task of ours promises of itself, whatever it does."""

from __future__ import annotations

import pytest
from invoke.collection import Collection

from ddd_tasks import ns

# `inv --list` on a terminal of 80 columns: two spaces, the longest name, three spaces, and the sentence.
COLUMNS = 80


def descriptions(collection: Collection) -> dict[str, str]:
    """The first line of each task's docstring, by the task's full name."""
    tasks = {name: (collection[name].__doc__ or "").strip() for name in collection.task_names}
    return {name: text.splitlines()[0] if text else "" for name, text in tasks.items()}


DESCRIPTIONS = descriptions(ns)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_task_is_one_line_of_the_list(name: str) -> None:
    room = COLUMNS - 2 - max(map(len, DESCRIPTIONS)) - 4
    assert 0 < len(DESCRIPTIONS[name]) <= room
