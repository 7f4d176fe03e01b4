"""The process beside a client, which ends a command when the client is killed."""

from __future__ import annotations

import errno
import fcntl
import os
import select
from pathlib import Path

import pytest

from ddd_tasks.engine import guard

SECONDS = 10.0


def test_it_holds_none_of_the_clients_streams_whatever_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _: 3)  # a limit may have been lowered since
    read_end, write_end = os.pipe()
    high = fcntl.fcntl(write_end, fcntl.F_DUPFD, 100)
    os.close(write_end)
    posted = guard.post(lambda: None)
    os.close(high)
    assert posted is not None
    try:
        assert select.select([read_end], [], [], SECONDS)[0]
        assert os.read(read_end, 1) == b""
    finally:
        posted.stand_down()
        os.close(read_end)


@pytest.mark.parametrize("in_order", [True, False])
def test_it_acts_on_an_end_without_a_word_only(tmp_path: Path, *, in_order: bool) -> None:
    acted = tmp_path / "acted"
    posted = guard.post(acted.touch)
    assert posted is not None
    if in_order:
        posted.stand_down()
    else:
        os.close(posted._pipe)
    os.waitpid(posted._child, 0)
    assert acted.exists() is not in_order


def test_at_a_limit_for_processes_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    before = _open()
    monkeypatch.setattr(os, "fork", refused)
    assert guard.post(lambda: None) is None
    assert _open() == before


def _open() -> int:
    return len(list(Path("/dev/fd").iterdir()))
