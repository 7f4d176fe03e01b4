"""The dashboards that the page draws and monitor.check evaluates: the committed ones, else some made for the moment."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import console, notebook
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.monitoring import board as jsonboard
from ddd_tasks.monitoring import boardfile, dashboard, grafana, placing, plain
from ddd_tasks.monitoring.config import SCRAPE_SECONDS
from ddd_tasks.monitoring.discovery import Found
from ddd_tasks.project import Project

INDEX = "index.json"


class Board(NamedTuple):
    """The dashboard of a service. is_committed: whether it is a file of the repository, or was made for the moment."""

    service: str
    value: dict[str, Any]
    is_committed: bool


def folder(project: Project) -> Path:
    """Where they are put for Prometheus' web server."""
    return project.private / "monitor" / "boards"


def committed(project: Project, service: str) -> Board | None:
    """The dashboard in the repository, or None. Raises ConfigError for one that is no JSON object."""
    file = project.directory / boardfile.FOLDER / f"{service}.json"
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unusable(file, service, str(error)) from error
    if not isinstance(value, dict) or not isinstance(value.get("panels"), list):
        raise _unusable(file, service, "it has no list of panels")
    return Board(service, value, True)


def listed(project: Project) -> list[str]:
    """The services whose dashboards the page has."""
    return [str(row["service"]) for row in _rows(project)]


def current(project: Project, service: str) -> Board | None:
    """A service's dashboard: the committed one as it is now, else the one that was placed. Raises ConfigError."""
    return committed(project, service) or _placed(project, service)


def collect(project: Project) -> list[Board]:
    """The dashboards as they were last placed, the committed ones as they are now. Raises ConfigError."""
    return [board for name in listed(project) if (board := current(project, name))]


def place(project: Project, names: Sequence[str]) -> list[Board]:
    """Give the page the dashboards of these services, with a word where there is none. Raises ConfigError."""
    return _write(project, [board for name in names if (board := _board(project, name))])


def add(project: Project, names: Iterable[str]) -> None:
    """Give the page those of these services that it has no dashboard of; the others stay. Raises ConfigError."""
    there = {str(row["service"]): bool(row["committed"]) for row in _rows(project)}
    if late := [board for name in names if name not in there and (board := _board(project, name))]:
        placed = [board for name in there if (board := _placed(project, name))]
        _write(project, [*(one._replace(is_committed=there[one.service]) for one in placed), *late])


def _rows(project: Project) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = notebook.read(folder(project) / INDEX).get("boards", ())
    return rows


def _write(project: Project, found: list[Board]) -> list[Board]:
    for one in found:
        placing.write(folder(project) / f"{one.service}.json", jsonboard.text(one.value))
    placing.write(folder(project) / INDEX, json.dumps(index(project, found), indent=2) + "\n")
    grafana.place(project, {one.service: jsonboard.text(one.value) for one in found})
    return found


def _board(project: Project, name: str) -> Board | None:
    """The committed dashboard, else one from what the service exposes now, else the last one that was made so."""
    try:
        if found := committed(project, name):
            return found
        return Board(name, json.loads(dashboard.make(project, project.services[name]).draft.new), False)
    except DddError as error:
        console.warning(f"no dashboard for service {name!r}: {error.what}: {error.cause}")
        return _placed(project, name)


def rows(found: Found, made: Sequence[Board]) -> list[dict[str, str]]:
    """The cells of monitor.up: what is scraped, and where its dashboard is from."""
    origin = {one.service: boardfile.FOLDER if one.is_committed else "generated" for one in made}
    running = [
        {
            "service": name,
            "containers": str(sum(one.service == name for one in found.targets)),
            "dashboard": origin.get(name, "-"),
        }
        for name in found.services
    ]
    others = (*found.stopped, *(name for name, _ in found.unreachable))
    return running + [{"service": name, "containers": "0", "dashboard": "-"} for name in others]


def _placed(project: Project, service: str) -> Board | None:
    value = notebook.read(folder(project) / f"{service}.json")
    return Board(service, value, False) if value else None


def index(project: Project, found: list[Board]) -> dict[str, Any]:
    """What the page reads first. reasons: patterns for why a scrape failed, each with the words for people."""
    rows = [{"service": one.service, "file": f"{one.service}.json", "committed": one.is_committed} for one in found]
    return {"project": project.name, "scrape_seconds": SCRAPE_SECONDS, "boards": rows, "reasons": plain.REASONS}


def _unusable(file: Path, service: str, why: str) -> ConfigError:
    hint = shlex.join(["python3", "-m", "json.tool", str(file)])
    return ConfigError(f"the dashboard of service {service!r}, {file}, cannot be used", cause=why, hint=hint)
