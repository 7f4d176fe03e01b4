"""What sessions remember of an image, and trees of files that are made again."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from ddd_tasks.sessions import memory, tree
from ddd_tasks.sessions.memory import Memory


class TestMemory:
    def test_a_question_is_asked_once_for_an_image_and_a_user(self, tmp_path: Path) -> None:
        answers = iter(range(100, 200))

        def ask(image: str, user: str, what: str) -> int:
            return int(Memory(tmp_path, image, user).recall(what, lambda: next(answers)))

        assert [ask("a", "me", "x"), ask("a", "me", "x")] == [100, 100]
        assert [ask("b", "me", "x"), ask("a", "you", "x"), ask("a", "me", "y")] == [101, 102, 103]
        assert ask("a", "me", "x") == 100

    def test_what_may_change_under_the_image_is_asked_each_time(self, tmp_path: Path) -> None:
        Memory(tmp_path, "a", "me").recall("x", lambda: 1)
        assert Memory(tmp_path, "a", "me", lasting=False).recall("x", lambda: 2) == 2
        assert Memory(tmp_path, "a", "me").recall("y", lambda: 1, when=lambda _: False) == 1
        assert Memory(tmp_path, "a", "me").recall("y", lambda: 2) == 2

    def test_the_oldest_notes_are_forgotten(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "_KEPT", 2)
        for number, image in enumerate("abc"):
            Memory(tmp_path, image, "me").recall("x", partial(int, number))
            for file in tmp_path.glob("*.json"):
                os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 10))
        assert len(list(tmp_path.glob("*.json"))) == 2
        assert Memory(tmp_path, "a", "me").known("x") is None
        assert Memory(tmp_path, "c", "me").known("x") == 2


class TestTree:
    def test_it_is_made_again_as_it_was(self, tmp_path: Path) -> None:
        made, again = tmp_path / "made", tmp_path / "again"
        (made / "lib" / "empty").mkdir(parents=True)
        (made / "ours").mkdir()
        (made / "lib" / "script").write_bytes(bytes(range(256)))
        (made / "lib" / "script").chmod(0o755)
        (made / "lib64").symlink_to("lib")
        (made / "lib" / "python").symlink_to("/usr/bin/absent")
        again.mkdir()
        entries = tree.pack(made, without="ours")
        assert entries is not None
        tree.unpack(again, entries)
        assert tree.pack(again, without="") == entries
        assert (again / "lib" / "script").read_bytes() == bytes(range(256))
        assert os.access(again / "lib" / "script", os.X_OK)
        assert sorted(path.name for path in again.rglob("*")) == ["empty", "lib", "lib64", "python", "script"]

    def test_a_large_one_or_one_with_a_pipe_is_not_taken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_bytes(b"x" * 100)
        assert tree.pack(tmp_path, without="")
        monkeypatch.setattr(tree, "_MOST_BYTES", 50)
        assert tree.pack(tmp_path, without="") is None
        monkeypatch.undo()
        os.mkfifo(tmp_path / "pipe")
        assert tree.pack(tmp_path, without="") is None
