"""What the doctor looks at, asked for once: this machine, its engine and the project of a directory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ddd_tasks import composefiles
from ddd_tasks import project as projects
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.engine import endpoint as endpoints
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, DddError, EngineError
from ddd_tasks.project import Project

PATIENCE = 10.0  # seconds in which an engine has to answer; one that is well needs hundredths
READING = 60.0  # seconds for Compose, which may have to fetch what an include names


@dataclass(frozen=True)
class Subject:
    """A directory and what is known of it. Without an engine, no_engine says why; without a project, no_project.

    project and no_project are both None where a directory has no Compose file, which is no fault.
    facts, version: the engine's answers to /info and /version; asked: when facts were asked for and when they had
    come, in seconds since 1970. is_silent: something listens at the engine's address, and does not answer.
    """

    directory: Path
    engine: Engine | None = None
    no_engine: DddError | None = None
    is_silent: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    asked: tuple[float, float] = (0.0, 0.0)
    project: Project | None = None
    no_project: DddError | None = None

    @property
    def is_closed(self) -> bool:
        """Whether an engine is there, and this user may not open its socket."""
        return self.no_engine is not None and isinstance(self.no_engine.__cause__, PermissionError)

    @property
    def is_here(self) -> bool:
        """Whether the engine is one of this machine."""
        return self.engine is not None and self.engine.endpoint.is_local_socket

    def alone(self) -> Subject:
        """The same with a connection of its own, for a check that runs beside others."""
        return self if self.engine is None else replace(self, engine=Engine(self.engine.endpoint))

    def file(self, name: str) -> Path | None:
        """A file of the directory, or of the project that it is in."""
        folders = (self.directory, *([self.project.directory] if self.project else []))
        return next((folder / name for folder in folders if (folder / name).is_file()), None)


def look(directory: Path) -> Subject:
    """What can be found out about a directory; what goes wrong is part of it."""
    engine = Asked(_engine)
    project, no_project = _read(Asked(lambda: _project(directory)))
    return replace(_answered(engine), directory=directory, project=project, no_project=no_project)


def _answered(asked: Asked[Subject]) -> Subject:
    try:
        return asked.answer(PATIENCE)
    except DddError as error:
        return Subject(Path(), no_engine=error)
    except TimeoutError:
        what = f"the engine at {endpoints.resolve().host} does not answer within {PATIENCE:.0f} s"
        return Subject(Path(), no_engine=EngineError(what), is_silent=True)
    except (OSError, ValueError, KeyError) as error:  # something else than an engine listens there
        what = f"what listens at {endpoints.resolve().host} is no engine"
        return Subject(Path(), no_engine=EngineError(what, cause=str(error)))


def _engine() -> Subject:
    engine = Engine.connect()
    version = engine.get("/version")
    before = time.time()
    facts = engine.get("/info")
    return Subject(Path(), engine, version=version, facts=facts, asked=(before, time.time()))


def _read(asked: Asked[tuple[Project | None, DddError | None]]) -> tuple[Project | None, DddError | None]:
    try:
        return asked.answer(READING)
    except TimeoutError:
        what = f"Compose has not read the project within {READING:.0f} s"
        return None, DddError(what, hint="docker compose config")


def _project(directory: Path) -> tuple[Project | None, DddError | None]:
    try:
        files = composefiles.find(directory)
    except ConfigError as error:
        # Only the refusal that no file is there at all says which names one could have.
        return (None, None) if error.valid == tuple(sorted(composefiles.NAMES)) else (None, error)
    try:
        return projects.load(directory), None
    except DddError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 - what answers in Compose's place may say anything
        what = f"what Compose says of {files[0]} cannot be used"
        return None, ConfigError(what, cause=f"{type(error).__name__}: {error}", hint="docker compose config")
