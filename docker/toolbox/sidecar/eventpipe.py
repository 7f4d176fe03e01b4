"""A trace of a .NET program by its runtime, over the socket that it has for diagnostics: what dotnet-trace does.

The protocol is that of dotnet/diagnostics, documentation/design-docs/ipc-protocol.md; tried with .NET Core 3.1. A
session whose connection is closed ends by itself. The last line on stdout is one JSON object: what was done, or
{"error": kind, "cause": text}.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sidecar import dotnet, proc
from sidecar.dotnet import DiagnosticsError
from sidecar.proc import Process

_COMMANDS = 0x02
_STOP, _COLLECT, _COLLECT2 = 0x01, 0x02, 0x03
_NETTRACE = 1
_MEGABYTES = 64  # of events that the runtime keeps while we do not read fast enough
_RUNTIME = "Microsoft-Windows-DotNETRuntime"
_GC, _CODE = 0x1, 0x8 | 0x10 | 0x20 | 0x20000  # loaded assemblies, compiled methods, and their offsets
_VERBOSE = 5
_SAMPLER = ("Microsoft-DotNETCore-SampleProfiler", 0xF000_0000_0000, _VERBOSE)
# Provider, keywords and level.
_PROVIDERS = {
    "cpu": (_SAMPLER, (_RUNTIME, _CODE, _VERBOSE)),
    "memory": ((_RUNTIME, _GC | _CODE, _VERBOSE),),
}
_OFF = ("DOTNET_EnableDiagnostics", "COMPlus_EnableDiagnostics", "DOTNET_EnableDiagnostics_IPC")
_CHUNK = 1 << 16
_LARGEST = 256 << 20  # bytes of a trace
_GLANCE = 0.1
_SECONDS_TO_END = 30.0  # the names of all methods are written at the end


class TraceError(Exception):
    """No trace can be had. kind: no-runtime, off, no-folder, no-socket, permission, refused or ended."""

    def __init__(self, kind: str, cause: str) -> None:
        super().__init__(cause)
        self.kind = kind


def main(words: list[str] | None = None) -> int:
    """Run the command line; the exit status is 1 where there is no trace."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=_PROVIDERS)
    parser.add_argument("--pid", type=int, default=0, help="the likeliest one is taken without it")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--to", type=Path, required=True)
    given = parser.parse_args(words)
    told: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    try:
        process = choose(given.pid)
        with closing(connected(process)) as stream, given.to.open("wb") as file:
            session = start(stream, process, _PROVIDERS[given.what])
            said = record(stream, process, session, file, given.seconds, told)
        _say({"pid": process.pid, "threads": names(process.pid), **said})
    except TraceError as error:
        _say({"error": error.kind, "cause": str(error)})
        return 1
    except (DiagnosticsError, OSError) as error:
        _say({"error": "refused", "cause": str(error) or type(error).__name__})
        return 1
    return 0


def choose(pid: int = 0) -> Process:
    """The process of this number, or the service's own: one that listens before others, children before parents.

    Raises TraceError.
    """
    found = proc.processes()
    ours = [one for one in found if one.pid == pid or (not pid and _has_runtime(one))]
    parents = {one.ppid for one in ours}
    leaves = [one for one in ours if one.pid not in parents]
    chosen = proc.choose(ours, "", proc.listeners(ours)) if _listens(ours) else proc.choose(leaves, "")
    if chosen is None:
        programs = ", ".join(sorted({one.name for one in found if one.name}))
        raise TraceError("no-runtime", f"no process has loaded .NET; its programs are: {programs or 'unknown'}")
    return chosen


def start(stream: socket.socket, process: Process, providers: Sequence[tuple[str, int, int]]) -> int:
    """Begin a session, whose events come over this connection, or a new one; its number. Raises DiagnosticsError.

    A runtime before .NET Core 3.1 knows only the first form of the command: it always tells the names of methods.
    """
    rows = b"".join(
        struct.pack("<QI", keywords, level) + _text(name) + _text("") for name, keywords, level in providers
    )
    head, count = struct.pack("<II", _MEGABYTES, _NETTRACE), struct.pack("<I", len(providers))
    try:
        body = dotnet.answer(stream, _COMMANDS, _COLLECT2, head + b"\1" + count + rows)
    except DiagnosticsError as error:
        if error.code != dotnet.UNKNOWN:
            raise
        with closing(connected(process)) as again:
            os.dup2(again.fileno(), stream.fileno())  # a connection takes one command
        body = dotnet.answer(stream, _COMMANDS, _COLLECT, head + count + rows)
    return int(struct.unpack("<Q", body)[0])


def record(
    stream: socket.socket, process: Process, session: int, file: Any, seconds: float, told: Sequence[int]
) -> dict[str, Any]:
    """Write what comes until the time is over, we are told to end, or it is too much; then let the runtime end it.

    Raises TraceError where the runtime ends it before, DiagnosticsError.
    """
    began, size, why = time.monotonic(), 0, ""
    while not why:
        if select.select([stream], [], [], _GLANCE)[0]:
            if not (data := stream.recv(_CHUNK)):
                raise TraceError("ended", "the runtime has ended the session")
            size += file.write(data)
        why = _why_to_end(time.monotonic() - began, seconds, size, told)
    took = time.monotonic() - began
    with closing(connected(process)) as other:
        dotnet.ask_for(other, _COMMANDS, _STOP, struct.pack("<Q", session))
        stream.settimeout(_SECONDS_TO_END)
        while data := stream.recv(_CHUNK):
            file.write(data)
        dotnet.answered(other)
    return {"seconds": round(min(took, seconds), 3), "why": why}


def names(pid: int) -> dict[str, str]:
    """The name of each thread of a process."""
    found = {}
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found[entry.name] = (entry / "comm").read_text(errors="replace").strip()
    return found


def missing(process: Process) -> TraceError:
    """Why a process has no socket that can be reached."""
    there = dotnet.environment(process.pid)
    for name in _OFF:
        if there.get(name) == "0":
            return TraceError("off", f"process {process.pid} was started with {name}=0")
    folder = dotnet.folder(process)
    shown = f"/{folder.relative_to(process.root)}"
    try:
        next(folder.iterdir(), None)
    except PermissionError as error:
        return TraceError("permission", f"{shown} of process {process.pid}: {error.strerror}")
    except OSError as error:
        return TraceError("no-folder", f"{shown} of process {process.pid}: {error.strerror}")
    if not os.access(folder, os.W_OK):
        return TraceError("no-folder", f"process {process.pid} cannot write to {shown}")
    return TraceError("no-socket", f"process {process.pid} has none in {shown}")


def connected(process: Process) -> socket.socket:
    """A connection to the runtime of a process. Raises TraceError."""
    problem = None
    for place in dotnet.sockets(process):
        try:
            return dotnet.connect(str(place))
        except OSError as error:
            kind = "permission" if isinstance(error, PermissionError) else "no-socket"
            problem = TraceError(kind, f"{place.name}: {error.strerror or error}")
    raise problem or missing(process)


def _has_runtime(process: Process) -> bool:
    return dotnet.describe(process) is not None


def _listens(found: Sequence[Process]) -> bool:
    return any(one.pids for one in proc.listeners(found))


def _why_to_end(took: float, seconds: float, size: int, told: Sequence[int]) -> str:
    if told:
        return "told"
    return "time" if took >= seconds else "size" if size >= _LARGEST else ""


def _text(value: str) -> bytes:
    return struct.pack("<I", len(value) + 1) + (value + "\0").encode("utf-16-le") if value else struct.pack("<I", 0)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    sys.exit(main())
