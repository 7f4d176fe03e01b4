"""From a Compose file to services that answer: check first, build, start, wait for health, explain what failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddd_tasks import build, console, dockerfile, process, services
from ddd_tasks.compose import PROJECT_LABEL, Compose, write_overlay
from ddd_tasks.engine import ports
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import (
    CommandError,
    ConfigError,
    DddError,
    EngineError,
    ExitCode,
    PortTakenError,
    UnknownNameError,
)
from ddd_tasks.project import Project, Service

_LOG_LINES = "20"
_POLL_SECONDS = 0.05


class UnhealthyError(DddError):
    """A service was started, but did not become healthy."""

    exit_code = ExitCode.NOT_RUNNING


def compose_for(project: Project) -> Compose:
    """Compose with what our builds need: stand-ins for base images, and the host's configuration as secrets."""
    inputs = build.for_project(project)
    return Compose(project, write_overlay(project, "build", inputs.overlay()), inputs.environment())


def select(project: Project, names: Sequence[str]) -> list[Service]:
    """The named services with all that they depend on; without names, all that need no profile."""
    todo = list(names) or [service.name for service in project.services.values() if not service.profiles]
    found: dict[str, Service] = {}
    while todo:
        service = project.service(todo.pop(0))
        if service.name not in found:
            found[service.name] = service
            todo += service.depends_on
    return [service for service in project.services.values() if service.name in found]


def build_images(project: Project, names: Sequence[str], *, flags: Sequence[str] = ()) -> None:
    """Build the images of these services. Raises ConfigError for what is missing, EngineError, CommandError."""
    engine = Engine.connect()
    wanted = [service for service in select(project, names) if service.build]
    for service in wanted:
        _check_build(service)
    if not wanted:
        return
    try:
        compose_for(project).run("build", *flags, *(service.name for service in wanted), quiet=True)
    except CommandError as error:
        _explain_missing_image(engine, project, wanted)
        names_built = ", ".join(service.name for service in wanted)
        raise CommandError(
            f"building {names_built} failed", error.exit_code, cause="the build's output above", hint="ddd dev.build"
        ) from error


def start(project: Project, names: Sequence[str] = (), *, timeout: float = 120.0) -> list[services.State]:
    """Start the services and wait until each is healthy, or running where it has no health check.

    names: which, with what they depend on; timeout: seconds to wait. Raises PortTakenError, ConfigError, EngineError,
    UnhealthyError. What a refused start has made is removed again.
    """
    engine = Engine.connect()
    wanted = select(project, names)
    for service in wanted:
        _check_mounts(service)
    services.refuse_takeover(engine, project)
    _check_ports(engine, project, wanted)
    build_images(project, names)
    before = _made(engine, project)
    try:
        compose_for(project).run("up", "--detach", "--no-build", *(service.name for service in wanted), quiet=True)
    except (CommandError, KeyboardInterrupt) as error:
        _remove_new(engine, project, before)
        if isinstance(error, CommandError):
            _check_ports(engine, project, wanted)
            _explain_missing_image(engine, project, wanted)
        raise
    if process.is_dry():
        return []
    return wait(project, names, timeout=timeout)


def wait(project: Project, names: Sequence[str] = (), *, timeout: float = 120.0) -> list[services.State]:
    """Wait until the services are healthy, or running where they have no health check. Raises UnhealthyError."""
    engine = Engine.connect()
    _wait(engine, project, select(project, names), timeout)
    return services.states(engine, project)


def _check_build(service: Service) -> None:
    """Refuse a build that cannot work, in our words and before anything is made."""
    assert service.build is not None
    context, file, target = service.build
    if not context.is_dir():
        raise ConfigError(
            f"the build context {context} of service {service.name!r} does not exist",
            given=context.name,
            valid=_siblings(context),
            hint=f"ls {context.parent}",
        )
    parsed = dockerfile.load(file)
    if target is not None:
        try:
            parsed.stage(target)
        except UnknownNameError as error:
            error.hint = f"grep -n ^FROM {file}"
            raise


def _check_mounts(service: Service) -> None:
    """The engine would make a missing folder, as root."""
    for mount in service.mounts:
        if not mount.source.exists():
            raise ConfigError(
                f"{mount.source}, mounted in service {service.name!r}, does not exist",
                given=mount.source.name,
                valid=_siblings(mount.source),
                hint=f"mkdir -p {mount.source}",
            )


def _siblings(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _check_ports(engine: Engine, project: Project, wanted: Sequence[Service]) -> None:
    ours = {state.container for state in services.states(engine, project)}
    for service in wanted:
        for port in service.ports:
            if not port.published.isdigit() or port.protocol != "tcp":
                continue
            holder = ports.holder(engine, port.host_ip, int(port.published))
            if holder and holder.container not in ours:
                raise PortTakenError(
                    f"port {port.published} of service {service.name!r} is taken", cause=holder.what, hint=holder.hint
                )


def _explain_missing_image(engine: Engine, project: Project, wanted: Sequence[Service]) -> None:
    """Raise EngineError when one of the images that these services name is neither here nor to be had."""
    stand_ins = build.for_project(project).contexts
    for service in wanted:
        for image in _images(service):
            if image in stand_ins or _is_local(engine, image):
                continue
            answer = process.capture(["docker", "pull", "--quiet", image], check=False)
            if answer.status:
                raise EngineError(
                    f"image {image!r} of service {service.name!r} cannot be pulled",
                    cause=answer.stderr,
                    hint="ddd engine.bases",
                )


def _images(service: Service) -> Sequence[str]:
    if service.build:
        return dockerfile.load(service.build.dockerfile).external_images(service.build.target)
    return [service.image] if service.image else []


def _is_local(engine: Engine, image: str) -> bool:
    try:
        engine.get(f"/images/{image}/json")
    except ApiError:
        return False
    return True


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


def _wait(engine: Engine, project: Project, wanted: Sequence[Service], timeout: float) -> None:
    names = {service.name for service in wanted}
    deadline = time.monotonic() + timeout
    while True:
        states = [state for state in services.states(engine, project) if state.service in names]
        failed = [state for state in states if _has_failed(state)]
        waiting = [state for state in states if not _is_ready(state)]
        if failed:
            raise _unhealthy(engine, project, failed[0])
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise _unhealthy(engine, project, waiting[0], f"it was not healthy after {timeout:.0f} s")
        time.sleep(_POLL_SECONDS)


def _is_ready(state: services.State) -> bool:
    if state.state == "exited":
        return state.exit_code == 0  # a job that has done its work
    return state.state == "running" and state.health in ("", "healthy")


def _has_failed(state: services.State) -> bool:
    return state.health == "unhealthy" or state.state == "dead" or (state.state == "exited" and state.exit_code != 0)


def _unhealthy(engine: Engine, project: Project, state: services.State, why: str = "") -> UnhealthyError:
    """The failing service's last health output goes into the cause; its last log lines are printed."""
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
