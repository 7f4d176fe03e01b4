"""A command in a new container of a service, which is gone afterwards, also when we are killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ddd_tasks import build, commands, execplan, images, process, up, worktree
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import EngineError, UnsupportedError
from ddd_tasks.execplan import Options
from ddd_tasks.project import Project, Service
from ddd_tasks.secret import sources, volumes

_START_SECONDS = 60.0
_POLL_SECONDS = 0.02


def run(argv: Sequence[str], options: Options) -> int:
    """Run the command (default: the service's own) in a new container of the service that the options mean here.

    Returns its status. The entrypoint comes first, as always in a new container; what the service depends on
    is started. Inside a container of the project the command runs directly. Raises ConfigError, EngineError,
    CommandError.
    """
    if execplan.is_inside():
        return commands.run_here(argv, options.service)
    project, service = commands.find(options)
    project = worktree.settle(Engine.connect(), project)
    started = up.select(project, [service.name])
    values = {} if process.is_dry() else sources.of_services(project, started)
    images.build_changed(project, [other for other in started if other == service or other.secrets])
    if process.is_dry():
        process.announce(images.compose_for(project).argv("run", "--rm", service.name, *argv))
        return 0
    engine = Engine.connect()
    volumes.deliver(engine, project, started, values)
    with _container(engine, project, service) as container:
        words = _words(engine, project, service, container, argv)
        return execplan.run(commands.prepare(engine, project, service, container, options), words, options)


def _words(engine: Engine, project: Project, service: Service, container: str, argv: Sequence[str]) -> list[str]:
    """The command with the entrypoint before it: the service's own where it has them, otherwise the image's."""
    declared = build.configuration(project)["services"][service.name]
    image = engine.get(f"/containers/{container}/json")["Image"]
    config = engine.get(f"/images/{image}/json")["Config"]
    entrypoint, command = declared.get("entrypoint"), argv or declared.get("command")
    if entrypoint is None:
        entrypoint, command = config.get("Entrypoint"), command or config.get("Cmd")
    return [*(entrypoint or ()), *(command or ())]


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
    with suppress(ApiError):  # --rm counts only for what has started
        engine.delete(f"/containers/{name}", force=True)
    if 'exec: "cat"' in said:
        raise UnsupportedError(
            f"the image of service {service.name!r} has no cat, which holds a container of its own open",
            cause=said,
            hint=f"ddd dev.exec --service {service.name} -- PROGRAM",
        )
    raise EngineError(f"no container of service {service.name!r} could be started", cause=said, hint="ddd dev.build")
