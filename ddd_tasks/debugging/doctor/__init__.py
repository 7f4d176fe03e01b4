"""Why a service can or cannot be debugged: findings with their fixes. No port is connected to, no service is changed.

A container of the toolbox tells what only it can see; a dry run shows its command and leaves that out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

from ddd_tasks import build, process, services
from ddd_tasks.debugging import mapping, target, toolbox
from ddd_tasks.debugging.doctor import code, inside, leftovers, ports, rights, runtime, stage
from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Inside, Subject
from ddd_tasks.debugging.overlay import STAGE
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, NotRunningError
from ddd_tasks.language import Language
from ddd_tasks.project import Project, Service

COLUMNS = ("service", "check", "state", "what", "fix")
Check = Callable[[Subject], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    rights.running,
    runtime.interpreter,
    rights.user,
    rights.capabilities,
    rights.needless,
    rights.tracing,
    rights.read_only,
    ports.listening,
    ports.published,
    ports.host_port,
    stage.debug_stage,
    stage.patience,
    code.mappings,
    leftovers.entries,
)


class Row(NamedTuple):
    """A finding and the service that it is of."""

    service: str
    finding: Finding

    @property
    def cells(self) -> dict[str, str]:
        """The cells of the table; a fix stands below what it mends."""
        one = self.finding
        return {"service": self.service, "check": one.check, "state": one.state, "what": one.what, "fix": one.fix}

    def as_dict(self) -> dict[str, Any]:
        """The fields of debug.doctor --json."""
        return {**self.cells, "fix": self.finding.fix or None}


def examine(project: Project, wanted: Sequence[Service]) -> list[Row]:
    """What is found about these services, in the order of the checks. Raises EngineError when no engine answers."""
    with closing(Engine.connect()) as engine:
        rows = [Row(one.name, finding) for one in wanted for finding in _findings(_subject(engine, project, one))]
        names = {one.name for one in wanted}
        left = leftovers.sidecars(engine, project)
        return rows + [Row(name, finding) for name, finding in left if name in names or name not in project.services]


def has_problem(rows: Iterable[Row]) -> bool:
    """Whether something keeps a debugger from working, or endangers the service."""
    return any(row.finding.state == PROBLEM for row in rows)


def candidates(project: Project) -> list[Service]:
    """The services whose language the files tell; all, where they tell none: then the running programs may."""
    every = list(project.services.values())
    return [service for service in every if services.language_of(service)] or every


def _findings(subject: Subject) -> Iterator[Finding]:
    for check in CHECKS:
        try:
            yield from check(subject)
        except DddError as error:
            yield _of_error(check.__name__.replace("_", " "), error)
    if subject.why_not and subject.container:
        yield subject.why_not._replace(what=f"not all could be looked at: {subject.why_not.what}", state=WARNING)


def _of_error(check: str, error: DddError) -> Finding:
    """A refusal as a finding: it has a cause and a command already."""
    cause = error.cause.splitlines()
    return Finding(check, PROBLEM, f"{error.what}: {cause[-1]}" if cause else error.what, error.hint)


def _subject(engine: Engine, project: Project, service: Service) -> Subject:
    """All that is known of a service, as far as it can be asked for."""
    found = Subject(engine, project, service, services.language_of(service))
    try:
        identifier = services.running(engine, project, service)
        found = replace(found, container=engine.get(f"/containers/{identifier}/json"))
    except NotRunningError as error:
        found = replace(found, state=error.cause or error.what)
    found = _with_stage(found)
    is_paused = bool(found.container) and found.container["State"].get("Paused")
    return _with_inside(found) if found.container and not is_paused else found


def _with_stage(found: Subject) -> Subject:
    """With its debug stage; a Dockerfile that cannot be read is a matter of other tasks."""
    service = found.service
    if service.build is None or service.build.is_remote:
        return found
    try:
        stages = [one for one in build.dockerfile_of(found.project, service).stages if one.name == STAGE]
    except DddError as error:
        return replace(found, why_not=_of_error("facts", error))
    return replace(found, debug_stage=stages[-1] if stages else None)


def _with_inside(found: Subject) -> Subject:
    """With its mappings, as its container runs, and with what a container beside it sees."""
    try:
        running = target.find(found.engine, found.project, found.service)
        language = found.language or target.language_of(running)
        found = replace(found, language=language)
        found = replace(found, mappings=mapping.mappings(found.project, found.service, language, running.stage))
        return replace(found, inside=_look(found, running, language))
    except DddError as error:
        return replace(found, why_not=_of_error("facts", error))


def _look(found: Subject, running: Target, language: Language) -> Inside | None:
    if language.debug is None:
        return None
    if process.is_dry():
        image = toolbox.image(language.name)
        inside.announce(found.engine, found.project, running, language.debug, image)
        return None
    image = toolbox.ensure(found.engine, found.project, language.name)
    return inside.look(found.engine, found.project, running, language.debug, image)


__all__ = ["COLUMNS", "OK", "PROBLEM", "WARNING", "Finding", "Row", "candidates", "examine", "has_problem"]
