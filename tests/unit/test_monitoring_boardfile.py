"""The file of a dashboard: written, told from one that a person has changed, and shown as a diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.monitoring import board, boardfile, rows
from tests.metrics_pages import families

FILE = "monitor/dashboards/api.json"


def draft(directory: Path, runtime: str = "node") -> boardfile.Draft:
    return boardfile.draft(directory, "api", board.board("api", rows.arrange(families(runtime))))


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_a_first_one_is_written_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = draft(tmp_path)
    assert first.change == "new"
    boardfile.save(first, "api", force=False)
    written = (tmp_path / FILE).read_bytes()
    again = draft(tmp_path)
    assert (again.change, again.diff()) == ("same", "")
    boardfile.save(again, "api", force=False)
    assert (tmp_path / FILE).read_bytes() == written
    assert json.loads(written)["title"] == "api"


def test_a_generated_one_follows_the_service(tmp_path: Path) -> None:
    boardfile.save(draft(tmp_path), "api", force=False)
    other = draft(tmp_path, "go")
    assert other.change == "changed"
    assert f"--- a/{FILE}\n+++ b/{FILE}\n" in other.diff()
    assert '+          "title": "go_goroutines"' in other.diff()
    boardfile.save(other, "api", force=False)
    assert draft(tmp_path, "go").change == "same"


def test_an_edited_one_is_not_written_over(tmp_path: Path) -> None:
    boardfile.save(draft(tmp_path), "api", force=False)
    change(tmp_path / FILE, title="Ours")
    edited = draft(tmp_path)
    assert edited.change == "edited"
    with pytest.raises(ConfigError, match="has been edited") as refused:
        boardfile.save(edited, "api", force=False)
    assert refused.value.hint == "ddd monitor.dashboard --service api --diff"
    assert json.loads((tmp_path / FILE).read_text())["title"] == "Ours"
    boardfile.save(edited, "api", force=True)
    assert draft(tmp_path).change == "same"


def test_another_layout_of_the_same_json_is_no_edit(tmp_path: Path) -> None:
    boardfile.save(draft(tmp_path), "api", force=False)
    change(tmp_path / FILE)
    assert draft(tmp_path).change == "changed"


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"tags": []}', '{"tags": ["generated-00"]}', "\xff"])
def test_a_file_that_we_did_not_write_is_a_persons(content: str) -> None:
    assert boardfile.is_edited(content)


def test_a_place_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "monitor").write_text("a file where a folder belongs")
    with pytest.raises(ConfigError):
        boardfile.save(draft(tmp_path), "api", force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["monitor"]
    (tmp_path / "other" / FILE).mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        draft(tmp_path / "other")
