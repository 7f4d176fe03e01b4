"""Attachment: where the debugger of a running service listens, and what a client has to know of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddd_tasks.language import Language, PathMapping


class Attachment(NamedTuple):
    """A service that an editor can attach to now.

    host and port: where the debugger answers on this machine; the container's name and 0 where an editor starts it.
    pid: of the process in its container. container: its id. is_live: whether the debugger came from outside, in a
    sidecar. mappings: host folders and what the debugger calls them; the first one that matches is the right one.
    """

    service: str
    language: Language
    host: str
    port: int
    pid: int
    container: str
    is_live: bool
    mappings: tuple[PathMapping, ...]

    @property
    def arguments(self) -> dict[str, Any]:
        """What a client sends to attach: the fields of an entry of VS Code's launch.json."""
        return self.language.debug.arguments(self.host, self.port, self.mappings) if self.language.debug else {}

    @property
    def line(self) -> str:
        """One line that says where to connect."""
        assert self.language.debug is not None
        how = "by a sidecar, its image untouched" if self.is_live else "by its own debugger"
        name, where = self.language.debug.adapter, f"{self.host}:{self.port}"
        if not self.port:  # a program of the container, which the editor starts
            program = next((path for _, path in self.language.debug.debuggers), "its debugger")
            return f"{self.service}: {name} through `docker exec -i {self.host} {program} --interpreter=vscode`"
        return f"{self.service}: {name} on {where} (process {self.pid}, {how})"

    def as_dict(self) -> dict[str, Any]:
        """The fields of debug.attach --json."""
        assert self.language.debug is not None
        return {
            "service": self.service,
            "language": self.language.name,
            "protocol": self.language.debug.protocol,
            "host": self.host,
            "port": self.port,
            "pid": self.pid,
            "pathMappings": [{"localRoot": str(one.local), "remoteRoot": one.remote} for one in self.mappings],
        }
