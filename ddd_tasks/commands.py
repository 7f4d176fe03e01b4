"""A command in a service's running container: as the caller, and in the directory that matches the caller's."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ddd_tasks import paths, process, services
from ddd_tasks.engine import endpoint, identity, terminal
from ddd_tasks.engine import exec as engine_exec
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Exec
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project, Service

_SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
# What a program inside should know of the caller's terminal and of the run that it is part of.
_PASSED_ON = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "CI")
_INSIDE = "DDD_SERVICE"


def is_inside() -> bool:
    """Whether we run in a container of the project already: no engine is in reach there, and none is needed."""
    if _INSIDE in os.environ:
        return True
    in_container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    socket = Path(endpoint.DEFAULT_HOST.removeprefix("unix://"))
    return in_container and not socket.exists() and not os.environ.get("DOCKER_HOST")


def run_here(argv: Sequence[str], service: str | None = None) -> int:
    """Run the command directly: the same line means the same inside the container. Raises ConfigError."""
    here = os.environ.get(_INSIDE)
    if service and here and service != here:
        raise ConfigError(
            f"service {service!r} cannot be reached from inside service {here!r}",
            cause="a container has no engine",
            valid=[here],
            hint=shlex.join(argv),
        )
    return process.run(argv, check=False, foreground=True)


def execute(project: Project, service: Service, argv: Sequence[str], *, user: str | None = None, index: int = 1) -> int:
    """Run the command in the service's running container and return its status, 128+n for signal n.

    user: a name or uid:gid, None for the caller where the service mounts code; index: which of several containers.
    Raises NotRunningError, ConfigError, EngineError.
    """
    workdir = paths.working_directory(project, service, Path.cwd())
    process.announce(_equivalent(project, service, argv, workdir))
    if process.is_dry():
        return 0
    with closing(Engine.connect()) as engine:
        container = services.running(engine, project, service, index)
        return engine_exec.run(engine, prepare(engine, project, service, container, argv, workdir=workdir, user=user))


def shell(project: Project, service: Service, *, user: str | None = None) -> int:
    """An interactive shell in the service's running container: bash where it has one, otherwise sh."""
    return execute(project, service, _SHELL, user=user)


def prepare(
    engine: Engine,
    project: Project,
    service: Service,
    container: str,
    argv: Sequence[str],
    *,
    workdir: str | None,
    user: str | None,
) -> Exec:
    """The command for one of the service's containers, with the user and the environment that it gets there."""
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {_INSIDE: service.name}
    if user is None and service.user is None and service.mounts:
        # It holds files of the caller's, and what it writes should belong to the caller.
        who = identity.ensure(engine, container, identity.caller(), memory=project.private / "cache" / "identity")
        user, env = who.user, env | who.env
    return Exec(container, argv, workdir, user, env)


def _equivalent(project: Project, service: Service, argv: Sequence[str], workdir: str | None) -> list[str]:
    """The Compose command closest to what we do, for echo and dry run."""
    words = ["docker", "compose", "--project-name", project.name, "exec"]
    words += [] if terminal.is_interactive() else ["--no-TTY"]
    words += ["--workdir", workdir] if workdir else []
    return [*words, service.name, *argv]
