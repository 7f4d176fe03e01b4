"""The ledger keeps what many processes write at once, and its locks leave nothing."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from ddd_tasks import ledger
from tests.support import REPO, end_of, popen

WRITER = """
import sys
from ddd_tasks import ledger
for number in range(20):
    with ledger.alone("a", waiting=""), ledger.opened() as entries:
        entries["ports"][f"{sys.argv[1]}-{number}"] = sys.argv[2]
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_nothing_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    writers = [popen(sys.executable, "-c", WRITER, str(n), str(tmp_path), cwd=REPO) for n in range(5)]
    assert [end_of(writer) for writer in writers] == [0] * 5
    with ledger.opened() as entries:
        assert len(entries["ports"]) == 100
    assert [path.name for path in (tmp_path / "ddd-tasks").iterdir()] == ["ledger.json"]


def test_entries_of_folders_that_are_gone_are_dropped(tmp_path: Path) -> None:
    with ledger.opened() as entries:
        entries["names"] = {"here": str(tmp_path), "gone": str(tmp_path / "gone")}
    with ledger.opened() as entries:
        assert entries["names"] == {"here": str(tmp_path)}


def test_a_block_that_fails_writes_nothing(tmp_path: Path) -> None:
    with contextlib.suppress(RuntimeError), ledger.opened() as entries:
        entries["names"]["a"] = str(tmp_path)
        raise RuntimeError
    with ledger.opened() as entries:
        assert entries["names"] == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"names": 1}'])
def test_a_broken_ledger_is_started_anew(text: str, tmp_path: Path) -> None:
    (tmp_path / "ddd-tasks").mkdir()
    (tmp_path / "ddd-tasks" / "ledger.json").write_text(text)
    with ledger.opened() as entries:
        assert entries == {"names": {}, "ports": {}}
