"""Running .NET programs and what each says of itself, over the socket that every runtime opens for diagnostics.

The protocol is that of dotnet/diagnostics, documentation/design-docs/ipc-protocol.md: a header of 20 bytes and a body.
All three forms of ProcessInfo were seen from .NET 8; .NET Core 3.1 answers, but knows none of them.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sidecar.proc import Process

_MAGIC = b"DOTNET_IPC_V1\0"
_HEADER = struct.Struct("<14sHBBH")  # magic, size of all, command set, command, reserved
_PROCESS = 0x04
# ProcessInfo3, ProcessInfo2 and ProcessInfo: the newest that the runtime knows is taken.
_COMMANDS = ((3, 0x08), (2, 0x04), (1, 0x00))
_ANSWER, _OK = 0xFF, 0x00
UNKNOWN = 0x80131385  # DIAGNOSTIC_IPC_UNKNOWN_COMMAND
_LONGEST = 1 << 16
_SECONDS = 2.0


class DiagnosticsError(Exception):
    """The runtime did not answer, or not with what was asked for. code: its HRESULT, 0 without one."""

    def __init__(self, cause: str, code: int = 0) -> None:
        super().__init__(cause)
        self.code = code


def runtimes(found: Iterable[Process]) -> list[dict[str, Any]]:
    """Each process that has loaded .NET: pid, version, library (its file), argv, and what the runtime says of itself.

    socket: where the runtime answers, seen from the container; "" where it does not, as with DOTNET_EnableDiagnostics=0
    or a /tmp that cannot be written to. command, os, arch, assembly and rid: as far as the runtime tells them.
    """
    return [runtime for one in found if (runtime := describe(one))]


def describe(process: Process) -> dict[str, Any] | None:
    """The same for one process, None for one without .NET."""
    library = _library(process.pid)
    places = list(sockets(process))
    if not library and not places:
        return None
    facts: dict[str, Any] = {"pid": process.pid, "version": version_of(library), "library": library, "socket": ""}
    facts["argv"] = list(process.argv)
    for place in places:
        with suppress(DiagnosticsError, OSError):
            return {**facts, "socket": f"/{place.relative_to(process.root)}", **ask(str(place))}
    return facts


def sockets(process: Process) -> Iterator[Path]:
    """The diagnostics sockets of a process, the newest first: one that was killed before has left its own."""
    with suppress(OSError):
        found = folder(process).glob(f"dotnet-diagnostic-{process.pid}-*-socket")
        yield from sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def folder(process: Process) -> Path:
    """Where a process puts its diagnostics socket, as this container sees it."""
    return process.root / environment(process.pid).get("TMPDIR", "/tmp").lstrip("/")


def ask(path: str) -> dict[str, Any]:
    """What the runtime behind a socket says of its process; {} from one that knows no such command.

    Raises DiagnosticsError where something else answers, OSError where nothing does.
    """
    for level, command in _COMMANDS:
        try:
            with closing(connect(path)) as connection:
                return decode(level, answer(connection, _PROCESS, command))
        except DiagnosticsError as error:
            if error.code != UNKNOWN:
                raise
    return {}


def decode(level: int, body: bytes) -> dict[str, Any]:
    """The body of the answer to ProcessInfo (level 1), ProcessInfo2 or ProcessInfo3. Raises DiagnosticsError."""
    try:
        names = ["command", "os", "arch", "assembly", "version", "rid"][: {1: 3, 2: 5, 3: 6}[level]]
        # Before the strings are the process' number and a cookie of 16 bytes; before them, level 3 has its own version.
        values = _strings(body, (4 if level == 3 else 0) + 8 + 16, len(names))
    except (struct.error, UnicodeDecodeError) as error:
        raise DiagnosticsError(f"its answer cannot be read: {error}") from error
    # There are as many values as names; strict is for Python 3.10, toolboxes have 3.9, too.
    return {name: value for name, value in zip(names, values) if value}  # noqa: B905


def version_of(library: str) -> str:
    """The version in the path of a runtime's library, "" where it is not one of a shared runtime."""
    match = re.search(r"/Microsoft\.NETCore\.App/([^/]+)/", library)
    return match[1] if match else ""


def _strings(body: bytes, at: int, count: int) -> list[str]:
    """Strings of UTF-16, each behind the number of its characters with a closing zero."""
    found = []
    for _ in range(count):
        length = struct.unpack_from("<I", body, at)[0] * 2
        at += 4
        if at + length > len(body):
            raise DiagnosticsError("its answer is cut off")
        found.append(body[at : at + length].decode("utf-16-le").rstrip("\0"))
        at += length
    return found


def connect(path: str) -> socket.socket:
    """A connection to a diagnostics socket: it takes one command. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_SECONDS)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def answer(connection: socket.socket, commands: int, command: int, body: bytes = b"") -> bytes:
    """The body of the answer to a command of a set of them. Raises DiagnosticsError, OSError."""
    ask_for(connection, commands, command, body)
    return answered(connection)


def ask_for(connection: socket.socket, commands: int, command: int, body: bytes = b"") -> None:
    """Send a command. Raises OSError."""
    connection.sendall(_HEADER.pack(_MAGIC, _HEADER.size + len(body), commands, command, 0) + body)


def answered(connection: socket.socket) -> bytes:
    """The body of the answer to the command that was sent. Raises DiagnosticsError, OSError."""
    magic, size, kind, status, _ = _HEADER.unpack(_read(connection, _HEADER.size))
    if magic != _MAGIC or kind != _ANSWER or not _HEADER.size <= size < _LONGEST:
        raise DiagnosticsError("what answers is no .NET runtime")
    body = _read(connection, size - _HEADER.size)
    if status == _OK:
        return body
    code = struct.unpack_from("<I", body)[0] if len(body) >= 4 else 0
    raise DiagnosticsError(f"it refused with {code:#x}", code)


def _read(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise DiagnosticsError("it closed the connection")
        parts += part
    return parts


def _library(pid: int) -> str:
    """The file of the runtime that a process has loaded, "" for none or where it cannot be told."""
    for row in _text(f"/proc/{pid}/maps").splitlines():
        if row.endswith("/libcoreclr.so"):
            return row[row.index("/") :]
    return ""


def environment(pid: int) -> dict[str, str]:
    """The variables that a process was started with; {} where they cannot be read."""
    pairs = (word.partition("=") for word in _text(f"/proc/{pid}/environ").split("\0"))
    return {name: value for name, _, value in pairs}


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
