"""What exec remembers for a directory, and when it no longer holds; the flags of `ddd exec`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ddd_tasks import execplan, fast
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.execplan import Options, Plan

PLAN = Plan("c0ffee", "shop", "api", "/app", "1000:1000", {"HOME": "/home/me"}, [["/home/me/shop", "/app"]])


def remember(project: Path, options: Options, *, variables: tuple[str, ...] = ()) -> None:
    (project / ".ddd" / "cache" / "exec").mkdir(parents=True, exist_ok=True)
    files = [str(project / name) for name in ("compose.yaml", "compose.override.yaml")]
    (project / "compose.yaml").touch()
    execplan.remember(str(project / ".ddd"), str(project / "sub"), options, PLAN, files, variables)


def recall(project: Path, options: Options, here: str = "sub") -> Plan | None:
    return execplan.read(str(project / here), options)


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    remember(tmp_path, Options("api"))
    plan = recall(tmp_path, Options("api"))
    assert plan is not None
    assert {name: getattr(plan, name) for name in Plan.__slots__} == {
        name: getattr(PLAN, name) for name in Plan.__slots__
    }


@pytest.mark.parametrize("options", [Options(), Options("db"), Options("api", "root"), Options("api", None, 2)])
def test_other_options_mean_another_plan(tmp_path: Path, options: Options) -> None:
    remember(tmp_path, Options("api"))
    assert recall(tmp_path, options) is None


def test_another_directory_means_another_plan(tmp_path: Path) -> None:
    remember(tmp_path, Options())
    assert recall(tmp_path, Options(), here="other") is None


@pytest.mark.parametrize("name", ["compose.yaml", "compose.override.yaml"])
def test_a_changed_or_new_file_ends_it(tmp_path: Path, name: str) -> None:
    remember(tmp_path, Options())
    (tmp_path / name).write_text("changed")
    assert recall(tmp_path, Options()) is None


def test_a_removed_file_ends_it(tmp_path: Path) -> None:
    remember(tmp_path, Options())
    (tmp_path / "compose.yaml").unlink()
    assert recall(tmp_path, Options()) is None


@pytest.mark.parametrize("name", ["TAG", "DOCKER_HOST", "COMPOSE_FILE"])
def test_a_changed_variable_ends_it_and_no_value_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TAG", "s3cret")
    remember(tmp_path, Options(), variables=("TAG",))
    assert recall(tmp_path, Options()) is not None
    assert all("s3cret" not in path.read_text() for path in (tmp_path / ".ddd").rglob("*.json"))
    monkeypatch.setenv(name, "other")
    assert recall(tmp_path, Options()) is None


def test_another_user_means_another_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(tmp_path, Options())
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert recall(tmp_path, Options()) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 0}'])
def test_a_damaged_plan_is_no_plan(tmp_path: Path, damage: str) -> None:
    remember(tmp_path, Options())
    (file,) = (tmp_path / ".ddd" / "cache" / "exec").iterdir()
    file.write_text(damage)
    assert recall(tmp_path, Options()) is None


def test_a_plan_of_an_older_form_is_no_plan(tmp_path: Path) -> None:
    remember(tmp_path, Options())
    (file,) = (tmp_path / ".ddd" / "cache" / "exec").iterdir()
    stored = json.loads(file.read_text())
    stored["plan"]["image"] = "x"
    file.write_text(json.dumps(stored))
    assert recall(tmp_path, Options()) is None


class TestFlags:
    @pytest.mark.parametrize(
        "flags", [["--service", "api", "--user=me", "--index", "2"], ["-s", "api", "-u", "me", "-i", "2"]]
    )
    def test_in_either_spelling(self, flags: list[str]) -> None:
        options, argv = fast.parse(["exec", *flags, "--", "pytest", "-s", "--", "x"])
        assert (options.service, options.user, options.index) == ("api", "me", 2)
        assert argv == ["pytest", "-s", "--", "x"]

    def test_run_needs_no_command(self) -> None:
        assert fast.parse(["run"])[1] == []

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["exec"], "no command"),
            (["exec", "pwd"], "no flag named 'pwd'"),
            (["exec", "--service"], "no value"),
            (["exec", "--index", "x", "--", "true"], "'x'"),
        ],
    )
    def test_what_is_not_understood_is_refused(self, words: list[str], said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            fast.parse(words)

    def test_a_misspelt_flag_gets_the_nearest(self) -> None:
        with pytest.raises(UnknownNameError) as caught:
            fast.parse(["exec", "--srvice", "api", "--", "true"])
        assert caught.value.nearest == "--service"
