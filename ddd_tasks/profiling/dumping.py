"""What every thread of a running service does at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.debugging import mapping, target
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling.sampling import sampler
from ddd_tasks.project import Project, Service


class Call(NamedTuple):
    """A frame of a thread. path: its file on this machine, None for one of the image; local: name -> value as text."""

    function: str
    file: str
    line: int
    path: Path | None
    local: dict[str, str]

    def lines(self) -> Iterator[str]:
        """As a person reads it."""
        yield f"  {self.function} ({self.path or self.file}:{self.line})"
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
    """All threads of the service and of its child processes; None in a dry run. Raises as sampling.cpu does."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        said = sampler(language, service, "dump")(engine, project, found, language, with_locals=with_locals)
    if said is None:
        return None
    return parse(said, mapping.mappings(project, service, language, found.stage))


def parse(said: Sequence[Any], known: Sequence[PathMapping]) -> list[Thread]:
    """The threads in the words of `py-spy dump --json`."""
    return [
        Thread(
            int(one["pid"]),
            str(one.get("thread_name") or one.get("os_thread_id") or one["thread_id"]),
            bool(one["active"]),
            [_call(frame, known) for frame in one["frames"]],
        )
        for one in said
    ]


def _call(frame: Any, known: Sequence[PathMapping]) -> Call:
    file = str(frame["filename"])
    path = mapping.to_host(known, file) if file.startswith("/") else None
    local = {str(one["name"]): str(one.get("repr")) for one in frame.get("locals") or ()}
    return Call(str(frame["name"]), file, int(frame["line"]), path if path and path.is_file() else None, local)
