"""What gdb's words say of a process that it was to be brought into; they are gdb 16.3's own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sidecar import injection, proc
from sidecar.arms import ArmError, Options
from sidecar.proc import Process

NOT_PERMITTED = """\
ptrace: Operation not permitted.
No symbol table is loaded.  Use the "file" command.
"""
TRACED = "warning: process 1 is already traced by process 72\n" + NOT_PERMITTED
NO_PYTHON = """\
[Thread debugging using libthread_db enabled]
Using host libthread_db library "/lib/x86_64-linux-gnu/libthread_db.so.1".
0x00007f1e3fe7a3a7 in ?? () from /proc/1/root/lib/x86_64-linux-gnu/libc.so.6
No symbol "PyGILState_Ensure" in current context.
[Inferior 1 (process 1) detached]
"""
# It stands for gdb in a process that does not come back: only a signal ends it, and it says which.
STUCK = """\
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit("interrupted"))
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


@pytest.fixture
def alive() -> Process:
    """A process that runs: this one."""
    found = proc.process(os.getpid())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (NOT_PERMITTED, "permission"),
        (TRACED, "busy"),
        (NO_PYTHON, "unsupported"),
        ("ptrace: No such process.\n", "gone"),
        ("ddd-ran = -1\n", "failed"),
    ],
)
def test_kind_is_what_stands_in_the_way(alive: Process, said: str, kind: str) -> None:
    assert injection._kind(alive, said) == kind


def test_essence_is_what_gdb_says_of_this_process() -> None:
    assert injection._essence(NO_PYTHON) == 'No symbol "PyGILState_Ensure" in current context.'
    assert injection._essence(TRACED).startswith("warning: process 1 is already traced by process 72 / ptrace: Op")
    assert injection._essence("\n") == "no word"


@pytest.fixture
def _goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sidecar whose end is not that of all tests."""
    monkeypatch.setattr(injection, "_is_over", threading.Event())
    monkeypatch.setattr(injection, "_GRACE", 0.2)


@pytest.mark.usefixtures("_goes_on")
def test_gdb_is_interrupted_and_awaited_when_the_debugger_is_taken_away(alive: Process, tmp_path: Path) -> None:
    started, problems = tmp_path / "started", list[ArmError]()
    options = Options("python", seconds=50, scratch=tmp_path, tracer=(sys.executable, "-c", STUCK, str(started)))

    def bring() -> None:
        try:
            injection._by_gdb(alive, "pass", options)
        except ArmError as error:
            problems.append(error)

    client = threading.Thread(target=bring)
    client.start()
    assert injection.wait(started.exists, 10)
    begun = time.monotonic()
    injection.end()
    assert time.monotonic() - begun < 10
    assert not injection._running
    client.join(10)
    assert [(one.kind, one.cause.rpartition(": ")[2]) for one in problems] == [("timeout", "interrupted")]
    with pytest.raises(ArmError, match="taken away"):
        injection._by_gdb(alive, "pass", options)


@pytest.mark.usefixtures("_goes_on")
def test_gdb_may_end_what_it_has_begun_when_the_debugger_is_taken_away(alive: Process, tmp_path: Path) -> None:
    started = tmp_path / "started"
    slow = STUCK.replace("time.sleep(60)", "time.sleep(0.1); print('ddd-ran = 0')")
    options = Options("python", seconds=50, scratch=tmp_path, tracer=(sys.executable, "-c", slow, str(started)))
    client = threading.Thread(target=injection._by_gdb, args=(alive, "pass", options))
    client.start()
    assert injection.wait(started.exists, 10)
    injection.end()
    assert not injection._running
    client.join(10)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations; "])
def test_a_process_that_is_started_as_the_debugger_goes_begins_all_the_same(future: str, tmp_path: Path) -> None:
    """By the code that the debugger puts before a program's own, in its words; what it names has gone."""
    path = Path(injection.__file__).with_name("inside") / "ddd_inside.py"
    script = """
import importlib.util, sys, types
pydevd = sys.modules["pydevd"] = types.ModuleType("pydevd")
pydevd.ddd_tasks_roots = ["/proc/0/root"]
spec = importlib.util.spec_from_file_location("ddd_inside", sys.argv[1])
inside = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inside)
print(inside._begun("import sys; sys.path.insert(0, r'/proc/0/root/pydevd'); import pydevd; pydevd.settrace(port=1); "))
"""
    begun = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True).stdout
    code = f"{future}{begun}print('begun', [one for one in sys.path if one.startswith('/proc/0')])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("begun []\n", "")
