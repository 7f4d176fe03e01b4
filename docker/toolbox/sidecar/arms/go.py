"""Go: Delve attaches while clients are there. Without one, nothing traces the process and no breakpoint is in it.

So a client that hangs up, or is killed, never leaves a service standing; and a program that panics while nobody looks
ends, instead of standing still for a debugger.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sidecar import bridge, gobinary, proc
from sidecar.arms import Armed, ArmError, Options
from sidecar.delve import Delve
from sidecar.proc import Process

_PAUSE = 0.02
_SECONDS_TO_PART = 2.0
_SECONDS_FOR_FIRST = 5.0  # an editor connects right after it has asked for the debugger
# What builds and starts services, and is none.
TOOLS = re.compile(r".*/(reload|air|reflex|entr|gow|wgo|CompileDaemon|dlv)|.*/go[^/]*/(bin|pkg/tool)/.*")
_STRIPPED = 'it was built without what a debugger reads: take -s and -w out of -ldflags (-ldflags "-s -w"), or strip'


@dataclass
class _State:
    """The run of Delve of this moment, or None, and how many clients it has. parting: how many have said goodbye."""

    process: Process
    options: Options
    running: Delve | None = None
    clients: int = 0
    parting: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)

    def part(self, count: int) -> None:
        """Count one that says goodbye, or with -1 one that has gone."""
        with self.lock:
            self.parting += count
            self.lock.notify_all()

    def end(self) -> None:
        """Let the process go."""
        if self.running:
            self.running.end()
        self.running = None


def arm(process: Process, options: Options) -> Armed:
    """Attach to the process, to see that it works, and let it go unless a client comes soon. Raises ArmError."""
    process = _service(process, options)
    facts = _facts(process)
    if process.tracer:
        raise ArmError("busy", f"process {process.pid} is traced by process {process.tracer}")
    first = Delve.start(process.pid, options)
    state = _State(process, options, first)
    timer = threading.Timer(_SECONDS_FOR_FIRST, _end_unused, [state])
    timer.daemon = True
    timer.start()
    return Armed(("unix", str(first.path)), process.pid, facts, {"go": state})


def connect(armed: Armed) -> socket.socket:
    """A connection to Delve, which attaches for the first client, and again to a new process. Raises ArmError."""
    state: _State = armed.state["go"]
    with state.lock:
        # Delve tells only one of its sessions of a stop, and it may be the one that ends at this moment.
        state.lock.wait_for(lambda: not state.parting, _SECONDS_TO_PART)
        if state.running and not state.running.is_attached:
            state.end()
        if state.running is None:
            state.process = _current(state)
            armed.pid = state.process.pid
            armed.facts.update(_facts(state.process))
            state.running = Delve.start(armed.pid, state.options)
        try:
            connection = state.running.dial()
        except OSError as error:
            raise ArmError("gone", f"Delve does not answer: {error}") from error
        state.clients += 1
        return connection


def front(client: socket.socket, server: socket.socket, armed: Armed) -> None:
    """Carry the bytes of one client. What asks to end the process is changed: a client only leaves it."""
    back = threading.Thread(target=bridge.pump, args=(server, client), daemon=True)
    back.start()
    state: _State = armed.state["go"]
    has_parted = False
    try:
        if client.recv(1, socket.MSG_PEEK) != b"C":  # Delve's own protocol, which GoLand and `dlv connect` speak
            bridge.pump(client, server)
        with suppress(OSError, ValueError), client.makefile("rb") as messages:
            while body := _body(messages):
                if not has_parted and _is_goodbye(body):
                    has_parted = True
                    state.part(1)
                body = gentle(body)
                server.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)
        back.join(_SECONDS_TO_PART)
    finally:
        _leave(state, parted=has_parted)


def disarm(armed: Armed) -> None:
    """Let the process go, wherever it stands."""
    state: _State = armed.state["go"]
    with state.lock:
        state.end()


def _end_unused(state: _State) -> None:
    with state.lock:
        if not state.clients:
            state.end()


def _leave(state: _State, *, parted: bool) -> None:
    with state.lock:
        state.clients -= 1
        if not state.clients or (state.running and not state.running.is_attached):
            state.end()
        if parted:
            state.part(-1)


def _body(messages: BinaryIO) -> bytes:
    """The next message of the Debug Adapter Protocol; b"" at the end. Raises ValueError."""
    length = 0
    while line := messages.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return messages.read(length) if length else b""


def _is_goodbye(body: bytes) -> bool:
    return b'"disconnect"' in body and json.loads(body).get("command") == "disconnect"


def gentle(body: bytes) -> bytes:
    """A message that does not end the process: some clients ask for that whenever they leave."""
    if b'"terminateDebuggee"' not in body:
        return body
    message = json.loads(body)
    if message.get("command") == "disconnect":
        message["arguments"]["terminateDebuggee"] = False
    return json.dumps(message).encode()


def _facts(process: Process) -> dict[str, object]:
    """How its program was built. Raises ArmError for one that Delve can do nothing with."""
    try:
        found = gobinary.read(Path(f"/proc/{process.pid}/exe"))
    except PermissionError as error:
        raise ArmError("permission", f"/proc/{process.pid}/exe: {error.strerror}") from error
    except OSError as error:
        raise ArmError("gone", f"process {process.pid} has ended") from error
    if found is None:
        raise ArmError("unsupported", f"{process.name} (process {process.pid}) is no Go program")
    if not found.has_dwarf:
        cause = f"{process.name} (process {process.pid}) is stripped: {_STRIPPED}"
        raise ArmError("unsupported", cause, reason="stripped", **found.as_dict())
    return found.as_dict()


def _service(process: Process, options: Options) -> Process:
    """The process that was chosen; where it only builds the service, the one that it starts. Raises ArmError."""
    if not TOOLS.fullmatch(process.exe):
        return process
    deadline = time.monotonic() + options.seconds
    while time.monotonic() < deadline:
        found = [one for one in proc.processes() if not TOOLS.fullmatch(one.exe) and _is_go(one)]
        if started := proc.choose(found, "", proc.listeners(found)):
            return started
        time.sleep(_PAUSE)
    cause = f"{process.name} has started no service in {options.seconds:.0f} s: it builds still, or the code is wrong"
    raise ArmError("timeout", cause)


def _is_go(process: Process) -> bool:
    with suppress(OSError):
        return gobinary.read(Path(f"/proc/{process.pid}/exe")) is not None
    return False


def _current(state: _State) -> Process:
    """The process while it lives, else the one that a reloader has started from the same path. Raises ArmError."""
    deadline = time.monotonic() + state.options.seconds
    while time.monotonic() < deadline:
        if one := proc.process(state.process.pid):
            return one
        found = [one for one in proc.processes() if one.name == state.process.name]
        if new := proc.choose(found, "", proc.listeners(found)):
            return new
        time.sleep(_PAUSE)
    raise ArmError("gone", f"process {state.process.pid} ({state.process.name}) has ended, and no other came instead")
