"""What every thread of a running service does at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.debugging import mapping, target
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import summary
from ddd_tasks.profiling.samplers import subject
from ddd_tasks.profiling.sampling import sampler
from ddd_tasks.project import Project, Service


class Call(NamedTuple):
    """A frame of a thread. file: in the container; local: name -> value as text.

    path: its file on this machine, None for one of the image; a sampler leaves it out.
    """

    function: str
    file: str
    line: int
    local: dict[str, str]
    path: Path | None = None

    def lines(self) -> Iterator[str]:
        """As a person reads it."""
        yield f"  {self.function} ({self.path or self.file}:{self.line})" if self.file else f"  {self.function}"
        yield from (f"      {name} = {value}" for name, value in self.local.items())


class Thread(NamedTuple):
    """A thread and its calls, the innermost first. is_active: whether it is at work, and does not wait."""

    process: int
    name: str
    is_active: bool
    calls: list[Call]

    def lines(self) -> Iterator[str]:
        """As a person reads it."""
        yield f"process {self.process}, thread {self.name}: {'at work' if self.is_active else 'waits'}"
        for call in self.calls:
            yield from call.lines()

    def as_dict(self) -> dict[str, Any]:
        """The fields of profile.dump --json."""
        calls = [{**call._asdict(), "path": str(call.path) if call.path else None} for call in self.calls]
        return {"process": self.process, "thread": self.name, "active": self.is_active, "calls": calls}


def threads(project: Project, service: Service, *, with_locals: bool = False) -> list[Thread] | None:
    """All threads of the service and of its child processes, with paths; None in a dry run.

    Raises as sampling.record does.
    """
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        subject.say_which(engine, found)
        dump = sampler(language, service, "dump")
        seen: list[Thread] | None = dump(engine, project, found, language, with_locals=with_locals)
    if seen is None:
        return None
    known = mapping.mappings(project, service, language, found.stage)
    return [placed(thread, known) for thread in seen]


def placed(thread: Thread, known: Sequence[PathMapping]) -> Thread:
    """The thread with the paths of this machine."""
    return thread._replace(calls=[_placed(call, known) for call in thread.calls])


def _placed(call: Call, known: Sequence[PathMapping]) -> Call:
    return call._replace(path=summary.on_host(known, call.file))
