"""Memory: memray, brought into the service's Python processes for some seconds; what it saw comes out as JSON.

SIGINT ends it early. While BUSY is there, a debugger is in a process of the service, and would take it along if killed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sidecar import capabilities, injection
from sidecar.arms import ArmError, Options
from sidecar.arms import python as arm
from sidecar.proc import Process

_TMP = Path("/tmp")
BUSY = _TMP / "ddd-busy"
_GO, _STOP = _TMP / "ddd-memory.go", _TMP / "ddd-memory.stop"
_INSIDE = "/opt/ddd/sidecar/inside/ddd_memory.py"
# threading is there in most programs; where it is not, the thread that imports it first has to be the main one.
_CODE = """
import _thread, sys, threading
def track(path, seconds):
    inside = {{"__name__": "ddd_memory", "__file__": path}}
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), inside)
    inside["track"](seconds)
_thread.start_new_thread(track, {arguments})
"""
_SECONDS_TO_BRING, _SECONDS_TO_BEGIN, _SECONDS_TO_WRITE = 15.0, 10.0, 45.0
# Arguments of setpriv, which the tracer is.
_WITH_TRACING = ("--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace", "--")
_early = threading.Event()
_is_tracking = threading.Event()


class _Interrupted(BaseException):
    """SIGINT before anything was seen."""


def main() -> int:
    """Track for so many seconds and print {"processes", "frames", "stacks", "seconds"}, or {"error", "cause"}."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, _end)
    if arguments.tracer:
        capabilities.give_up(capabilities.SYS_PTRACE)
    tracer = (arguments.tracer, *_WITH_TRACING) if arguments.tracer else ()
    options = Options("python", seconds=_SECONDS_TO_BRING, tracer=tracer)
    try:
        with _lender() as lender:
            said = _track(arguments.pid, arguments.seconds, lender, options)
    except ArmError as error:
        said = {"error": error.kind, "cause": error.cause, **error.facts}
    except _Interrupted:
        said = {"error": "interrupted"}
    json.dump(said, sys.stdout)
    return 1 if "error" in said else 0


def _track(pid: int, seconds: float, lender: int, options: Options) -> dict[str, Any]:
    """All in turn: memray is loaded everywhere, then all begin at once, and end at once."""
    ready = _ready(pid, seconds, lender, options)
    _is_tracking.set()
    _GO.touch()
    began = time.monotonic()
    injection.wait(lambda: all(_is_at(one, "begun") for one in ready), _SECONDS_TO_BEGIN)
    _early.wait(max(seconds - (time.monotonic() - began), 0))
    _STOP.touch()
    took = time.monotonic() - began
    injection.wait(lambda: all(_is_at(one, "done") or not one.is_alive for one in ready), _SECONDS_TO_WRITE)
    written = [one for one in ready if _is_at(one, "done")]
    if not written:
        raise ArmError("gone", f"process {pid} has ended, or does not answer")
    return {"seconds": took, "early": _early.is_set(), **_read(written)}


def _ready(pid: int, seconds: float, lender: int, options: Options) -> list[Process]:
    """The processes that have loaded memray. Only for the first one a failure counts: children come and go."""
    found = []
    BUSY.touch()
    try:
        for one in arm.in_order(arm.pythons()):
            try:
                arm.check(one)
                code = _CODE.format(arguments=(f"/proc/{lender}/root{_INSIDE}", seconds))
                injection.run(one, code, lambda one=one: _is_at(one, "ready"), lender, options)  # type: ignore[misc]
                found.append(one)
            except ArmError as error:
                if one.pid == pid:
                    raise
                sys.stderr.write(f"process {one.pid} is not profiled: {error.cause}\n")
    finally:
        injection.end()
        BUSY.unlink()
    if not found:
        raise ArmError("no-process", "no Python process of the service could be reached")
    return found


def _is_at(process: Process, step: str) -> bool:
    """Whether a process has come that far. Raises ArmError with its own words where it has failed."""
    file = _TMP / f"ddd-memory-{process.pid}"
    if (error := file.with_suffix(".error")).exists() and (words := error.read_text().strip()):
        last = words.rpartition("\n")[2]
        raise ArmError("busy" if "one Tracker" in last else "failed", last)
    return file.with_suffix(f".{step}").exists()


def _read(written: list[Process]) -> dict[str, Any]:
    """What the processes have in use of what was allocated: frames, and stacks of their indices, root first."""
    from memray import FileReader

    frames: dict[tuple[str, str, int], int] = {}
    processes = []
    for one in written:
        stacks: Counter[tuple[int, ...]] = Counter()
        file = _TMP / f"ddd-memory-{one.pid}.bin"
        reader = FileReader(str(file))
        for record in reader.get_leaked_allocation_records(merge_threads=True):
            calls = record.stack_trace()[::-1]
            if not any(file.endswith(_INSIDE) for _, file, _ in calls):
                stacks[tuple(frames.setdefault(call, len(frames)) for call in calls)] += record.size
        file.write_bytes(without_command(file.read_bytes(), reader.metadata.command_line))
        processes.append({"pid": one.pid, "stacks": [[list(stack), size] for stack, size in stacks.items()]})
    return {"frames": list(frames), "processes": processes}


def without_command(content: bytes, command: str) -> bytes:
    """A file of memray with blanks for what follows the program's name: a command line may hold a password."""
    whole = command.encode(errors="surrogateescape")
    name = whole.split(b" ", 1)[0]
    return content.replace(whole, name.ljust(len(whole)), 1) if whole else content


@contextmanager
def _lender() -> Iterator[int]:
    argv = [sys.executable, "-m", "sidecar.lender"]
    # In a session of its own: it ends when we do, and not with what ends us.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.stdin.close()


def _end(*_: object) -> None:
    _early.set()
    if not _is_tracking.is_set():
        _refuse()


def _refuse() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _Interrupted


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sidecar.memory")
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--tracer", default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
