"""How a debugger gets into a process, one module for each language.

A module has arm, connect and disarm, and may have front and adopts: see Arm. It is found by the language's name.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from sidecar import proc
from sidecar.proc import Process as Process


class ArmError(Exception):
    """A debugger could not be brought.

    kind: permission (the process may not be traced by us), gone (it has ended), busy (something traces it already),
    timeout, unsupported (this program cannot be debugged so), failed (anything else). cause: the debugger's own words.
    facts: what else the host should know, as JSON values.
    """

    def __init__(self, kind: str, cause: str, **facts: Any) -> None:
        super().__init__(f"{kind}: {cause}")
        self.kind = kind
        self.cause = cause
        self.facts = facts


@dataclass(frozen=True)
class Options:
    """What the host asks for. port: the debugger's usual port, 0 where it has none. seconds: the limit for arming.

    scratch: a folder that can be written to; it ends with the sidecar. tracer: the words to put before a command that
    traces the process: they give it the capability, where one is needed, and are () where not.
    """

    language: str
    port: int = 0
    seconds: float = 15.0
    scratch: Path = Path("/tmp")
    tracer: tuple[str, ...] = ()


@dataclass
class Armed:
    """A debugger that listens. endpoint: ("tcp", port on 127.0.0.1) or ("unix", path). pid: of the debugged process.

    facts: for the host, as JSON values. state: whatever the arm keeps for itself, such as a child process.
    """

    endpoint: tuple[str, int | str]
    pid: int
    facts: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def dial(self) -> socket.socket:
        """A new connection to the endpoint. Raises OSError."""
        kind, where = self.endpoint
        if kind == "tcp":
            return socket.create_connection(("127.0.0.1", int(where)), timeout=None)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(where))
        except OSError:
            connection.close()
            raise
        return connection


class Arm(Protocol):
    """What a module of this package offers; front and adopts are optional, see front_of and choose."""

    def arm(self, process: Process, options: Options) -> Armed:
        """Bring the debugger to the process, which runs on. Raises ArmError."""
        ...

    def connect(self, armed: Armed) -> socket.socket:
        """A connection to the debugger for one client; may arm again where a new process took over. Raises ArmError."""
        ...

    def disarm(self, armed: Armed) -> None:
        """Take the debugger away: the process runs on, nothing of ours stays in it."""
        ...


def choose(language: str, port: int) -> Arm:
    """The arm of a language, or that of a debugger which a process of the service has on this port already.

    An arm with a true `adopts` is asked in any case: it knows its own debugger from the service's. Raises ArmError.
    """
    if not proc.is_held(port):
        return find(language)
    with suppress(ArmError):
        if getattr(arm := find(language), "adopts", False):
            return arm
    return find("listening")


Front = Callable[[socket.socket, socket.socket, Armed], None]


def find(language: str) -> Arm:
    """The module of this name. Raises ArmError where there is none."""
    try:
        return cast(Arm, importlib.import_module(f"{__name__}.{language}"))
    except ModuleNotFoundError as error:
        raise ArmError("unsupported", f"this toolbox has no debugger for {language!r}: {error}") from error


def front_of(arm: Arm) -> Front | None:
    """What carries a client's bytes instead of a plain pipe, where the protocol needs rewriting."""
    front: Front | None = getattr(arm, "front", None)
    return front
