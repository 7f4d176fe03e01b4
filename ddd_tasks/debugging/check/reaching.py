"""How a check gets to a debugger: the port that debug.attach says, or a program of the container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ddd_tasks import process, services
from ddd_tasks.debugging import attach, files, mapping, target
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.clients import opening
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.project import Project, Service


@contextmanager
def reached(engine: Engine, project: Project, service: Service) -> Iterator[Attachment]:
    """A debugger of the service as long as the block lasts. Raises what debug.attach raises."""
    language = services.language_of(service)
    if _has_no_port(language):
        yield _inside(engine, project, service, language)
    else:
        attachment = attach.attach(project, service, is_kept=False)
        try:
            yield attachment
        finally:
            attach.leave(project, service.name)


def announce(engine: Engine, project: Project, service: Service) -> None:
    """Print about the same as commands that can be pasted; nothing where a debugger is there already."""
    language = services.language_of(service)
    if _has_no_port(language):
        process.announce(opening.command(_inside(engine, project, service, language)))
    else:
        attach.announce(project, service)


def notes(attachment: Attachment) -> list[str]:
    """What people have to know of this debugger."""
    if attachment.port:
        return []
    return [f"not verified: no test of ours could run the debugger of {attachment.language.name}"]


def _has_no_port(language: Language | None) -> bool:
    return bool(language and language.debug and language.debug.port is None)


def _inside(engine: Engine, project: Project, service: Service, language: Language | None) -> Attachment:
    """The program that debugs in the service's container: not verified with netcoredbg. Raises UnsupportedError."""
    assert language is not None
    assert language.debug is not None
    found = target.find(engine, project, service)
    name, path = language.debug.debuggers[0]
    if not files.exists(engine, found.id, path):
        raise UnsupportedError(
            f"service {service.name!r} has no {name}",
            cause=f"what debugs {language.name} is a program of the container, and {path} is not there:\n"
            "the debug stage has it",
            hint=f"ddd debug.up --service {service.name}",
        )
    served = found.process(language.debug) or found.process(None)
    known = mapping.mappings(project, service, language, found.stage)
    container, pid = found.info["Name"].lstrip("/"), served.inner if served else 1
    return Attachment(service.name, language, container, 0, pid, found.id, is_live=False, mappings=known)
