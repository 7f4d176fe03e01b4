"""The stages of a Dockerfile: what each is for, what it stands on, how large its image is, which sessions run in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from ddd_tasks import build, console
from ddd_tasks.ci import jobs
from ddd_tasks.ci.jobs import Job
from ddd_tasks.dockerfile import Stage
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.bases import familiar
from ddd_tasks.errors import ConfigError
from ddd_tasks.sessions import options, tags
from ddd_tasks.sessions import source as sources
from ddd_tasks.sessions.source import Source


class Row(NamedTuple):
    """One stage. base: an image or a stage; stand_in: the image used instead of it; size: bytes, None if not built."""

    stage: str
    base: str
    stand_in: str
    purpose: str
    size: int | None
    sessions: tuple[str, ...]

    @property
    def row(self) -> dict[str, str]:
        """The cells of stage.list."""
        base = f"{self.base} ({self.stand_in})" if self.stand_in else self.base
        size, sessions = human(self.size), ", ".join(self.sessions) or "-"
        return {"stage": self.stage, "base": base, "for": self.purpose, "size": size, "session": sessions}

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {**self._asdict(), "stand_in": self.stand_in or None, "sessions": list(self.sessions)}


def rows(origin: Source, service: str | None = None) -> list[Row]:
    """Every stage of the Dockerfile, in its order. Raises ConfigError, EngineError when no engine answers."""
    parsed, stand_ins, found = origin.stages(), build.stand_ins(origin.project), container_sessions(origin)
    with closing(Engine.connect()) as engine:
        return [_row(origin, stage, service, stand_ins, found, engine) for stage in parsed.stages]


def image_of(engine: Engine, origin: Source, stage: str, service: str | None, found: list[Job]) -> dict[str, Any]:
    """The engine's entry of the newest image that was built of a stage; {} when there is none."""
    entries = [entry for name in _names(origin, stage, service, found) if (entry := _inspect(engine, name))]
    return max(entries, key=_when_named, default={})


def _when_named(entry: Mapping[str, Any]) -> str:
    """When an image got its name: one that came from the cache as a whole was created long before."""
    return str((entry.get("Metadata") or {}).get("LastTagTime") or entry.get("Created") or "")


def human(size: int | None) -> str:
    """Bytes as people read them; a dash for None."""
    if size is None:
        return "-"
    number, units = float(size), ["B", "kB", "MB", "GB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if number >= 100 or units[0] == "B" else f"{number:.1f} {units[0]}"


def _row(
    origin: Source, stage: Stage, service: str | None, stand_ins: Mapping[str, str], found: list[Job], engine: Engine
) -> Row:
    name = stage.name or f"stage-{stage.index}"
    entry = image_of(engine, origin, stage.name, service, found) if stage.name else {}
    sessions = tuple(job.session for job in found if job.stage.lower() == stage.name)
    stand_in = "" if stage.base_stage else stand_ins.get(familiar(stage.base), "")
    return Row(name, stage.base, stand_in, stage.description.rstrip("."), entry.get("Size"), sessions)


def container_sessions(origin: Source) -> list[Job]:
    """The sessions of the project's noxfile that run in this Dockerfile; [] where there are none."""
    if not (origin.directory / jobs.NOXFILE).is_file():
        return []
    try:
        found = jobs.find(origin.directory, everything=True)
    except ConfigError as error:
        if "cannot be loaded" in error.what:
            console.warning(f"{error.what}: {error.cause.splitlines()[-1] if error.cause else 'no reason given'}")
        return []
    return [job for job in found if _is_of(job, origin)]


def _is_of(job: Job, origin: Source) -> bool:
    try:
        return sources.find(job.options, origin.directory).dockerfile.resolve() == origin.dockerfile.resolve()
    except ConfigError:
        return False


def _names(origin: Source, stage: str, service: str | None, found: list[Job]) -> Iterator[str]:
    """What an image of a stage may be called: by us, for a session, and by Compose."""
    yield tags.tag(origin, options.make(stage, service=service))
    yield tags.tag(origin, options.make(stage))
    yield from (tags.tag(origin, job.options) for job in found if job.stage.lower() == stage)
    last = origin.stages().stages[-1].name
    for one in origin.project.services.values():
        if one.build and one.build.dockerfile == origin.dockerfile and (one.build.target or last) == stage:
            yield one.image or f"{origin.project.name}-{one.name}"


def _inspect(engine: Engine, name: str) -> dict[str, Any]:
    try:
        return dict(engine.get(f"/images/{name}/json"))
    except ApiError:
        return {}
