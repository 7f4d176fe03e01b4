"""The image that the last build made, for as long as building again would make the same one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import build, fingerprint, notebook
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.fingerprint import Note, Watched
from ddd_tasks.project import Project

# Set to anything, everything is built, whatever is remembered.
OVERRIDE = "DDD_ALWAYS_BUILD"
_FORMAT = 2


def find(engine: Engine, project: Project, name: str, *given: Any) -> str | None:
    """The id of the image of that name where all that its last build depended on is the same; otherwise None.

    given: whatever else decides about the build.
    """
    stored = notebook.read(_file(project, name))
    if os.environ.get(OVERRIDE) or stored.get("format") != _FORMAT:
        return None
    try:
        if _id(engine, name) != stored["image"]:
            return None
        same = fingerprint.state(engine, project, Watched.stored(stored["watched"]), *given) == stored["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(stored["built"]) if same else None


def before(
    engine: Engine, project: Project, section: Mapping[str, Any], config: Mapping[str, Any], began: int, *given: Any
) -> Note | None:
    """What a build depends on, as it is now; None where that cannot be known.

    section: what is built, as Compose shows a service's build; config: what Compose shows of the whole project;
    began: when the reading of these began, as time.time_ns() has it.
    """
    try:
        files = fingerprint.compose_files(project, config)
        parts = files and fingerprint.build_section(engine, section, build.stand_ins(project))
        return fingerprint.note(engine, project, files | parts, began, *given) if files and parts else None
    except (ConfigError, OSError, ValueError, KeyError, TypeError):
        return None


def remember(engine: Engine, project: Project, name: str, note: Note | None, built: str | None = None) -> None:
    """Keep the note with the image that the build has made; without one, forget the last.

    built: the id that find is to give, where the builder has said one.
    """
    image = note and _id(engine, name)
    known = (
        {"image": image, "built": built or image, "state": note.state, "watched": note.watched}
        if note and image
        else {}
    )
    notebook.write(_file(project, name), {"format": _FORMAT if known else 0, **known})


def _id(engine: Engine, name: str) -> str:
    """The id of the image of that name; empty where there is none."""
    try:
        return str(engine.get(f"/images/{name}/json")["Id"])
    except ApiError:
        return ""


def _file(project: Project, name: str) -> Path:
    return project.private / "cache" / "builds" / f"{name.replace('/', '_').replace(':', '.')}.json"
