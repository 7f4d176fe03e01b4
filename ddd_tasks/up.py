"""From a Compose file to services that answer: check first, build, start, wait for health, explain what failed."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ddd_tasks import console, images, lastup, ledger, portbook, preflight, process, services, worktree
from ddd_tasks.compose import DEBUG_OVERLAY, MONITOR_OVERLAY, PROJECT_LABEL, Compose, overlay_file, write_overlay
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import CommandError, DddError, ExitCode, NotRunningError
from ddd_tasks.project import Project, Service
from ddd_tasks.secret import sources, volumes
from ddd_tasks.services import State

WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05
_LOG_LINES = "20"
_SETTLED = 0.5  # seconds that a service without a health check has to run before it counts as started


class UnhealthyError(DddError):
    """A service was started, but did not become healthy."""

    exit_code = ExitCode.NOT_RUNNING


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
    timeout: float = WAIT_SECONDS,
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
        states = wait(project, names, timeout=timeout, stopped=stopped)
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


def wait(
    project: Project, names: Sequence[str] = (), *, timeout: float = WAIT_SECONDS, stopped: Collection[str] = ()
) -> list[State]:
    """Wait until the services are healthy, or running where they have no health check; how all services are then.

    stopped: services that only have to run: a program that a debugger holds answers no health check.
    Raises NotRunningError where there is nothing to wait for, and UnhealthyError, after printing the last log lines of
    the service that failed.
    """
    engine = Engine.connect()
    wanted = {service.name for service in select(project, names)}
    deadline = time.monotonic() + timeout
    seen: dict[str, float] = {}
    while True:
        states = services.states(engine, project)
        ours = [
            state._replace(is_held=state.is_held or state.service in stopped)
            for state in states
            if state.service in wanted
        ]
        if not ours:
            raise NotRunningError(f"nothing of {project.name!r} has been started", hint="ddd dev.up")
        waiting = [state for state in ours if not state.is_ready]
        if failed := next((state for state in ours if state.has_failed), None):
            raise _unhealthy(engine, project, failed)
        if not waiting:
            now = time.monotonic()
            waiting = [state for state in ours if not _is_settled(state, now - seen.setdefault(state.container, now))]
            if not waiting:
                return states
        if time.monotonic() > deadline:
            raise _unhealthy(engine, project, waiting[0], f"it was not healthy after {timeout:.0f} s")
        time.sleep(_POLL_SECONDS)


def _is_settled(state: State, seconds: float) -> bool:
    """Whether what has just been started will not end at once; a health check has shown that already."""
    return (bool(state.health) and not state.is_held) or state.state != "running" or seconds >= _SETTLED


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


def _unhealthy(engine: Engine, project: Project, state: State, why: str = "") -> UnhealthyError:
    """The failing service's last health output becomes the cause; its last log lines are printed."""
    detail = engine.get(f"/containers/{state.container}/json")["State"]
    checks = (detail.get("Health") or {}).get("Log") or []
    said = f"its health check said: {checks[-1]['Output'].strip()}" if checks else ""
    ended = f"it ended with status {state.exit_code}" if state.state == "exited" else ""
    console.note(f"last log lines of {state.service}:")
    Compose(project).run("logs", "--no-log-prefix", "--tail", _LOG_LINES, state.service, check=False, quiet=True)
    return UnhealthyError(
        f"service {state.service!r} is {state.health or state.state}",
        cause="\n".join(part for part in (why, ended, said) if part),
        hint=f"ddd dev.logs --service {state.service}",
    )
