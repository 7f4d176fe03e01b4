"""Python: debugpy in an adapter of ours, connected from within the process and from all that it starts.

Clients attach as to a debug stage, with {"connect": {host, port}}: they get the topmost Python process of the service,
and an event for each of its children that a reloader or a server has started before or starts later.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from sidecar import injection, proc
from sidecar.arms import Armed, ArmError, Options
from sidecar.proc import Process

_INSIDE = "/opt/ddd/sidecar/inside/ddd_inside.py"
_OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
_PYTHON = re.compile(r"python(3(\.\d+)?)?t?")
# threading is there in most programs; where it is not, the thread that imports it first has to be the main one.
_CODE = """
import _thread, sys, threading, types
def attach(path, port, token, parent):
    inside = sys.modules["ddd_inside"] = types.ModuleType("ddd_inside")
    inside.__file__ = path
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), vars(inside))
    inside.attach(port, token, parent)
_thread.start_new_thread(attach, {arguments})
"""
# Children that only clean up, and never run a line of the service.
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.semaphore_tracker")


@dataclass
class _Adapter:
    """The adapter and where it listens: client and server are ports on 127.0.0.1, of editors and of processes."""

    child: subprocess.Popen[str]
    client: int
    server: int
    token: str
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def start(cls) -> _Adapter:
        """A new one. Raises ArmError."""
        argv = [sys.executable, "-m", "sidecar.adapter"]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        try:
            return cls(child, **json.loads(child.stdout.readline()))
        except ValueError as error:
            child.kill()
            raise ArmError("failed", f"debugpy's adapter ended with status {child.wait()}") from error

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        return self.child.poll() is None

    def connected(self) -> set[int]:
        """The processes that are connected to it."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        try:
            with self.lock:
                self.child.stdin.write("\n")
                self.child.stdin.flush()
                return set(json.loads(self.child.stdout.readline()))
        except (OSError, ValueError) as error:
            raise ArmError("gone", "debugpy's adapter has ended") from error

    def stop(self) -> None:
        """Let it say goodbye to clients and processes, and end."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def arm(process: Process, options: Options) -> Armed:
    """Connect the Python processes of the service to an adapter. Raises ArmError."""
    check(process)
    armed = Armed(("tcp", 0), process.pid, state={"lock": Lock(), "options": options})
    _start(armed)
    try:
        _connect_processes(armed, process.pid)
    except BaseException:
        disarm(armed)
        raise
    return armed


def connect(armed: Armed) -> socket.socket:
    """A connection to the adapter, with the processes of this moment behind it. Raises ArmError."""
    with armed.state["lock"]:
        if not armed.state["adapter"].is_alive:
            _start(armed)
        found = pythons()
        if not proc.process(armed.pid) and (now := proc.choose(found, _PYTHON.pattern, proc.listeners(found))):
            armed.pid = now.pid
        _connect_processes(armed)
        if not armed.state["adapter"].connected():
            raise ArmError("gone", "no Python process of the service could be connected")
    return armed.dial()


def disarm(armed: Armed) -> None:
    """End the adapter: the processes see their connection end, and undo what the debugger did to them."""
    injection.end()
    adapter: _Adapter = armed.state["adapter"]
    adapter.stop()
    injection.wait(lambda: not _is_used(adapter.server), 3.0)


def _start(armed: Armed) -> None:
    adapter = _Adapter.start()
    armed.state["adapter"] = adapter
    armed.endpoint = ("tcp", adapter.client)


def check(process: Process) -> None:
    """Raise ArmError for a process that this toolbox cannot debug."""
    if process.python is None or not _PYTHON.fullmatch(process.name):
        raise ArmError("unsupported", f"{process.name} (process {process.pid}) is no CPython")
    if process.python != _OURS:
        cause = f"process {process.pid} is Python {process.python}, the debugger in this toolbox is for {_OURS}"
        raise ArmError("unsupported", cause, python=process.python, toolbox=_OURS)


def _connect_processes(armed: Armed, wanted: int = 0) -> None:
    """Connect the Python processes that are not yet, parents first: the adapter gives a client the first one.

    Only for the wanted one a failure counts: children come and go.
    """
    adapter: _Adapter = armed.state["adapter"]
    found = pythons()
    before = adapter.connected()
    known = set(before)
    for one in in_order(found):
        if one.pid in known or (one.ppid in before and _comes_by_itself(adapter, one)):
            known.add(one.pid)
            continue
        _tell(f"process {one.pid} is being connected")
        try:
            armed.facts["by"] = _bring(armed, one, _parent(one, found))
            known.add(one.pid)
        except ArmError as error:
            if one.pid == wanted:
                raise
            _tell(f"process {one.pid} is not debugged: {error}")
    armed.facts["processes"] = sorted(known)


def _tell(what: str) -> None:
    """A line for the log; the host, which has a limit for our silence, waits on."""
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


def _comes_by_itself(adapter: _Adapter, child: Process) -> bool:
    """Whether a child of a connected process connects, which takes it a moment, or has ended."""
    seconds = 5.0 if any("pydevd" in word for word in child.argv) else 1.0
    return injection.wait(lambda: child.pid in adapter.connected() or not child.is_alive, seconds)


def _bring(armed: Armed, process: Process, parent: int) -> str:
    """Have one process connect; how it came about. Raises ArmError."""
    check(process)
    adapter: _Adapter = armed.state["adapter"]
    options: Options = armed.state["options"]
    lender = adapter.child.pid
    path = f"/proc/{lender}/root{_INSIDE}"
    code = _CODE.format(arguments=(path, adapter.server, adapter.token, parent))
    error = options.scratch / f"ddd-{process.pid}.error"
    error.unlink(missing_ok=True)

    def has_connected() -> bool:
        if error.exists() and (said := error.read_text().strip()):  # it may be just being written
            raise ArmError("failed", said.rpartition("\n")[2])
        return process.pid in adapter.connected()

    return injection.run(process, code, has_connected, lender, options)


def pythons() -> list[Process]:
    """The service's Python processes below its first one: what `docker exec` and health checks start is not there."""
    found = {one.pid: one for one in proc.processes()}

    def is_of_first(one: Process) -> bool:
        return one.pid == 1 or (one.ppid in found and is_of_first(found[one.ppid]))

    return [one for one in found.values() if _is_python(one) and is_of_first(one)]


def _is_python(one: Process) -> bool:
    is_helper = any(helper in word for word in one.argv for helper in _HELPERS)
    return bool(_PYTHON.fullmatch(one.name)) and not is_helper


def in_order(found: list[Process]) -> list[Process]:
    """Parents before their children."""
    ordered, rest = [], found
    while rest:
        pids = {one.pid for one in rest}
        ordered += [one for one in rest if one.ppid not in pids]
        rest = [one for one in rest if one.ppid in pids]
    return ordered


def _parent(one: Process, found: list[Process]) -> int:
    """Below which process an editor sees this one: the next Python above it, or the first of all; 0 for that one."""
    pids, at = {other.pid for other in found}, one.ppid
    while at and at not in pids:
        above = proc.process(at)
        at = above.ppid if above else 0
    first = in_order(found)[0].pid
    return at or (0 if one.pid == first else first)


def _is_used(port: int) -> bool:
    """Whether a connection to a port of ours has an end that is not closed."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    waiting: Any = ("06",)  # TIME_WAIT: nobody holds it any more
    return any(row[2].endswith(f":{port:04X}") and row[3] not in waiting for row in rows)
