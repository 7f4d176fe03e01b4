"""Command lines that Invoke's parser refuses, as refusals of ours: its words may change with its versions."""

from __future__ import annotations

import copy

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.tasks import task

from ddd_tasks import ns
from ddd_tasks.errors import ConfigError
from ddd_tasks.tasks import misread


def refused(line: str, collection: Collection = ns) -> ConfigError:
    """What a user is told of these words after `ddd`."""
    with pytest.raises(ParseError) as raised:
        # Of a copy: Invoke takes the help out of a task when it is asked for the first time.
        Parser(contexts=copy.deepcopy(collection).to_contexts()).parse_argv(line.split())
    return misread.refusal(raised.value, list(collection.task_names))


@pytest.mark.parametrize(
    ("line", "what", "nearest", "hint"),
    [
        ("dev.upp", "no task named 'dev.upp'", "dev.up", "ddd --list"),
        ("dev.up --servce api", "no flag named '--servce' in dev.up", "--service", "ddd --help dev.up"),
        ("dev.up --servce=api", "no flag named '--servce' in dev.up", "--service", "ddd --help dev.up"),
        ("dev.up api", "no task named 'api'", None, "ddd --help dev.up"),
        ("frobnicate", "no task named 'frobnicate'", None, "ddd --list"),
        ("it's", 'no task named "it\'s"', None, "ddd --list"),
        ("dev.logs --tail", "--tail was given no value", None, "ddd --help dev.logs"),
        ("completion", "completion was given no shell", None, "ddd --help completion"),
    ],
)
def test_what_is_said(line: str, what: str, nearest: str | None, hint: str) -> None:
    error = refused(line)
    assert (error.what, error.nearest, error.hint) == (what, nearest, hint)


def test_a_task_without_its_collection_is_found_in_all() -> None:
    assert refused("up").valid == ("debug.up", "dev.up", "engine.up", "monitor.up")


def test_those_of_the_same_collection_are_offered() -> None:
    valid = refused("stage.lst").valid
    assert "stage.list" in valid
    assert {name.partition(".")[0] for name in valid} == {"stage"}


def test_the_help_of_what_is_missing_is_the_cause() -> None:
    @task(help={"one": "An image.", "other": "Another one.", "tail": "Lines, or all."})
    def compare(_: Context, one: str, other: str, tail: str = "all") -> None: ...

    assert refused("compare", Collection(compare)).cause == "expected: An image.\nexpected: Another one."
    assert refused("compare a b --tail", Collection(compare)).cause == "expected: Lines, or all."


def test_a_word_behind_a_task_is_told_as_the_next_task() -> None:
    assert refused("dev.exec pytest").cause.startswith("dev.exec takes no word of its own")
