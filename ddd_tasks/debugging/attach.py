"""Attaching to a service that runs: by the debugger that it has, else by one that is brought to it; and letting go."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from zlib import crc32

from ddd_tasks import console, ledger, process
from ddd_tasks.debugging import beside, mapping, ports, rights, sidecar, target, toolbox
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.beside import Plan
from ddd_tasks.debugging.sidecar import OtherPythonError, Pair
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError
from ddd_tasks.language import Language, PathMapping
from ddd_tasks.project import Project, Service


def attach(project: Project, service: Service, *, port: int = 0, is_kept: bool = True) -> Attachment:
    """A debugger of the service that an editor can connect to now, the same one as long as it works.

    port: the host port that it has to be on, 0 for any. is_kept: it stays until detach; else leave takes it away,
    unless somebody wants to keep it. The service is not restarted and its container stays as it is. Raises
    NotRunningError, UnsupportedError, PortTakenError, EngineError; then what was there before is still there, and
    nothing more.
    """
    with alone(project, service.name), closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        mappings = _Mappings(project, service, language, found.stage)
        own = _own(found, language)
        if own and not port:
            return Attachment(service.name, language, *own, _pid(found, language), found.id, False, mappings.wait())
        target.debug_of(language, service)
        before = sidecar.find(engine, project, found)
        with _undone(project, service.name, before):
            pair = _pair(engine, project, found, language, port, before)
            known = mapping.for_binary(mappings.wait(), pair.facts)
        ports.remember(project, service.name, pair.port)
        if is_kept and pair.sidecar:
            ports.keep(project, service.name, pair.sidecar)
        pid = int(pair.facts.get("pid", 0))
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

    The services run on. A debugger that is just being brought is waited for. Raises EngineError when no engine answers.
    """
    with closing(Engine.connect()) as engine:
        if process.is_dry():
            return [name for name in sidecar.names(engine, project) if not services or name in services]
        return [name for name in services or sidecar.names(engine, project) if _detached(engine, project, name)]


def leave(project: Project, service: str) -> None:
    """Take away a debugger that attach has brought with is_kept=False, unless it was asked for otherwise, too."""
    with closing(Engine.connect()) as engine, alone(project, service):
        if not sidecar.has(engine, project, service, ports.kept(project, service)):
            sidecar.remove(engine, project, service)


def _detached(engine: Engine, project: Project, service: str) -> bool:
    with alone(project, service):
        return sidecar.remove(engine, project, service) > 0


def alone(project: Project, service: str) -> AbstractContextManager[None]:
    """Nobody else brings a debugger to this service, or takes it away, in the block."""
    return only_one(project, service, "debug", "debug.attach or debug.detach")


def only_one(project: Project, service: str, kind: str, tasks: str) -> AbstractContextManager[None]:
    """Nobody else is in a block of this kind for this service. tasks: which may be, for the words of who waits."""
    name = f"{kind}-{crc32(str(project.directory).encode()):08x}-{service}"
    return ledger.alone(name, waiting=f"another {tasks} is at work on service {service!r}: waiting for it")


@contextmanager
def _undone(project: Project, service: str, before: Pair) -> Iterator[None]:
    """What the block starts beside a service is removed where the block fails; what was there before stays."""
    try:
        yield
    except BaseException:
        with suppress(DddError), closing(Engine.connect()) as engine:
            sidecar.remove(engine, project, service, but=(before.sidecar, before.forwarder))
        raise


def _own(found: Target, language: Language) -> tuple[str, int] | None:
    """Where this machine reaches a debugger that the service's own container has, or None."""
    if language.debug is None or language.debug.port is None:
        return None
    reachable = found.published(language.debug.port)
    # On loopback, where only the container itself reaches it, publishing is of no use.
    return reachable if reachable and target.listeners(found).get(language.debug.port) is False else None


def _pair(engine: Engine, project: Project, found: Target, language: Language, port: int, before: Pair) -> Pair:
    """The two containers, started as far as they are not there. What it replaces is removed once they work."""
    name = found.service.name
    pair = before._replace(forwarder=None, port=0) if port and before.port != port else before
    if pair.is_whole:
        return pair
    if port and pair.forwarder is None:
        ports.check(engine, name, port)
    sidecar.remove(engine, project, name, but=(before.sidecar, before.forwarder))
    python = toolbox.python_of(found, language)
    image = toolbox.ensure(engine, project, language.name, python)
    try:
        made = _started(engine, project, found, language, image, port, pair)
    except OtherPythonError as error:
        sidecar.remove(engine, project, name, but=(before.sidecar, before.forwarder))
        if error.python == python:  # there was none, and ensure has said so
            raise
        other = toolbox.ensure(engine, project, language.name, error.python)
        if other == image:
            raise
        made = _started(engine, project, found, language, other, port, pair)
    if before.forwarder not in (None, made.forwarder):
        sidecar.remove(engine, project, name, but=(made.sidecar, made.forwarder))
    return made


def _started(
    engine: Engine, project: Project, found: Target, language: Language, image: str, port: int, pair: Pair
) -> Pair:
    """What the pair lacks, started from this toolbox. Raises OtherPythonError, DddError."""
    plan = _plan(engine, project, found, language, image, port)
    if plan.rights.reason:
        console.note(f"the sidecar of service {found.service.name!r} gets {rights.PTRACE}: {plan.rights.reason}")
    return sidecar.complete(project, found, plan, pair)


def _plan(engine: Engine, project: Project, found: Target, language: Language, image: str, port: int) -> Plan:
    debug = target.debug_of(language, found.service)
    # On the network of this machine the debugger takes its usual port itself.
    usual = 0 if found.info["HostConfig"]["NetworkMode"] == "host" else debug.port or 0
    return Plan(
        image,
        rights.of(engine, found, debug),
        (
            *("--language", language.name, "--pattern", debug.programs, "--port", str(debug.port or 0)),
            *(("--pid", str(pid)) if (pid := found.among_others(debug)) else ()),
        ),
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
