"""Options, variables, state and Python of container sessions: what needs no engine to be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.sessions import (
    environment,
    options,
    runner,
    state,
    venv,
)
from ddd_tasks.sessions.state import State


class TestOptions:
    def test_a_plain_stage_has_a_readable_key(self) -> None:
        assert options.make("test").key == "container:test"

    def test_different_options_are_different_backends(self) -> None:
        keys = {
            options.make("test").key,
            options.make("test", network="none").key,
            options.make("test", network="host").key,
            options.make("test", env=["A"]).key,
            options.make("test", build_args={"A": "1"}).key,
            options.make("lint").key,
        }
        assert len(keys) == 6

    def test_the_order_of_options_does_not_matter(self) -> None:
        one = options.make("test", env=["A", "B"], build_args={"X": "1", "Y": "2"})
        other = options.make("test", env=["B", "A"], build_args={"Y": "2", "X": "1"})
        assert one.key == other.key

    def test_a_key_holds_neither_a_secret_nor_the_sign_between_backends(self) -> None:
        key = options.make("test", build_args={"TOKEN": "hunter2|x"}).key
        assert "hunter2" not in key
        assert "|" not in key


class TestEnvironment:
    def test_of_the_host_only_what_speaks_to_tools_goes_in(self) -> None:
        outer = {
            "CI": "true",
            "PIP_INDEX_URL": "https://example.org",
            "PIP_CERT": "/etc/cert",
            "HOME": "/root",
            "X": "1",
        }
        assert json.loads(environment.describe({}, outer))["forward"] == ["CI", "PIP_INDEX_URL"]

    def test_what_the_session_sets_goes_in_and_none_is_taken_away(self) -> None:
        told = json.loads(environment.describe({"A": "/path", "CI": None}, {"CI": "true"}))
        assert told["forward"] == ["A"]
        assert told["unset"] == ["CI"]

    def test_only_directories_that_the_session_put_on_path_are_told(self) -> None:
        told = json.loads(environment.describe({"PATH": "/srv/tools:/usr/bin"}, {"PATH": "/usr/bin:/bin"}))
        assert told["path"] == ["/srv/tools"]


class TestState:
    STATE = State(
        stage="test",
        image="sha256:1",
        interpreter="3.13",
        params=["--copies"],
        python="python3.13",
        has_pip=True,
        container="c1",
        user="1000:1000",
        env={"PATH": "/srv/.nox/t/bin:/usr/bin", "A": "session"},
        image_env=["FROM_IMAGE"],
        shared=["/srv"],
        shims="/srv/.nox/t/.ddd/bin",
        wrapper=["/tmp/watch"],
    )

    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        (tmp_path / ".ddd").mkdir()
        self.STATE.write(tmp_path)
        found = state.read(state.path(tmp_path))
        assert found is not None
        assert found.as_dict() == self.STATE.as_dict()

    @pytest.mark.parametrize("text", ["", "[]", '{"image": "of another version of ours"}'])
    def test_what_cannot_be_read_is_no_state(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "session.json").write_text(text)
        assert state.read(str(tmp_path / "session.json")) is None

    @pytest.mark.parametrize(
        ("change", "fits"),
        [
            ({"container": "c2"}, True),
            ({"image": "sha256:2"}, False),
            ({"interpreter": ""}, False),
            ({"params": []}, False),
        ],
    )
    def test_a_venv_is_kept_for_the_same_image_and_the_same_request(
        self, change: dict[str, Any], *, fits: bool
    ) -> None:
        assert self.STATE.fits(State(**{**self.STATE.as_dict(), **change})) is fits

    def test_a_command_adds_to_the_variables_of_its_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A", "command")
        env = runner._environment(
            self.STATE, {"forward": ["A"], "path": ["/srv/tools", "/home/x/bin", self.STATE.shims]}
        )
        assert env == {"A": "command", "PATH": "/srv/tools:/srv/.nox/t/bin:/usr/bin"}

    def test_what_must_not_be_set_is_taken_from_the_images_own(self) -> None:
        assert runner._without(["tool"], ["FROM_IMAGE", "OTHER"], self.STATE) == ["env", "-u", "FROM_IMAGE", "tool"]
        assert runner._without(["tool"], ["OTHER"], self.STATE) == ["tool"]

    @pytest.mark.parametrize(
        ("words", "is_pip"),
        [(["pip", "list"], True), (["python", "-m", "pip", "list"], True), (["python", "-m", "pipx"], False)],
    )
    def test_pip_is_known_however_it_is_called(self, words: list[str], *, is_pip: bool) -> None:
        assert runner._is_pip(words) is is_pip


class TestPython:
    PROGRAMS = frozenset({"python", "python3", "python3.13", "pypy3.11", "python3.14t", "sh"})

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            (None, "python3"),
            ("3", "python3"),
            ("3.13", "python3.13"),
            ("3.13.5", "python3.13"),
            ("3.14t", "python3.14t"),
            ("python3.13", "python3.13"),
            ("pypy-3.11", "pypy3.11"),
        ],
    )
    def test_the_program_for_what_nox_takes(self, asked: str | None, found: str) -> None:
        assert venv.choose(asked, self.PROGRAMS) == found

    def test_a_version_that_the_stage_lacks_is_refused_with_those_it_has(self) -> None:
        with pytest.raises(venv.PythonNotFoundError) as refused:
            venv.choose("3.9", self.PROGRAMS)
        assert "python3.13" in refused.value.valid

    def test_a_stage_without_python_is_one_without_venv(self) -> None:
        assert venv.choose(None, {"sh", "go"}) is None

    @pytest.mark.parametrize(
        ("asked", "version", "fits"),
        [("3.13", "3.13.5", True), ("3.13.5", "3.13.5", True), ("3.13.5", "3.13.50", False), (None, "3.9.1", True)],
    )
    def test_a_full_version_is_compared(self, asked: str | None, version: str, *, fits: bool) -> None:
        assert venv.fits(asked, version) is fits
