"""A command in a new container of a service, which is gone afterwards, also when we are killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ddd_tasks import commands, images, paths, process
from ddd_tasks.engine import exec as engine_exec
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import EngineError
from ddd_tasks.project import Project, Service

_START_SECONDS = 60.0
_POLL_SECONDS = 0.02


def run(project: Project, service: Service, argv: Sequence[str], *, user: str | None = None) -> int:
    """Run the command (default: the image's own) in a container of its own and return its status.

    The image's entrypoint comes first, as always in a new container; what the service depends on is started.
    Raises ConfigError, EngineError, CommandError.
    """
    workdir = paths.working_directory(project, service, Path.cwd())
    images.build_all(project, [service])
    if process.is_dry():
        process.announce(images.compose_for(project).argv("run", "--rm", service.name, *argv))
        return 0
    engine = Engine.connect()
    with _container(engine, project, service) as container:
        image = engine.get(f"/containers/{container}/json")["Image"]
        config = engine.get(f"/images/{image}/json")["Config"]
        words = [*(config.get("Entrypoint") or ()), *(argv or config.get("Cmd") or ())]
        command = commands.prepare(engine, project, service, container, words, workdir=workdir, user=user)
        return engine_exec.run(engine, command)


@contextmanager
def _container(engine: Engine, project: Project, service: Service) -> Iterator[str]:
    """A container that does nothing, and lives as long as the pipe that we hold: kill -9 closes the pipe too."""
    name = f"{project.name}-{service.name}-run-{os.urandom(4).hex()}"
    verb = ["run", "--rm", "--no-TTY", "--interactive", "--name", name, "--entrypoint", "cat", service.name]
    compose = images.compose_for(project)
    leash = process.start(compose.argv(*verb), env=compose.environment)
    try:
        _await_start(engine, name, service, leash)
        yield name
    finally:
        if leash.stdin:
            leash.stdin.close()
        leash.wait()


def _await_start(engine: Engine, name: str, service: Service, leash: process.Process) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and leash.poll() is None:
        try:
            if engine.get(f"/containers/{name}/json")["State"]["Running"]:
                return
        except ApiError:
            pass  # not made yet
        time.sleep(_POLL_SECONDS)
    leash.kill()
    said = leash.stderr.read().decode(errors="replace") if leash.stderr else ""
    raise EngineError(f"no container of service {service.name!r} could be started", cause=said, hint="ddd dev.build")
