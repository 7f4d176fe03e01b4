"""What the doctor looks at, asked for once: this machine, its engine and the project of a directory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddd_tasks import composefiles
from ddd_tasks import project as projects
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.project import Project


@dataclass(frozen=True)
class Subject:
    """A directory and what is known of it. Without an engine, no_engine says why; without a project, no_project.

    Both are None as well where a directory has no Compose file, which is no fault. facts, version: the engine's
    answers to /info and /version; looked_at: when they were given, in seconds since 1970.
    """

    directory: Path
    engine: Engine | None = None
    no_engine: DddError | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    version: Mapping[str, Any] = field(default_factory=dict)
    project: Project | None = None
    no_project: DddError | None = None
    looked_at: float = field(default_factory=time.time)


def look(directory: Path) -> Subject:
    """What can be found out about a directory; what goes wrong is part of it."""
    engine: Engine | None = None
    no_engine: DddError | None = None
    facts: Mapping[str, Any] = {}
    version: Mapping[str, Any] = {}
    looked_at = time.time()
    try:
        engine = Engine.connect()
        version, facts = engine.get("/version"), engine.get("/info")
        looked_at = time.time()
    except DddError as error:
        engine, no_engine = None, error
    project, no_project = _project(directory)
    return Subject(directory, engine, no_engine, facts, version, project, no_project, looked_at)


def _project(directory: Path) -> tuple[Project | None, DddError | None]:
    try:
        composefiles.find(directory)
    except ConfigError:
        return None, None
    try:
        return projects.load(directory), None
    except DddError as error:
        return None, error
