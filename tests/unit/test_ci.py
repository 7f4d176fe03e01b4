"""Pipelines and matrices from sessions, and the tags under which builds share layers: what needs no engine."""

from __future__ import annotations

import json

import pytest

from ddd_tasks.ci import jobs, pipelines
from ddd_tasks.ci.jobs import Job
from ddd_tasks.errors import UnknownNameError
from ddd_tasks.sessions import options, tags

JOBS = [
    Job("tests-3.13", "test", "3.13", ("ci", "slow"), options.make("test")),
    Job("tests-3.12", "test", "3.12", ("ci", "slow"), options.make("test")),
    Job("lint", "lint", "", (), options.make("lint")),
]


def test_each_stage_is_built_once() -> None:
    assert jobs.stages(JOBS) == ["test", "lint"]
    built = pipelines.github(JOBS, pipelines.Commands())["jobs"]["build"]["strategy"]["matrix"]["stage"]
    assert built == ["test", "lint"]


def test_a_session_s_name_reaches_the_shell_only_as_a_variable() -> None:
    job = Job("x; rm -rf /", "test", "", (), options.make("test"))
    steps = pipelines.github([job], pipelines.Commands())["jobs"]["session"]["steps"]
    assert not any("rm -rf" in step.get("run", "") or "${{" in step.get("run", "") for step in steps)
    assert "rm -rf" not in pipelines.gitlab([job], pipelines.Commands())["session"]["script"][0]


def test_a_prefix_comes_before_each_command_and_no_setup_is_no_step() -> None:
    commands = pipelines.Commands("", "uv run")
    workflow = pipelines.github(JOBS, commands)["jobs"]
    assert workflow["session"]["steps"][-1]["run"] == 'uv run nox -s "$SESSION"'
    assert workflow["build"]["steps"][-1]["run"] == 'uv run ddd ci.build "$STAGE" --push'
    assert not any("setup-python" in step.get("uses", "") for step in workflow["build"]["steps"])


def test_a_matrix_has_the_form_that_was_asked_for() -> None:
    assert json.loads(pipelines.matrix(JOBS, "json"))[2] == {
        "session": "lint",
        "stage": "lint",
        "python": "",
        "tags": [],
    }
    assert len(pipelines.matrix(JOBS, "github").splitlines()) == 1
    assert pipelines.matrix(JOBS, "gitlab").startswith("- SESSION: tests-3.13\n  STAGE: test\n")
    with pytest.raises(UnknownNameError):
        pipelines.matrix(JOBS, "azure")


def test_sessions_share_layers_exactly_where_their_builds_are_the_same() -> None:
    plain = options.make("test")
    assert tags.scope(plain) == "test"
    assert tags.scope(options.make("test", network="none", env=["A"], cache=True)) == "test"
    others = [options.make("test", build_args={"A": "1"}), options.make("test", dockerfile="x"), options.make("lint")]
    assert len({tags.scope(one) for one in [plain, *others]}) == 4


def test_a_registry_s_name_is_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tags.BUILD_CACHE, raising=False)
    assert not tags.shared(options.make("test"))
    monkeypatch.setenv(tags.BUILD_CACHE, "ghcr.io/Some/Shop/stages")
    assert tags.shared(options.make("test")) == "ghcr.io/some/shop/stages:test"
