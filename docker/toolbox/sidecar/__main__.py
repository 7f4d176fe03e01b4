"""The commands: serve brings a debugger and listens for clients, forward carries them to it, facts tells what is there.

The first line on stdout is one JSON object for the host: what was done, or {"error": kind, "cause": text}.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from sidecar import arms, bridge, capabilities, dotnet, guard, network, proc
from sidecar.arms import Arm, Armed, ArmError, Options
from sidecar.proc import Process

SOCKET = "/tmp/ddd.sock"

# Arguments of setpriv, which the tracer is.
_WITH_TRACING = ("--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace", "--")


class _Terminated(BaseException):
    """SIGTERM or SIGINT."""


def main() -> int:
    """Run the command of the command line; the exit status is 1 where the debugger could not be brought."""
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    try:
        if arguments.command == "facts":
            _say(facts(arguments.pattern))
        elif arguments.command == "forward":
            _forward(arguments.port)
        else:
            _serve(arguments)
    except ArmError as error:
        _say({"error": error.kind, "cause": error.cause, **error.facts})
        return 1
    except _Terminated:
        pass
    return 0


def facts(pattern: str = "") -> dict[str, Any]:
    """Everything that says whether and how a debugger can get in, as JSON values. pid: the process it would choose."""
    found = proc.processes()
    held = proc.listeners(found)
    chosen = proc.choose(found, pattern, held)
    return {
        "pid": chosen.pid if chosen else None,
        "processes": [one.as_dict() for one in found],
        "listeners": [
            {"port": one.port, "loopback": one.is_loopback, "address": one.address, "pids": list(one.pids)}
            for one in held
        ],
        "dotnet": dotnet.runtimes(found),
        "ptraceScope": proc.ptrace_scope(),
        "readOnly": proc.is_read_only(),
    }


def _serve(arguments: argparse.Namespace) -> None:
    if arguments.tracer:  # the forwarder, which may not trace, could not look into a root that may
        capabilities.give_up(capabilities.SYS_PTRACE)
    process = _process(arguments)
    arm = arms.choose(arguments.language, arguments.port)
    tracer = (arguments.tracer, *_WITH_TRACING) if arguments.tracer else ()
    armed = _arm(arm, process, Options(arguments.language, arguments.port, arguments.seconds, tracer=tracer))
    try:
        listener = bridge.listen_unix(SOCKET)
        _say_armed(armed)
        bridge.serve(listener, lambda client: _attend(client, arm, armed))
    finally:
        arm.disarm(armed)
        Path(SOCKET).unlink(missing_ok=True)  # see guard.watch


def _arm(arm: Arm, process: Process, options: Options) -> Armed:
    try:
        return arm.arm(process, options)
    except ArmError as error:
        if process.exe or error.kind == "gone":
            raise
        rights = f"process {process.pid} of user {process.uid}:{process.gid} with the capabilities {process.cap_eff}"
        why = f" and {dropped}" if (dropped := proc.dropped(process)) else ""
        raise ArmError("permission", f"{rights} shows nothing of itself{why} ({error.cause})") from error


def _attend(client: socket.socket, arm: Arm, armed: Armed) -> None:
    """Let one client speak with the debugger."""
    if not bridge.speaks(client):
        return
    before = armed.pid
    try:
        server = arm.connect(armed)
    except ArmError as error:
        if error.kind == "gone":  # nothing is left to debug here: the next debug.attach brings a new sidecar
            os.kill(os.getpid(), signal.SIGTERM)
        raise
    with server:
        if armed.pid != before:
            _say_armed(armed)
        front = arms.front_of(arm)
        if front:
            front(client, server, armed)
        else:
            bridge.pipe(client, server)


def _say_armed(armed: Armed) -> None:
    _say({"pid": armed.pid, "armed": True, **armed.facts})


def _process(arguments: argparse.Namespace) -> Process:
    """The process of the command line, or the likeliest one. Raises ArmError."""
    if arguments.pid:
        if one := proc.process(arguments.pid):
            return one
        raise ArmError("gone", f"process {arguments.pid} has ended")
    found = proc.processes()
    chosen = proc.choose(found, arguments.pattern, proc.listeners(found))
    if chosen:
        return chosen
    names = sorted({one.name for one in found})
    raise ArmError("no-process", f"no program of the service runs {arguments.language}: {', '.join(names)}")


def _forward(port: int) -> None:
    listener = socket.create_server(("0.0.0.0", port), backlog=16)
    _say({"forwarding": port})
    bridge.serve(listener, _carry)


def _carry(client: socket.socket) -> None:
    """Carry what a client of this machine says to the sidecar; nobody else is let in."""
    address = client.getpeername()[0]
    if network.is_let_in(address, network.routes()):
        bridge.pipe(client, _sidecar())
    else:
        sys.stderr.write(f"a client from {address} is not of this machine, and not let in\n")
        sys.stderr.flush()


def _sidecar() -> socket.socket:
    """A connection to the sidecar beside us, the newest where there are several. Raises OSError."""
    problem = OSError("no sidecar is there")
    for pid in sorted((int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()), reverse=True):
        one = proc.process(pid)
        if one is None or one.argv[1:4] != ("-m", "sidecar", "serve"):
            continue
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(f"{one.root}{SOCKET}")
        except OSError as error:
            connection.close()
            problem = error
        else:
            guard.watch(pid, f"{one.root}{SOCKET}")
            return connection
    raise problem


def _terminate(*_: object) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # disarming is not to be disturbed
    raise _Terminated


def _say(what: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sidecar")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve")
    serve.add_argument("--language", required=True)
    serve.add_argument("--pid", type=int, default=0)
    serve.add_argument("--port", type=int, default=0)
    serve.add_argument("--tracer", default="")
    serve.add_argument("--seconds", type=float, default=15.0)
    commands.add_parser("forward").add_argument("--port", type=int, required=True)
    for command in (serve, commands.add_parser("facts")):
        command.add_argument("--pattern", default="", type=lambda text: re.compile(text).pattern)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
