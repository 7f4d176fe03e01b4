"""The services that editors can attach to, each with the place where its debugger is, or will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from ddd_tasks import languages, process
from ddd_tasks import services as containers
from ddd_tasks.compose import SERVICE_LABEL
from ddd_tasks.debugging import mapping, ports, sidecar
from ddd_tasks.debugging import target as running
from ddd_tasks.debugging.editors.base import Target
from ddd_tasks.debugging.sidecar import Pair
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import NotRunningError, UnknownNameError, UnsupportedError
from ddd_tasks.language import Debug, Language
from ddd_tasks.project import Project, Service


def find(project: Project, services: Sequence[Service]) -> tuple[Target, ...]:
    """Those of the services whose language has a debugger. Raises UnsupportedError where there is none."""
    with closing(Engine.connect()) as engine:
        names = _names(engine, project)
        found: list[Target] = []
        for service in services:
            target = _target(engine, project, service, names, [one.port for one in found])
            found += [target] if target else []
    if not found:
        raise UnsupportedError(
            f"no debugger is known for {' and '.join(repr(service.name) for service in services) or 'any service'}",
            cause="neither x-ddd nor a folder with code says that it is written in one of these languages",
            valid=[language.name for language in languages.LANGUAGES if language.debug],
            hint="ddd languages",
        )
    return tuple(found)


def debugger(found: Sequence[Target], name: str) -> str:
    """The path in the container of the debugger of this name; "" without a name. Raises UnknownNameError."""
    known = {key: path for one in found if one.language.debug for key, path in one.language.debug.debuggers}
    if not name:
        return ""
    if name not in known:
        raise UnknownNameError("debugger", name, known, where="the languages of these services", hint="ddd languages")
    return known[name]


def _target(
    engine: Engine, project: Project, service: Service, names: Mapping[str, str], taken: Sequence[int]
) -> Target | None:
    there = _running(engine, project, service)
    language = _language(service, there)
    if language is None or language.debug is None:
        return None
    pair = sidecar.find(engine, project, there) if there else Pair()
    known = mapping.mappings(project, service, language, there.stage if there else None)
    container = names.get(service.name, f"{project.name}-{service.name}-1")
    host, port = container, 0
    if language.debug.port is not None:
        host = ports.ADDRESS
        port = _port(project, service, language.debug, there, pair)
        port = port or _new(engine, project, service, language.debug.port, taken)
    return Target(service.name, language, host, port, mapping.for_binary(known, pair.facts), container)


def _running(engine: Engine, project: Project, service: Service) -> running.Target | None:
    try:
        return running.find(engine, project, service)
    except (NotRunningError, UnsupportedError):
        return None


def _language(service: Service, there: running.Target | None) -> Language | None:
    """The language that the service's entry or code shows, or else its process."""
    if found := containers.language_of(service):
        return found
    try:
        return running.language_of(there) if there else None
    except UnsupportedError:
        return None


def _port(project: Project, service: Service, debug: Debug, there: running.Target | None, pair: Pair) -> int:
    """The host port that debug.attach would name, 0 where it has to choose one."""
    assert debug.port is not None
    if there is None:
        declared = [port.published for port in service.ports if port.target == debug.port]
        return int(declared[0]) if declared and declared[0].isdigit() else 0
    own = there.published(debug.port)
    if own and (there.listening or {}).get(debug.port) is False:
        return own[1]
    if pair.is_whole:
        return pair.port
    # What debug.up has published may only just be starting.
    return own[1] if own and own[1] == ports.recall(project).get(service.name) else 0


def _new(engine: Engine, project: Project, service: Service, usual: int, taken: Sequence[int]) -> int:
    """The port that debug.attach will take: the remembered one where it can be had."""
    port = next(port for port in ports.candidates(engine, project, service.name, usual) if port not in taken)
    if not process.is_dry():
        ports.remember(project, service.name, port)
    return port


def _names(engine: Engine, project: Project) -> dict[str, str]:
    """Service -> the name of its first container, as far as there is one."""
    found: dict[str, str] = {}
    for entry in containers.listed(engine, project):
        found.setdefault(entry["Labels"].get(SERVICE_LABEL, ""), entry["Names"][0].lstrip("/"))
    return found
