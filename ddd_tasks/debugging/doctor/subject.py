"""What the doctor looks at, asked for once, and what it says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ddd_tasks.dockerfile import Stage
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import Language, PathMapping
from ddd_tasks.project import Project, Service

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"


class Finding(NamedTuple):
    """One thing that was looked at. state: ok, warning or problem; fix: one command, or the line to change."""

    check: str
    state: str
    what: str
    fix: str = ""


@dataclass(frozen=True)
class Inside:
    """What the facts command of the toolbox says: docker/toolbox/sidecar/__main__.py, facts."""

    facts: Mapping[str, Any]

    @property
    def processes(self) -> Sequence[Mapping[str, Any]]:
        """The processes of the container, the lowest number first."""
        return list(self.facts["processes"])

    @property
    def listeners(self) -> Sequence[Mapping[str, Any]]:
        """The listening TCP sockets: port, loopback, address (hexadecimal), pids."""
        return list(self.facts["listeners"])

    @cached_property
    def process(self) -> Mapping[str, Any] | None:
        """The process that a debugger would get, or None."""
        return next((one for one in self.processes if one["pid"] == self.facts["pid"]), None)


@dataclass(frozen=True)
class Subject:
    """A service, and what is known of it.

    container: the engine's description of its container, {} while there is none that runs; state: how it is in words;
    debug_stage: the stage of its Dockerfile that a debugger runs in, if any; inside: None where it could not be asked
    for, and then why_not says why.
    """

    engine: Engine
    project: Project
    service: Service
    language: Language | None
    container: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    debug_stage: Stage | None = None
    mappings: tuple[PathMapping, ...] = ()
    inside: Inside | None = None
    why_not: Finding | None = None

    @property
    def port(self) -> int | None:
        """The container port that debuggers of the language listen on."""
        return self.language.debug.port if self.language and self.language.debug else None

    @property
    def host_config(self) -> Mapping[str, Any]:
        """The rights and limits that the container was made with."""
        return dict(self.container.get("HostConfig") or {})

    @property
    def published(self) -> Sequence[tuple[str, int, int]]:
        """The published TCP ports of the running container: host address, host port, container port."""
        ports = (self.container.get("NetworkSettings") or {}).get("Ports") or {}
        return [
            (one["HostIp"], int(one["HostPort"]), int(name.partition("/")[0]))
            for name, found in ports.items()
            if name.endswith("/tcp")
            for one in found or ()
        ]


def command_of(process: Mapping[str, Any]) -> str:
    """A process in a few words: its number and the beginning of its command line."""
    words = " ".join(process["argv"]) or PurePosixPath(process["exe"]).name
    return f"process {process['pid']} ({words if len(words) <= 60 else words[:57] + '...'})"
