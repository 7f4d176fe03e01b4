"""What /proc says about processes that run, that are dying and that nobody has asked for their status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ddd_tasks.engine import processes
from tests import support

WAITS = "print(1, flush=True); import time; time.sleep(60)"
# The first thread ends, another one goes on: so looks a killed engine until each of its threads has come to its end.
DYING = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print(1, flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


@contextmanager
def python(code: str, *words: str) -> Iterator[int]:
    """The pid of a Python that runs this code, once it does; it is killed at the end."""
    process = support.popen(sys.executable, "-c", code, *words)
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    process.kill()
    process.communicate()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def kill(pid: int) -> None:
    """Kill it, and leave it a zombie."""
    os.kill(pid, signal.SIGKILL)
    support.wait_until(lambda: state(pid) == "Z")


def test_a_process_has_one_start_and_none_once_it_ended() -> None:
    with python(WAITS) as pid:
        first = processes.started(pid)
        assert first is not None
        assert processes.started(pid) == first
        kill(pid)
        assert processes.started(pid) is None
    assert processes.started(pid) is None


def test_processes_are_found_by_an_argument(tmp_path: Path) -> None:
    with python(WAITS, f"{tmp_path}/containerd.sock") as pid:
        assert processes.mentioning(f"{tmp_path}/") == [f"{pid} {Path(sys.executable).name}"]
        assert processes.mentioning(f"{tmp_path}/other") == []
        kill(pid)
        assert processes.mentioning(f"{tmp_path}/") == []


def test_a_pid_file_is_stale_unless_that_program_runs(tmp_path: Path) -> None:
    file, program, argument = tmp_path / "pid", Path(sys.executable).name, tmp_path / "containerd.toml"
    assert processes.is_stale(file, program)
    with python(WAITS, str(argument)) as pid:
        file.write_text(f"{pid}\n")
        assert not processes.is_stale(file, program)
        assert not processes.is_stale(file, program, argument)
        assert processes.is_stale(file, program, tmp_path / "another.toml")
        assert processes.is_stale(file, "dockerd")
        kill(pid)
        assert processes.is_stale(file, program)


@pytest.mark.parametrize("text", ["", "no number", "0", "999999999"])
def test_a_pid_file_that_names_nobody_is_stale(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert processes.is_stale(tmp_path / "pid", "dockerd")


def test_a_process_runs_until_its_last_thread_has_ended(tmp_path: Path) -> None:
    with python(DYING) as pid:
        (tmp_path / "pid").write_text(str(pid))
        support.wait_until(lambda: state(pid) == "Z")
        assert processes.started(pid) is not None
        assert not processes.is_stale(tmp_path / "pid", "dockerd")
