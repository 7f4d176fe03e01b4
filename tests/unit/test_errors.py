"""The shape of a refusal, and the status of each kind."""

from __future__ import annotations

import re
import traceback

import pytest

from ddd_tasks import errors
from ddd_tasks.errors import CommandError, ConfigError, DddError, EngineError, UnknownNameError

TREE = {
    errors.DddError: 70,
    errors.ConfigError: 78,
    errors.UnknownNameError: 78,
    errors.EngineError: 69,
    errors.NotRunningError: 75,
    errors.StoppedError: 75,
    errors.PortTakenError: 73,
    errors.UnsupportedError: 65,
}


def kinds(root: type[DddError]) -> set[type[DddError]]:
    """A class and all below it that errors.py itself defines."""
    below = [kinds(kind) for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    return {root}.union(*below)


def test_each_kind_has_its_status() -> None:
    assert {kind: kind.exit_code for kind in kinds(DddError) - {CommandError}} == TREE


def test_the_drawing_of_the_tree_names_each_kind_and_its_status() -> None:
    drawn = dict(re.findall(r"(\w+Error) +(\S+)  ", errors.__doc__ or ""))
    assert drawn == {kind.__name__: str(status) for kind, status in TREE.items()} | {"CommandError": "*"}


def test_the_status_of_a_program_comes_out_unchanged() -> None:
    assert CommandError("pytest ended with status 5", 5).exit_code == 5
    assert CommandError("killed", 137).exit_code == 137


def test_every_field_has_its_line() -> None:
    problem = ConfigError(
        "no stage named 'tets' in Dockerfile",
        cause="  first\nsecond\n",
        given="tets",
        valid=["prod", "test", "lint"],
        hint="ddd dev.build --stage test",
    )
    assert problem.render().splitlines() == [
        "error: no stage named 'tets' in Dockerfile",
        "cause: first",
        "       second",
        "did you mean: test",
        "valid: lint, prod, test",
        "try: ddd dev.build --stage test",
    ]
    assert problem.as_dict() == {
        "error": "no stage named 'tets' in Dockerfile",
        "cause": "first\nsecond",
        "did_you_mean": "test",
        "valid": ["lint", "prod", "test"],
        "try": "ddd dev.build --stage test",
        "exit_code": 78,
    }


def test_a_traceback_shows_the_whole_message() -> None:
    problem = EngineError("the engine did not start", cause="no space left on device", hint="df /")
    shown = "".join(traceback.format_exception_only(problem))
    assert shown == f"ddd_tasks.errors.EngineError: {problem.render()}\n"
    assert "cause: no space left on device" in shown


def test_empty_fields_are_left_out() -> None:
    problem = EngineError("no engine answers at unix:///var/run/docker.sock")
    assert problem.render() == "error: no engine answers at unix:///var/run/docker.sock"
    assert problem.as_dict() == {"error": "no engine answers at unix:///var/run/docker.sock", "exit_code": 69}


@pytest.mark.parametrize(
    ("given", "valid", "nearest"),
    [
        ("ap", ["api", "redis"], "api"),
        ("API", ["api", "redis"], "api"),
        ("reddis", ["api", "Redis"], "Redis"),
        ("queue", ["api", "redis"], None),
        ("api", [], None),
        (None, ["api"], None),
    ],
)
def test_the_nearest_name_is_close_or_none(given: str | None, valid: list[str], nearest: str | None) -> None:
    assert ConfigError("no", given=given, valid=valid).nearest == nearest


def test_an_unknown_name_says_what_and_where() -> None:
    problem = UnknownNameError("service", "ap", iter(["redis", "api"]), where="compose.yaml", hint="ddd dev.ps")
    assert problem.what == "no service named 'ap' in compose.yaml"
    assert problem.nearest == "api"
    assert problem.valid == ("api", "redis")
    assert problem.hint == "ddd dev.ps"


def test_an_unknown_name_among_none_says_that_there_is_none() -> None:
    problem = UnknownNameError("stage", "test", [], where="Dockerfile")
    assert problem.cause == "there is no stage at all in Dockerfile"
    assert problem.render().splitlines() == [
        "error: no stage named 'test' in Dockerfile",
        "cause: there is no stage at all in Dockerfile",
    ]
