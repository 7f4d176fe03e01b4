"""Services under the debugger of their debug stage, and back to the stage that they declare."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from ddd_tasks import build, console, health, ledger, process, services, worktree
from ddd_tasks import up as upping
from ddd_tasks.compose import Compose
from ddd_tasks.debugging import attach, mapping, overlay, ports, target
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.overlay import STAGE, Wanted
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import ports as holders
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import NotRunningError, PortTakenError, UnknownNameError, UnsupportedError
from ddd_tasks.language import Debug, Language
from ddd_tasks.project import Project, Service

_POLL_SECONDS = 0.05
_LISTEN_SECONDS = 60.0
_ATTEMPTS = 3  # somebody else may take the port while images are built


def start(
    project: Project, service: Service, *, waits: bool = False, timeout: float = health.WAIT_SECONDS
) -> Attachment | None:
    """Start a service from its debug stage and say where its debugger is; None in a dry run.

    waits: the program stops before its first line, until a client comes. A service that runs like this already is left
    as it is. Raises UnsupportedError for a service or language without a debug stage, and what up.start raises.
    """
    language, debug = check(project, service, waits=waits)
    with closing(Engine.connect()) as engine, _alone(project):
        project = worktree.settle(engine, project)
        services.refuse_takeover(engine, project)
        _say_changes(project, service, debug)
        changed = _started(engine, project, service, debug, waits=waits, timeout=timeout)
        if process.is_dry():
            return None
        found = _await_debugger(engine, changed, changed.services[service.name], debug)
        return _attachment(changed, found, language, debug)


def _started(
    engine: Engine, project: Project, service: Service, debug: Debug, *, waits: bool, timeout: float
) -> Project:
    """Start the service, and return the project with all that run their debug stage as they do."""
    known = overlay.running(engine, project)
    before = _containers(engine, project, service.name)
    for attempt in range(_ATTEMPTS):
        wanted = known | {service.name: _wanted(engine, project, service, debug, known.get(service.name), waits=waits)}
        changed = overlay.applied(project, list(wanted.values()), _debugs(project, wanted))
        stopped = set(known)
        try:
            upping.start(changed, [service.name], timeout=timeout, stopped=stopped)
            break
        except PortTakenError:
            port = wanted[service.name].port
            is_ours = port and holders.holder(engine, ports.ADDRESS, port)
            if service.name in known or not is_ours or attempt == _ATTEMPTS - 1:
                raise
    if not (waits or process.is_dry()) and before != _containers(engine, project, service.name):
        names = [one.name for one in upping.select(changed, [service.name])]
        health.wait(changed, names, timeout=timeout, stopped=stopped - {service.name})
    return changed


def stop(project: Project, names: Sequence[str] = ()) -> list[str]:
    """Bring services back from their debug stage: all, or these; which they were.

    One that did not run before is removed again. Debuggers that were brought to the services are taken away, too.
    """
    with closing(Engine.connect()) as engine, _alone(project):
        services.refuse_takeover(engine, project)
        known = overlay.running(engine, project)
        gone = {name: one for name, one in known.items() if not names or name in names}
        if process.is_dry():
            return list(gone)
        attach.detach(project, names)
        kept = {name: one for name, one in known.items() if name not in gone}
        changed = overlay.applied(project, list(kept.values()), _debugs(project, kept))
        if removed := [name for name, one in gone.items() if not one.ran_before]:
            Compose(project).run("--profile", "*", "rm", "--stop", "--force", *removed, quiet=True)
        if back := [name for name, one in gone.items() if one.ran_before]:
            upping.start(changed, back, stopped=list(kept))
        for name in gone:
            with suppress(ApiError):  # somebody else's container may be of it
                engine.delete(f"/images/{overlay.image(project, project.services[name])}")
    return list(gone)


def check(project: Project, service: Service, *, waits: bool) -> tuple[Language, Debug]:
    """The language of a service that can be started from its debug stage. Raises UnsupportedError, UnknownNameError."""
    attach_hint = f"ddd debug.attach --service {service.name}"
    if service.build is None or service.build.is_remote:
        cause = f"it runs the image {service.image}" if service.build is None else "its source is not here"
        raise UnsupportedError(
            f"service {service.name!r} has no debug stage: it is not built here", cause=cause, hint=attach_hint
        )
    language = services.language_of(service)
    if language is None or language.debug is None:
        raise UnsupportedError(
            f"debugging service {service.name!r} is not supported",
            cause=f"there is no debugger for {language.name}" if language else "its code does not show its language",
            hint="ddd languages",
        )
    try:
        build.dockerfile_of(project, service).stage(STAGE)
    except UnknownNameError as error:
        error.cause = "debug.up starts the stage of that name; a debugger can be brought to the others"
        error.hint = attach_hint
        raise
    if waits and language.debug.wait is None:
        raise UnsupportedError(
            f"--wait is not supported for {language.name}",
            cause="its debugger is started by the editor, when the program runs already",
            hint=f"ddd debug.up --service {service.name}",
        )
    return language, language.debug


def _wanted(
    engine: Engine, project: Project, service: Service, debug: Debug, known: Wanted | None, *, waits: bool
) -> Wanted:
    """How the service is to run; its debugger keeps the port that it has."""
    config = build.configuration(project)["services"][service.name]
    can_publish = overlay.check_network(service, config)
    if known:
        return known._replace(waits=waits)
    if not process.is_dry():
        attach.detach(project, [service.name])
    own = [port for port in service.ports if port.target == debug.port]
    for port in own:
        if port.host_ip not in ("127.0.0.1", "::1"):
            console.warning(
                f"service {service.name!r} publishes port {port.target} on every address of this machine: "
                "whoever reaches it can run programs in the container"
            )
    is_ours = debug.port is not None and can_publish and not own
    host_port = next(ports.candidates(engine, project, service.name, debug.port)) if is_ours and debug.port else 0
    return Wanted(service.name, host_port, waits, bool(_containers(engine, project, service.name)))


def _say_changes(project: Project, service: Service, debug: Debug) -> None:
    """Say what of the service's entry in the Compose file is not in force."""
    config = build.configuration(project)["services"][service.name]
    replaced = overlay.replaced(config, build.dockerfile_of(project, service))
    if replaced:
        what = f"{' and '.join(replaced)} of service {service.name!r} in {project.files[0].name}"
        console.note(f"not in force while the debug stage runs, whose own words start the debugger: {what}")
    if overlay.is_loosened(config, debug):
        console.note(
            f"not in force while the debug stage runs, which builds the program: read_only of service {service.name!r}"
        )


def _await_debugger(engine: Engine, project: Project, service: Service, debug: Debug) -> Target:
    """The running container, once its debugger listens; looked up in its tables, since connecting would disturb it."""
    deadline = time.monotonic() + _LISTEN_SECONDS
    while True:
        found = target.find(engine, project, service)
        if debug.port is None or debug.port in target.listeners(found):
            return found
        if time.monotonic() > deadline:
            raise NotRunningError(
                f"no debugger listens in service {service.name!r}",
                cause=f"nothing has opened port {debug.port} in it within {_LISTEN_SECONDS:.0f} s, as its debug stage "
                f"has to; its ports are: {', '.join(map(str, sorted(target.listeners(found)))) or 'none'}",
                hint=f"ddd dev.logs --service {service.name}",
            )
        time.sleep(_POLL_SECONDS)


def _attachment(project: Project, found: Target, language: Language, debug: Debug) -> Attachment:
    service = found.service
    if debug.port is not None and (at := found.published(debug.port)):
        ports.remember(project, service.name, at[1])
    if debug.port is None:
        known = mapping.mappings(project, service, language, STAGE)
        chosen = found.process(debug)
        name, pid = found.info["Name"].lstrip("/"), chosen.inner if chosen else 1
        return Attachment(service.name, language, name, 0, pid, found.id, False, known)
    return attach.attach(project, service)


def _debugs(project: Project, names: Collection[str]) -> dict[str, Debug]:
    found = {name: services.language_of(project.services[name]) for name in names}
    return {name: language.debug for name, language in found.items() if language and language.debug}


def _containers(engine: Engine, project: Project, name: str) -> set[str]:
    """The running containers of a service."""
    states = services.states(engine, project)
    return {state.container for state in states if state.service == name and state.state == "running"}


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    with ledger.alone(f"debug-up-{project.name}", waiting=f"waiting: another debug.up of {project.name!r} is at work"):
        yield
