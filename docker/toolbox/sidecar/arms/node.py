"""Node.js: SIGUSR1 makes a program open its inspector, on 127.0.0.1 of its network namespace.

That needs no capability, and nothing in the image. The inspector is closed again when the debugger is taken away.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sidecar import inspector, proc
from sidecar.arms import Armed, ArmError, Options
from sidecar.proc import Listener, Process

adopts = True  # an inspector that a sidecar has left open when it was killed is ours, too
_PAUSE = 0.01
_USUAL = 9229
_SECONDS_TO_START = 2.0
_SECONDS_TO_OPEN = 3.0
_SECONDS_TO_GO_ON = 5.0
_BIT = 1 << (signal.SIGUSR1 - 1)
# What opens the inspector, and what names its port, on the command line and in NODE_OPTIONS.
_OPENS = re.compile(r"--inspect(-brk|-wait)?(=.*)?")
_NAMES_PORT = re.compile(r"--(?:inspect(?:-brk|-wait|-port)?|debug-port)=(?:.*:)?(\d+)")
# On a process whose inspector we have opened: one that a killed sidecar has left is told by it from the program's own.
_MARK = "process[Symbol.for('ddd-tasks.inspector')]"
_MARKS = f"{_MARK} = true"
# By then our own session is over: closing waits for sessions.
_CLOSE = f"delete {_MARK}, setTimeout(process._debugEnd ?? process.getBuiltinModule('inspector').close, 20), 0"
_IGNORES = "did not open its inspector after SIGUSR1: it handles that signal itself, or its main thread is blocked"
_INSTEAD = "use the debug stage, where the inspector is open from the start"
_LAUNCHER = re.compile(r"(npm|npx|yarn|pnpm|pnpx|corepack|nodemon|tsx|ts-node-dev|concurrently)(-cli)?(\.[cm]?js)?")
_T = TypeVar("_T")


def arm(process: Process, options: Options) -> Armed:
    """Open the inspector of the service's process. Raises ArmError."""
    armed = Armed(("tcp", options.port), process.pid)
    armed.state.update(options=options, lock=threading.Lock(), clients=[])
    _take(armed, _started(process, options.seconds))
    return armed


def connect(armed: Armed) -> socket.socket:
    """A connection to the inspector; of the new process, where a reloader has started one. Raises ArmError."""
    with armed.state["lock"]:
        if not _is_open(armed):
            _take(armed, _successor(armed))
        try:
            connection = armed.dial()
        except OSError as error:
            raise ArmError("gone", f"the inspector on port {armed.endpoint[1]}: {error}") from error
        armed.state["clients"] = [one for one in armed.state["clients"] if one.fileno() >= 0] + [connection]
        return connection


def disarm(armed: Armed) -> None:
    """Close the inspector, unless the program itself had opened it. A program that stood at a breakpoint goes on."""
    for client in armed.state["clients"]:
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
    if not armed.state["is_ours"] or not _is_open(armed):
        return
    problem: object = "it did not do so in time"
    try:
        inspector.evaluate(int(armed.endpoint[1]), _CLOSE)
        if _wait(lambda: not _is_open(armed), _SECONDS_TO_OPEN):
            return
    except (OSError, ValueError) as error:
        problem = error
    sys.stderr.write(f"process {armed.pid} was asked to close its inspector: {problem}\n")


def service(process: Process, found: list[Process]) -> Process:
    """The process that runs the service's code, from the one that was chosen down.

    Package managers and reloaders are Node.js programs themselves: of a process that listens on no port, it is the
    descendant that does, or else the last of the line. Of a cluster it is a worker: the first one only opens the port.
    """
    below = [one for one in _descendants(process, found) if one.name == process.name]
    if workers := [one for one in below if "NODE_UNIQUE_ID" in _environment(one)]:
        return workers[0]
    serving = {
        pid for listener in proc.listeners(found) for pid in listener.pids if listener.port != _port(process, _USUAL)
    }
    if process.pid in serving or not below:
        return process
    listening = [one for one in below if one.pid in serving]
    return (listening or [one for one in below if not _descendants(one, below)])[0]


def is_launcher(process: Process) -> bool:
    """Whether a program of Node.js only starts others: a package manager, a reloader, node --watch."""
    title = process.argv[0].partition(" ")[0] if process.argv else ""  # npm writes "npm run dev" there
    names = [word.rpartition("/")[2] for word in (title, *process.argv[1:2])]
    return any(map(_LAUNCHER.fullmatch, names)) or any(word.startswith("--watch") for word in process.argv[1:])


def _started(process: Process, seconds: float) -> Process:
    """The process that runs the service's code, once what starts it has done so. Raises ArmError."""

    def look() -> Process | None:
        found = service(process, proc.processes())
        return None if is_launcher(found) and found.is_alive else found

    if found := _wait(look, seconds):
        return found
    what = " ".join(process.argv)[:80]
    raise ArmError("failed", f"process {process.pid} ({what}) has not started the service's program: see its log")


def _take(armed: Armed, process: Process) -> None:
    """Open the inspector of a process and make it the one that clients get. Raises ArmError."""
    port, is_ours = _open(process, armed.state["options"])
    armed.endpoint, armed.pid = ("tcp", port), process.pid
    armed.state.update(process=process, is_ours=is_ours)


def _open(process: Process, options: Options) -> tuple[int, bool]:
    """The port of the inspector, and whether it is open because of us. Raises ArmError."""
    wanted, is_flagged = _port(process, options.port), any(map(_OPENS.fullmatch, _words(process)))
    if wanted and (found := _listener(process, wanted)):
        return found.port, not is_flagged and _is_true(found.port, _MARK)
    before = proc.listeners(proc.processes())
    if taken := next((one for one in before if wanted and one.port == wanted), None):
        raise ArmError("busy", _who_holds(taken, process))
    _check_signal(process)
    try:
        os.kill(process.pid, signal.SIGUSR1)
    except ProcessLookupError as error:
        raise ArmError("gone", f"process {process.pid} has ended") from error
    except PermissionError as error:
        raise ArmError("permission", f"SIGUSR1 to process {process.pid} of user {process.uid}: {error}") from error
    old = {one.inode for one in before}
    opened = _wait(lambda: _listener(process, wanted, old), _SECONDS_TO_OPEN)
    if opened is None:
        raise ArmError("unsupported", f"process {process.pid} {_IGNORES}: {_INSTEAD}")
    _is_true(opened.port, _MARKS)
    return opened.port, True


def _check_signal(process: Process) -> None:
    """Raises ArmError where SIGUSR1 would do nothing, or end the program.

    A program that has just been started blocks the signal until its inspector can be opened; one with
    --disable-sigusr1 does so for ever. One that stands still would take it later, when nobody of us is there.
    """
    if not _wait(lambda: not _stands(process), _SECONDS_TO_GO_ON):
        raise ArmError("timeout", f"process {process.pid} stands still: SIGSTOP or another debugger has stopped it")
    is_disabled = "--disable-sigusr1" in _words(process)
    if not is_disabled and _wait(lambda: _catches(process), _SECONDS_TO_START):
        return
    if not process.is_alive:
        raise ArmError("gone", f"process {process.pid} has ended")
    why = "runs with --disable-sigusr1" if is_disabled else "does not listen to SIGUSR1"
    raise ArmError("unsupported", f"process {process.pid} {why}, by which an inspector is opened: {_INSTEAD}")


def _successor(armed: Armed) -> Process:
    """The process that clients want: the same one while it lives, else what a reloader has started. Raises ArmError."""
    old: Process = armed.state["process"]
    if old.is_alive:
        return old
    started = time.monotonic()

    def look() -> Process | None:
        found = [one for one in proc.processes() if one.name == old.name]
        same = next((one for one in found if one.argv == old.argv), None)
        if same is None and time.monotonic() > started + _SECONDS_TO_START:  # it is started in another way now
            same = proc.choose(found, re.escape(old.name), proc.listeners(found))
        return service(same, found) if same else None

    if new := _wait(look, armed.state["options"].seconds):
        return new
    raise ArmError("gone", f"process {old.pid} has ended, and no other came instead")


def _is_open(armed: Armed) -> bool:
    process: Process = armed.state["process"]
    return process.is_alive and _listener(process, int(armed.endpoint[1])) is not None


def _listener(process: Process, port: int, but: Collection[int] = ()) -> Listener | None:
    """The process's listening socket on a port, 0 for any of 127.0.0.1 that is not among the inodes of but."""
    for one in proc.listeners(proc.processes()):
        if one.inode in but or not (one.port == port if port else one.is_loopback):
            continue
        # Of a process that shows its program we see what it holds: the socket is another container's, whose process may
        # have the same number.
        if process.pid in one.pids or (not one.pids and not process.exe and _answers_for(process, one.port)):
            return one
    return None


def _answers_for(process: Process, port: int) -> bool:
    """Whether an inspector is the process's, asked where the kernel does not show us who holds a socket."""
    return _is_true(port, f"process.pid === {process.pid}")


def _is_true(port: int, expression: str) -> bool:
    """Whether JavaScript is true in the program behind an inspector; not where that does not answer."""
    try:
        answer = inspector.evaluate(port, expression)
    except (OSError, ValueError):
        return False
    return answer.get("result", {}).get("result", {}).get("value") is True


def _who_holds(taken: Listener, process: Process) -> str:
    names = {one.pid: " ".join(one.argv)[:80] for one in proc.processes()}
    holders = (
        ", ".join(f"process {pid} ({names.get(pid, '')})" for pid in taken.pids)
        or "a process of another user or container"
    )
    return (
        f"process {process.pid} would open its inspector on port {taken.port}, which {holders} holds: start that "
        "one without --inspect (NODE_OPTIONS reaches every program of Node.js), or give it another --inspect-port"
    )


def _stands(process: Process) -> bool:
    """Whether the process is stopped by a signal or a tracer."""
    return "\nState:\tT" in (status := _read(process, "status")) or "\nState:\tt" in status


def _catches(process: Process) -> bool:
    """Whether the process has a handler for SIGUSR1 and lets the signal through: without one it would end."""
    fields = dict(line.split(":\t", 1) for line in _read(process, "status").splitlines() if ":\t" in line)
    return bool(int(fields.get("SigCgt", "0"), 16) & _BIT) and not int(fields.get("SigBlk", "0"), 16) & _BIT


def _port(process: Process, usual: int = 0) -> int:
    """The port that the process would open its inspector on: 0 for whichever is free."""
    named = [match[1] for word in _words(process) if (match := _NAMES_PORT.fullmatch(word))]
    return int(named[-1]) if named else usual


def _words(process: Process) -> list[str]:
    """The options of Node.js, those of the command line last, since they win."""
    return [*_environment(process).get("NODE_OPTIONS", "").split(), *process.argv[1:]]


def _environment(process: Process) -> dict[str, str]:
    return dict(word.split("=", 1) for word in _read(process, "environ").split("\0") if "=" in word)


def _descendants(process: Process, found: list[Process]) -> list[Process]:
    below = [one for one in found if one.ppid == process.pid]
    return [*below, *(further for one in below for further in _descendants(one, found))]


def _read(process: Process, name: str) -> str:
    try:
        return Path(f"/proc/{process.pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def _wait(look: Callable[[], _T | None], seconds: float) -> _T | None:
    """The first true value of look, or None when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if value := look():
            return value
        if time.monotonic() > deadline:
            return None
        time.sleep(_PAUSE)
