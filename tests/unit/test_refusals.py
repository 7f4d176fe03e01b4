"""What is kept of commands that failed: little, bounded, in a folder that is there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddd_tasks import refusals
from ddd_tasks.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".ddd").mkdir()
    (tmp_path / "compose.yaml").touch()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    monkeypatch.setattr("sys.argv", ["ddd", "-e", "exec", "--", "psql", "hunter2"])
    return tmp_path


def test_the_last_few_are_kept_with_the_first_word_of_the_command(project: Path) -> None:
    for number in range(8):
        refusals.remember(ConfigError(f"refusal {number}", cause="PASSWORD=hunter2"))
    found = refusals.recent(project / "src")
    assert [one["said"].splitlines()[0] for one in found] == [f"error: refusal {number}" for number in range(3, 8)]
    assert {one["task"] for one in found} == {"exec"}
    assert "hunter2" not in (project / ".ddd" / "refusals.json").read_text()


def test_a_long_one_is_cut(project: Path) -> None:
    refusals.remember(ConfigError("a" * 100_000))
    assert (project / ".ddd" / "refusals.json").stat().st_size < 3000


def test_of_a_long_one_the_first_line_and_the_last_are_kept_whole(project: Path) -> None:
    cause = "\n".join(f"line {number} of a build that failed" for number in range(500))
    refusals.remember(ConfigError("the build failed", cause=f"{cause}\n{'s3cret' * 1000}\nno module named shop"))
    (one,) = refusals.recent(project)
    assert one["said"].splitlines()[0] == "error: the build failed"
    assert one["said"].splitlines()[1] == "..."
    assert one["said"].endswith("no module named shop")
    assert "s3cret" not in one["said"]


def test_a_folder_that_is_of_no_project_is_somebody_else_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ddd").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    refusals.remember(ConfigError("no"))
    assert list((tmp_path / ".ddd").iterdir()) == []


def test_no_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refusals.remember(ConfigError("no"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"refusals": "x"}), json.dumps({"refusals": [1]})])
def test_a_file_that_cannot_be_used_is_as_none(project: Path, content: str) -> None:
    (project / ".ddd" / "refusals.json").write_text(content)
    assert refusals.recent(project) == []
    refusals.remember(ConfigError("new"))
    assert len(refusals.recent(project)) == 1
