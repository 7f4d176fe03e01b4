"""A command in a service: as the caller, in the caller's directory, in its running container or in one of its own."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ddd_tasks import paths, process, services, up
from ddd_tasks.engine import endpoint, identity, terminal
from ddd_tasks.engine import exec as engine_exec
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.exec import Exec
from ddd_tasks.errors import ConfigError, EngineError
from ddd_tasks.project import Project, Service

_SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
# What a program inside should know of the caller's terminal and of the run that it is part of.
_PASSED_ON = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "CI")
_INSIDE = "DDD_SERVICE"
_START_SECONDS = 60.0


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
    return process.run(argv, check=False)


def execute(project: Project, service: Service, argv: Sequence[str], *, user: str | None = None, index: int = 1) -> int:
    """Run the command in the service's running container and return its status. Raises NotRunningError, ConfigError."""
    workdir = paths.working_directory(project, service, Path.cwd())
    process.announce(_equivalent(project, service, argv, workdir))
    if process.is_dry():
        return 0
    engine = Engine.connect()
    container = services.running(engine, project, service, index)
    return engine_exec.run(engine, _command(engine, project, service, container, argv, workdir, user))


def run_once(project: Project, service: Service, argv: Sequence[str], *, user: str | None = None) -> int:
    """Run the command in a new container of the service, which is gone afterwards, also when we are killed."""
    workdir = paths.working_directory(project, service, Path.cwd())
    if process.is_dry():
        process.announce(up.compose_for(project).argv("run", "--rm", service.name, *argv))
        return 0
    up.build_images(project, [service.name])
    engine = Engine.connect()
    with _container(engine, project, service) as container:
        config = engine.get(f"/containers/{container}/json")
        image = engine.get(f"/images/{config['Image']}/json")["Config"]
        words = [*(image.get("Entrypoint") or ()), *(argv or image.get("Cmd") or ())]
        return engine_exec.run(engine, _command(engine, project, service, container, words, workdir, user))


def shell(project: Project, service: Service, *, user: str | None = None) -> int:
    """An interactive shell in the service's running container: bash where it has one, otherwise sh."""
    return execute(project, service, _SHELL, user=user)


def _command(
    engine: Engine,
    project: Project,
    service: Service,
    container: str,
    argv: Sequence[str],
    workdir: str | None,
    user: str | None,
) -> Exec:
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {_INSIDE: service.name}
    if user is None and service.build and service.mounts and service.user is None:
        # It holds the caller's files, and what it writes should belong to the caller.
        who = identity.ensure(engine, container, identity.caller(), memory=project.private / "cache" / "identity")
        user, env = who.user, env | who.env
    return Exec(container, argv, workdir, user, env)


def _equivalent(project: Project, service: Service, argv: Sequence[str], workdir: str | None) -> list[str]:
    """The Compose command closest to what we do, for echo and dry run."""
    words = ["docker", "compose", "--project-name", project.name, "exec"]
    words += [] if terminal.is_interactive() else ["--no-TTY"]
    words += ["--workdir", workdir] if workdir else []
    return [*words, service.name, *argv]


@contextmanager
def _container(engine: Engine, project: Project, service: Service) -> Iterator[str]:
    """A container of the service that does nothing and lives as long as a pipe that we hold: kill -9 ends it too."""
    name = f"{project.name}-{service.name}-run-{os.urandom(4).hex()}"
    words = ["run", "--rm", "--no-TTY", "--interactive", "--name", name, "--entrypoint", "cat", service.name]
    leash = process.start(up.compose_for(project).argv(*words))
    try:
        _await_start(engine, name, service, leash)
        yield name
    finally:
        assert leash.stdin
        leash.stdin.close()
        leash.wait()


def _await_start(engine: Engine, name: str, service: Service, leash: Any) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and leash.poll() is None:
        try:
            if engine.get(f"/containers/{name}/json")["State"]["Running"]:
                return
        except ApiError:
            pass  # not made yet
        time.sleep(0.02)
    leash.kill()
    said = leash.stderr.read().decode(errors="replace") if leash.stderr else ""
    raise EngineError(f"no container of service {service.name!r} could be started", cause=said, hint="ddd dev.build")
