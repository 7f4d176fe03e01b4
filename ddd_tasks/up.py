"""From a Compose file to services that answer: check first, build, start, wait for health, explain what failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ddd_tasks import console, health, images, lastup, ledger, portbook, preflight, process, services, worktree
from ddd_tasks.compose import DEBUG_OVERLAY, MONITOR_OVERLAY, PROJECT_LABEL, Compose, overlay_file, write_overlay
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import CommandError, DddError, ExitCode
from ddd_tasks.project import Project, Service
from ddd_tasks.secret import sources, volumes
from ddd_tasks.services import State


def select(project: Project, names: Sequence[str]) -> list[Service]:
    """The named services with all that they depend on; without names, all that need no profile."""
    todo = list(names) or [service.name for service in project.services.values() if not service.profiles]
    found: set[str] = set()
    while todo:
        service = project.service(todo.pop())
        if service.name not in found:
            found.add(service.name)
            todo += service.depends_on
    return [service for service in project.services.values() if service.name in found]


def start(
    project: Project,
    names: Sequence[str] = (),
    *,
    timeout: float = health.WAIT_SECONDS,
    isolate: bool = False,
    ports: str | None = None,
    stopped: Collection[str] = (),
    scale: Mapping[str, int] | None = None,
) -> list[State]:
    """Build and start the services, and wait until each is healthy, or running where it has no health check.

    names: which, with what they depend on; timeout: seconds to wait; isolate and ports as in worktree.settle and
    portbook.settle; stopped: as in wait; scale: service -> how many containers, where not as declared. Nothing is
    started where that would change nothing; what a refused start has made is removed again; only one start of a
    project runs at a time.
    Raises ConfigError, PortTakenError, EngineError, CommandError, UnhealthyError.
    """
    engine = Engine.connect()
    values = {} if process.is_dry() else _secrets(project, names)
    project = worktree.settle(engine, project, isolate=isolate)
    with ledger.alone(f"up-{project.name}", waiting=f"waiting: project {project.name!r} is being started already"):
        services.refuse_takeover(engine, project)
        if not process.is_dry() and overlay_file(project, DEBUG_OVERLAY) not in project.files:
            write_overlay(project, DEBUG_OVERLAY, {})  # what it says of these services does not hold any more
        wanted = select(project, names)
        standing = None if ports or scale or process.is_dry() else lastup.stands(engine, project, wanted)
        if standing is not None and not volumes.outdated(engine, project, wanted, values):
            return standing
        for service in wanted:
            preflight.check_build(project, service)
            preflight.check_mounts(service)
        if process.is_dry():
            _start(engine, project, wanted, values, scale)
            return []
        wanted = portbook.settle(engine, project, wanted, _ours(engine, project), ports)
        images.provide_bases(project, wanted)
        note = lastup.before(engine, project, wanted, images.compose_for(project))
        _start(engine, project, wanted, values, scale)
        states = health.wait(project, [service.name for service in wanted], timeout=timeout, stopped=stopped)
        lastup.remember(engine, project, wanted, note)
        _tell_monitor(engine, project)
        return states


def _tell_monitor(engine: Engine, project: Project) -> None:
    """Have a Prometheus that runs beside the services scrape those that run now, and its page show them.

    The start has not failed where that does.
    """
    if overlay_file(project, MONITOR_OVERLAY).exists():
        from ddd_tasks.monitoring import boards, stack

        try:
            if found := stack.refresh(engine, project):
                boards.add(project, found.services)
        except DddError as error:
            console.warning(f"Prometheus was not told of these containers: {error.what}: {error.cause}")


def _secrets(project: Project, names: Sequence[str]) -> dict[str, bytes]:
    """What the services get as files. Raises ConfigError for a missing secret, of their builds too."""
    wanted = select(project, names)
    sources.of_builds(project, wanted)
    return sources.of_services(project, wanted)


def _start(
    engine: Engine,
    project: Project,
    wanted: Sequence[Service],
    values: Mapping[str, bytes],
    scale: Mapping[str, int] | None = None,
) -> None:
    _check_ports(engine, project, wanted)
    images.build_all(project, wanted)
    before = _made(engine, project)
    compose = images.compose_for(project)
    try:
        changed = [] if process.is_dry() else volumes.deliver(engine, project, wanted, values)
        numbers = [f"--scale={name}={number}" for name, number in (scale or {}).items()]
        compose.run("up", "--detach", "--no-build", *numbers, *(service.name for service in wanted), quiet=True)
        if not process.is_dry():
            changed += volumes.outdated(engine, project, wanted, values)
            _renew(engine, project, compose, before["containers"], changed)
            volumes.forget(engine, project, keep=True)
    except (DddError, KeyboardInterrupt) as error:
        _remove_new(engine, project, before)
        if isinstance(error, CommandError):
            _check_ports(engine, project, wanted)  # taken in the meantime
            images.explain_missing(engine, project, wanted)
            what = f"starting {', '.join(service.name for service in wanted)} failed"
            raise CommandError(what, ExitCode.FAILURE, cause="see Compose's output above", hint="ddd dev.ps") from error
        raise


def renew_secrets(project: Project, names: Sequence[str] = ()) -> None:
    """Write the services' secrets anew, for a restart that follows. Raises ConfigError for a missing one."""
    if process.is_dry():
        return
    engine = Engine.connect()
    there = {state.service for state in services.states(engine, project)}
    wanted = [project.services[name] for name in names or project.services if name in there]
    volumes.deliver(engine, project, wanted, sources.of_services(project, wanted))


def _renew(engine: Engine, project: Project, compose: Compose, before: set[str], changed: Sequence[str]) -> None:
    """Replace the containers that Compose has left as they were, of services whose secrets have changed."""
    running = [state for state in services.states(engine, project) if state.state == "running"]
    kept = sorted({state.service for state in running if state.container in before and state.service in changed})
    if kept:
        # Not restart: with no time to stop in, Engine 26 may lose the file system of a container that it restarts.
        compose.run("up", "--detach", "--no-build", "--no-deps", "--force-recreate", *kept, quiet=True)


def _ours(engine: Engine, project: Project) -> set[str]:
    return {state.container for state in services.states(engine, project)}


def _check_ports(engine: Engine, project: Project, wanted: Sequence[Service]) -> None:
    ours = _ours(engine, project)
    for service in wanted:
        preflight.check_ports(engine, service, ours)


def _made(engine: Engine, project: Project) -> dict[str, set[str]]:
    """The project's containers, networks and volumes: what a start that fails must not add to."""
    label = {"label": [f"{PROJECT_LABEL}={project.name}"]}
    return {
        "containers": {entry["Id"] for entry in engine.get("/containers/json", all=True, filters=label)},
        "networks": {entry["Id"] for entry in engine.get("/networks", filters=label)},
        "volumes": {entry["Name"] for entry in engine.get("/volumes", filters=label)["Volumes"] or ()},
    }


def _remove_new(engine: Engine, project: Project, before: dict[str, set[str]]) -> None:
    for kind, names in _made(engine, project).items():
        for name in names - before[kind]:
            force: dict[str, Any] = {"force": True} if kind == "containers" else {}
            engine.delete(f"/{kind}/{name}", **force)
