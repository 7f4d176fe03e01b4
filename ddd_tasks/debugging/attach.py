"""Attaching to a service that runs: by the debugger that it has, else by one that is brought to it; and letting go."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from zlib import crc32

from ddd_tasks import console, ledger, process
from ddd_tasks.debugging import beside, mapping, ports, rights, sidecar, target, toolbox
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.beside import Plan
from ddd_tasks.debugging.sidecar import Pair
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import Language, PathMapping
from ddd_tasks.project import Project, Service


def attach(project: Project, service: Service, *, port: int = 0) -> Attachment:
    """A debugger of the service that an editor can connect to now, the same one as long as it works.

    port: the host port that it has to be on, 0 for any. The service is not restarted and its container stays as it is.
    Raises NotRunningError, UnsupportedError, PortTakenError, EngineError; then nothing of ours is left.
    """
    name = f"debug-{crc32(str(project.directory).encode()):08x}-{service.name}"
    waiting = f"another debug.attach is at work on service {service.name!r}: waiting for it"
    with ledger.alone(name, waiting=waiting), closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        mappings = _Mappings(project, service, language, found.stage)
        own = _own(found, language)
        if own and not port:
            return Attachment(service.name, language, *own, _pid(found, language), found.id, False, mappings.wait())
        target.debug_of(language, service)
        pair = _pair(engine, project, found, language, port)
        ports.remember(project, service.name, pair.port)
        pid = int(pair.facts.get("pid", 0))
        known = mapping.for_binary(mappings.wait(), pair.facts)
        return Attachment(service.name, language, ports.ADDRESS, pair.port, pid, found.id, True, known)


def announce(project: Project, service: Service, *, port: int = 0) -> None:
    """Print about what attach would start, as commands that can be pasted, or nothing where it runs already."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        if _own(found, language) or sidecar.find(engine, project, found).is_whole:
            return
        target.debug_of(language, service)
        image = toolbox.image(language.name, toolbox.python_of(found, language))
        plan = _plan(engine, project, found, language, image, port)
        host_port = next(iter(plan.host_ports))
        for body in (beside.sidecar(project, found, plan), beside.forwarder(project, found, plan, host_port)):
            process.announce(beside.command(body, "--detach"))


def detach(project: Project, services: Sequence[str] = ()) -> list[str]:
    """Take the debuggers away that were brought to these services, or to all, and return the services' names.

    The services run on. Raises EngineError when no engine answers.
    """
    with closing(Engine.connect()) as engine:
        wanted = [name for name in sidecar.names(engine, project) if not services or name in services]
        for name in wanted if not process.is_dry() else ():
            sidecar.remove(engine, project, name)
    return wanted


def _own(found: Target, language: Language) -> tuple[str, int] | None:
    """Where this machine reaches a debugger that the service's own container has, or None."""
    if language.debug is None or language.debug.port is None:
        return None
    reachable = found.published(language.debug.port)
    is_there = found.listening is not None and found.listening.get(language.debug.port) is False
    return reachable if reachable and is_there else None


def _pair(engine: Engine, project: Project, found: Target, language: Language, port: int) -> Pair:
    """The two containers, started as far as they are not there."""
    name = found.service.name
    pair = sidecar.find(engine, project, found)
    if port and pair.port != port:
        pair = pair._replace(forwarder=None, port=0)
    if pair.is_whole:
        return pair
    image = toolbox.ensure(engine, project, language.name, toolbox.python_of(found, language))
    sidecar.remove(engine, project, name, but=(pair.sidecar, pair.forwarder))
    plan = _plan(engine, project, found, language, image, port)
    if plan.rights.reason:
        console.note(f"the sidecar of service {name!r} gets {rights.PTRACE}: {plan.rights.reason}")
    return sidecar.complete(project, found, plan, pair)


def _plan(engine: Engine, project: Project, found: Target, language: Language, image: str, port: int) -> Plan:
    debug = target.debug_of(language, found.service)
    # On the network of this machine the debugger takes its usual port itself.
    usual = 0 if found.info["HostConfig"]["NetworkMode"] == "host" else debug.port or 0
    return Plan(
        image,
        rights.of(engine, found, debug),
        ("--language", language.name, "--pattern", debug.programs, "--port", str(debug.port or 0)),
        ports.candidates(engine, project, found.service.name, usual, port),
    )


def _pid(found: Target, language: Language) -> int:
    """The process as its container numbers it; 1 where this machine cannot tell."""
    chosen = found.process(language.debug)
    return chosen.inner if chosen else 1


class _Mappings:
    """The path mappings, found out while containers start."""

    def __init__(self, project: Project, service: Service, language: Language, stage: str | None) -> None:
        self._found: tuple[PathMapping, ...] = ()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._find, args=(project, service, language, stage), daemon=True)
        self._thread.start()

    def wait(self) -> tuple[PathMapping, ...]:
        """The mappings. Raises what went wrong."""
        self._thread.join()
        if self._problem:
            raise self._problem
        return self._found

    def _find(self, project: Project, service: Service, language: Language, stage: str | None) -> None:
        try:
            self._found = mapping.mappings(project, service, language, stage)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._problem = error
