"""The container that a debugger is brought to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

from ddd_tasks import languages, process, services
from ddd_tasks.compose import STAGE_LABEL
from ddd_tasks.debugging import processes
from ddd_tasks.debugging.processes import Process
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import DddError, NotRunningError, UnsupportedError
from ddd_tasks.language import Debug, Language
from ddd_tasks.project import Project, Service


class Target(NamedTuple):
    """A running container of a service. processes and user: those of the language, as far as this machine can tell.

    listening: port -> whether only the container's own network reaches it; None where this machine cannot tell.
    """

    id: str
    service: Service
    info: Mapping[str, Any]
    processes: tuple[Process, ...]
    listening: Mapping[int, bool] | None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the container was created with."""
        pairs = (entry.partition("=") for entry in self.info["Config"].get("Env") or ())
        return {name: value for name, _, value in pairs}

    @property
    def stage(self) -> str | None:
        """The Dockerfile stage that it runs, where that is not the service's own."""
        return (self.info["Config"].get("Labels") or {}).get(STAGE_LABEL)

    @property
    def started(self) -> str:
        """When it was started, as the engine writes it."""
        return str(self.info["State"]["StartedAt"])

    def published(self, port: int) -> tuple[str, int] | None:
        """Where this machine reaches a port of the container: address and port, or None."""
        return services.published(self.info, port)

    def process(self, debug: Debug | None) -> Process | None:
        """A process that runs the language: of parent and child the child, since a server's workers answer.

        Without a language, and for programs that are compiled, the first one that is no shell and the like.
        """
        fitting = self._fitting(debug)
        parents = {one.ppid for one in fitting}
        leaves = [one for one in fitting if one.pid not in parents]
        return min(leaves, key=lambda one: one.pid, default=None)

    def among_others(self, debug: Debug | None) -> int:
        """The number in the container of that process, where the language runs as several users; else 0.

        A sidecar, which is one of the users, can tell by itself which of its processes answers.
        """
        chosen = self.process(debug)
        is_alone = len({(one.uid, one.gid) for one in self._fitting(debug)}) < 2
        return 0 if chosen is None or is_alone else chosen.inner

    def _fitting(self, debug: Debug | None) -> list[Process]:
        if debug and debug.programs:
            return [one for one in self.processes if re.fullmatch(debug.programs, one.name)]
        return [one for one in self.processes if not processes.LAUNCHERS.fullmatch(one.name)]

    def user(self, debug: Debug | None) -> tuple[int, int]:
        """The uid and gid that a debugger needs to get in. Raises UnsupportedError where nothing tells them."""
        # A program may have another name for itself than its file, which another user cannot see.
        found = self.process(debug) or self.process(None)
        if found:
            return found.uid, found.gid
        uid, _, gid = str(self.info["Config"].get("User") or "0:0").partition(":")
        if uid.isdigit() and (gid or uid).isdigit():
            return int(uid), int(gid or 0)
        raise UnsupportedError(
            f"the user of service {self.service.name!r} is {self.info['Config']['User']!r}, and its number is unknown",
            cause="neither /proc nor the engine's ps told it",
            hint=f"ddd dev.exec --service {self.service.name} -- id",
        )


def find(engine: Engine, project: Project, service: Service) -> Target:
    """The running container of a service. Raises NotRunningError, UnsupportedError, ConfigError, EngineError."""
    identifier = services.running(engine, project, service)
    info = engine.get(f"/containers/{identifier}/json")
    _refuse(service, info)
    pid = int(info["State"]["Pid"])
    if engine.endpoint.is_local_socket and processes.is_of(pid, identifier):
        return Target(identifier, service, info, tuple(processes.tree(pid)), processes.listening(pid))
    return Target(identifier, service, info, tuple(processes.top(engine, identifier)), None)


def gone(engine: Engine, target: Target, meanwhile: str) -> NotRunningError | None:
    """The error for a container that has ended or restarted since it was found; None for one that has not."""
    try:
        state = engine.get(f"/containers/{target.id}/json")["State"]
    except ApiError:
        state = {}
    is_up = state.get("Running") and state.get("Pid")
    if is_up and state.get("StartedAt") == target.started:
        return None
    now, name = state.get("Status", "removed"), target.service.name
    has_restarted = is_up or now == "restarting"
    return NotRunningError(
        f"service {name!r} ended while {meanwhile}",
        cause="its container was restarted" if has_restarted else f"its container is {now}",
        hint=f"ddd dev.logs --service {name}" if has_restarted else "ddd dev.up",
    )


def why(target: Target, error: ApiError, meanwhile: str) -> DddError:
    """Why a container beside this one could not be created or started: most likely this one has ended."""
    with closing(Engine.connect()) as engine:
        return gone(engine, target, meanwhile) or error


def language_of(target: Target) -> Language:
    """The language of a service: as x-ddd says, as its code shows, or as its process does. Raises UnsupportedError."""
    service = target.service
    if found := services.language_of(service):
        return found
    for language in languages.LANGUAGES:
        if language.debug and language.debug.programs and target.process(language.debug):
            return language
    running = ", ".join(sorted({one.name for one in target.processes})) or "unknown"
    raise UnsupportedError(
        f"the language of service {service.name!r} is not known",
        cause=f"it has no x-ddd entry, no folder with code that tells, and its programs are: {running}",
        valid=languages.names(),
        hint="ddd languages",
    )


def debug_of(language: Language, service: Service) -> Debug:
    """How a live process of this language is debugged. Raises UnsupportedError."""
    if language.debug is None or not language.debug.is_live:
        live = [one.name for one in languages.LANGUAGES if one.debug and one.debug.is_live]
        raise UnsupportedError(
            f"attaching to a running process is not supported for {language.name}",
            cause=f"ddd has no way to bring a debugger to service {service.name!r}",
            valid=live,
            hint=f"ddd debug.up --service {service.name}",
        )
    return language.debug


def _refuse(service: Service, info: Mapping[str, Any]) -> None:
    """Raise for a container whose processes cannot be shared."""
    if info["State"].get("Paused"):
        raise NotRunningError(
            f"service {service.name!r} is paused",
            cause="its processes stand still, and so would a debugger",
            hint=f"docker compose unpause {service.name}",
        )
    if info["State"].get("Restarting") or not info["State"].get("Pid"):
        raise NotRunningError(
            f"service {service.name!r} is not running",
            cause=f"its container is {info['State'].get('Status')}: its program ended with status "
            f"{info['State'].get('ExitCode')}, and was restarted {info.get('RestartCount', 0)} times",
            hint=f"ddd dev.logs --service {service.name}",
        )
    mode = info["HostConfig"].get("PidMode") or ""
    if mode:
        raise UnsupportedError(
            f"service {service.name!r} has `pid: {mode}`",
            cause="its processes are not alone in their process namespace: a debugger could reach others",
            hint=f"ddd debug.up --service {service.name}",
        )


def listeners(target: Target) -> Mapping[int, bool]:
    """What listens in a container, as in Target; asked for inside where this machine cannot tell."""
    if target.listening is not None:
        return target.listening
    tables = ["cat", "/proc/net/tcp", "/proc/net/tcp6"]  # the second may be missing: what the first says is enough
    return processes.in_tables(process.capture(["docker", "exec", target.id, *tables], check=False).stdout)
