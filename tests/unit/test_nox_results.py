"""What a remembered success is made of: the files of a folder, and notes that several processes write at once."""

from __future__ import annotations

import json
import os
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from ddd_tasks import notebook
from ddd_tasks.sessions import contents


def look(folder: Path, *volumes: Path) -> dict[str, str]:
    """Names below the folder -> what is known of each."""
    found = contents.look(folder, volumes, folder / ".ddd" / "files.json", without=folder / "sessions")
    return {os.path.relpath(path, folder): entry for path, entry in found.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "deep" / "file").write_text("one")
    return tmp_path / "project"


class TestContents:
    def test_mode_and_content_are_seen(self, folder: Path) -> None:
        seen = []
        for text, mode in (("one", 0o644), ("two", 0o644), ("two", 0o755)):
            (folder / "deep" / "file").write_text(text)
            (folder / "deep" / "file").chmod(mode)
            seen.append(look(folder)["deep/file"])
        assert len(set(seen)) == 3

    def test_what_tools_write_is_left_out(self, folder: Path) -> None:
        for place in (".git", ".nox", ".ddd", "sessions"):
            (folder / place).mkdir()
            (folder / place / "file").touch()
        assert list(look(folder)) == ["deep/file"]

    def test_a_link_is_its_target_and_is_not_followed(self, folder: Path) -> None:
        (folder / "link").symlink_to("deep")
        (folder / "dangling").symlink_to("nowhere")
        assert look(folder)["link"] == "link deep"
        assert look(folder)["dangling"] == "link nowhere"
        assert set(look(folder)) == {"deep/file", "link", "dangling"}

    def test_volumes_count_wherever_they_are(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "file").touch()
        assert "../other/file" in look(folder, tmp_path / "other")
        assert "../other/file" in look(folder, tmp_path / "other" / "file")

    def test_a_pipe_is_not_read(self, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        assert look(folder)["pipe"] == "10000"

    def test_a_hash_is_remembered_only_once_the_file_is_at_rest(self, folder: Path) -> None:
        look(folder)
        assert not (folder / ".ddd" / "files.json").exists()
        time.sleep(2.1)
        look(folder)
        memory = folder / ".ddd" / "files.json"
        ((path, known),) = json.loads(memory.read_text()).items()
        memory.write_text(json.dumps({path: [*known[:-1], "remembered"]}))
        assert look(folder)["deep/file"].endswith(" remembered")
        (folder / "deep" / "file").write_text("two")
        assert not look(folder)["deep/file"].endswith(" remembered")

    def test_differences_are_what_is_new_gone_or_changed(self) -> None:
        before = {"same": "1", "changed": "1", "gone": "1"}
        assert contents.differences(before, {"same": "1", "changed": "2", "new": "1"}) == ["changed", "gone", "new"]

    def test_a_hash_of_all_depends_on_each_name_and_entry(self) -> None:
        some = [{"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {"a": "1"}]
        assert len({contents.digest(one) for one in some}) == 4
        assert contents.digest({"a": "1", "b": "2"}) == contents.digest({"b": "2", "a": "1"})


def _write_often(file: Path, letter: str) -> None:
    for _ in range(150):
        notebook.write(file, {"text": letter * 50_000})


class TestNotebook:
    def test_what_is_missing_or_broken_is_empty(self, tmp_path: Path) -> None:
        (tmp_path / "broken").write_text('{"half')
        (tmp_path / "list").write_text("[]")
        assert [notebook.read(tmp_path / name) for name in ("missing", "broken", "list")] == [{}, {}, {}]

    def test_a_reader_sees_one_writers_whole_version(self, tmp_path: Path) -> None:
        file = tmp_path / ".ddd" / "note.json"
        notebook.write(file, {"text": "a" * 50_000})
        fork = get_context("spawn")
        writers = [fork.Process(target=_write_often, args=(file, letter)) for letter in "abc"]
        for writer in writers:
            writer.start()
        seen = set()
        while any(writer.is_alive() for writer in writers):
            seen.add(notebook.read(file)["text"])
        assert all(writer.exitcode == 0 for writer in writers)
        assert seen <= {letter * 50_000 for letter in "abc"}
        assert sorted(path.name for path in file.parent.iterdir()) == [".gitignore", "note.json"]

    def test_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        notebook.write(tmp_path / "note.json", {})
        assert (tmp_path / "note.json").stat().st_mode & 0o777 == 0o600

    def test_where_nothing_can_be_written_nothing_is_remembered(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        notebook.write(tmp_path / "file" / "note.json", {})
        assert notebook.read(tmp_path / "file" / "note.json") == {}
