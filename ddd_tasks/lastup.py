"""What the last start left running, and whether starting again would change anything.

Nothing is to be done when all that Compose and BuildKit would look at is as it was before the last start, and the
containers are still those that it left. Whatever cannot be known for certain is not remembered.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddd_tasks import build, fingerprint, notebook, portbook, services
from ddd_tasks.compose import Compose
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.names import familiar
from ddd_tasks.errors import ConfigError
from ddd_tasks.fingerprint import Note, Watched
from ddd_tasks.project import Project, Service

_FORMAT = 4
_PULLS = re.compile(r"always|daily|weekly|every_|refresh")


def stands(engine: Engine, project: Project, wanted: Sequence[Service]) -> list[services.State] | None:
    """How the project's services are, when starting these would change nothing; otherwise None."""
    try:
        stored = notebook.read(_file(project))
        watched, names = Watched.stored(stored["watched"]), [service.name for service in wanted]
        same = stored["format"] == _FORMAT and stored["services"] == names and stored["files"] == _files(project)
        if not same or stored["containers"] != _containers(engine, project, names):
            return None
        if fingerprint.state(engine, project, watched, portbook.read(project)) != stored["state"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    states = services.states(engine, project)
    ours = [state for state in states if state.service in names]
    return states if all(state.state == "running" and state.is_ready for state in ours) else None


def before(engine: Engine, project: Project, wanted: Sequence[Service], compose: Compose) -> Note | None:
    """What a start of these services depends on, as it is now; None where that cannot be known."""
    began = time.time_ns()
    answer = compose.capture("--profile", "*", "config", "--format", "json", check=False)
    try:
        found = None if answer.status else _watched(engine, project, wanted, json.loads(answer.stdout))
        return found and fingerprint.note(engine, project, found, began, portbook.read(project))
    except (ConfigError, OSError, ValueError, KeyError, TypeError):
        return None


def remember(engine: Engine, project: Project, wanted: Sequence[Service], note: Note | None) -> None:
    """Keep the note with the containers that the start has left; without one, forget the last."""
    names = [service.name for service in wanted]
    stored: dict[str, Any] = {}
    if note:
        stored = {"format": _FORMAT, "services": names, "state": note.state, "watched": note.watched}
        stored["files"] = _files(project)
        stored["containers"] = _containers(engine, project, names)
    notebook.write(_file(project), stored)


def _watched(engine: Engine, project: Project, wanted: Sequence[Service], config: Mapping[str, Any]) -> Watched | None:
    """What to look at, from Compose's own view of the project; None where it cannot be listed."""
    found = fingerprint.compose_files(project, config)
    stand_ins = build.stand_ins(project)
    for service in wanted:
        section = config["services"][service.name].get("build")
        if found is None or _PULLS.match(config["services"][service.name].get("pull_policy") or ""):
            return None
        if section is None:
            image = stand_ins.get(familiar(service.image or ""), service.image or "")
            found |= Watched(images=(image,))
            continue
        parts = fingerprint.build_section(engine, section, stand_ins)
        found = parts and found | parts
    return found


def _containers(engine: Engine, project: Project, names: Sequence[str]) -> list[list[Any]]:
    """What Compose compares of the services' containers. The engine shows an image's id once its name is another's."""
    return [
        [entry["Id"], entry["Image"], entry["ImageID"], entry["Labels"], sorted(entry["NetworkSettings"]["Networks"])]
        for entry in services.listed(engine, project)
        if entry["Labels"].get("com.docker.compose.service") in names
    ]


def _files(project: Project) -> list[str]:
    """The Compose files of the start: with an overlay of ours among them it is another one."""
    return [str(file) for file in project.files]


def _file(project: Project) -> Path:
    return project.private / "cache" / "up.json"
