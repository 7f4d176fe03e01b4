"""What an issue tracker needs to know, as one text without secrets: versions, findings, configuration, last words."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from ddd_tasks import doctor, masking, refusals, status
from ddd_tasks import project as projects
from ddd_tasks.compose import Compose
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.engine import system
from ddd_tasks.errors import DddError
from ddd_tasks.project import Project
from ddd_tasks.status.row import last_words

_PATIENCE = 120.0  # seconds for a part: the doctor gives up earlier by itself
_PACKAGES = ("ddd-tasks", "invoke", "nox", "pyyaml", "rich")


class _Loader(yaml.SafeLoader):
    """A plain "=" is a word, as Compose writes it, and no value of YAML 1.1's."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:value"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def text(directory: Path) -> str:
    """The report as Markdown. A part that cannot be had says why in its place."""
    project, config, refusal = _read(directory)
    known = masking.values(config, project.secrets.values()) if project else set()
    parts: list[tuple[str, Callable[[], str]]] = [
        ("Versions", _versions),
        ("Doctor", lambda: _doctor(directory)),
        ("Services", lambda: _services(project) if project else refusal),
        ("Last errors", lambda: _errors(directory)),
    ]
    bodies = [(title, masking.text(_said(body), known)) for title, body in parts]
    shown = yaml.safe_dump(masking.configuration(config), sort_keys=False) if project else refusal
    bodies.insert(2, ("Compose configuration, values masked", shown))
    # A log may have a fence of its own.
    found = "\n".join(f"### {title}\n\n~~~~text\n{body.strip()}\n~~~~\n" for title, body in bodies)
    return masking.without_user(found)


def _read(directory: Path) -> tuple[Project | None, dict[str, Any], str]:
    """The project and what Compose makes of its files; else None, nothing, and why."""
    try:
        project = projects.load(directory)
        config = yaml.load(Compose(project).capture("--profile", "*", "config").stdout, Loader=_Loader)
    except DddError as error:
        return None, {}, masking.message(masking.text(str(error), ()))
    return project, config, ""


def _said(body: Callable[[], str]) -> str:
    """A part, or why there is none: who needs a report has an engine that is silent, or talks nonsense."""
    try:
        return Asked(body).answer(_PATIENCE)
    except DddError as error:
        return masking.message(str(error))
    except TimeoutError:
        return f"it could not be told within {_PATIENCE:.0f} s"
    except Exception as error:  # noqa: BLE001 - the other parts are wanted all the more
        return masking.message(f"it could not be told: {type(error).__name__}: {error}")


def _versions() -> str:
    lines = [f"{name} {_version(name)}" for name in _PACKAGES]
    where = "ddd " + (shutil.which("ddd") or "is not on PATH")
    return "\n".join(
        [*lines, f"Python {platform.python_version()}", system.this_system().name, platform.release(), where]
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"


def _doctor(directory: Path) -> str:
    return "\n".join(masking.message(f"{row.state:8} {row.check}: {row.what}") for row in doctor.examine(directory))


def _services(project: Project) -> str:
    return "\n".join(_of_services(project))


def _of_services(project: Project) -> Iterator[str]:
    found = status.once(project)
    for row in found:
        said = [f"{row.name}: {row.state}", f"stage {row.stage or '-'}", *row.urls]
        yield ", ".join([*said, *([f"reload by {row.reload}"] if row.reload else [])])
    yield from last_words(found, is_raw=True)  # whole: what is known to be secret is found in it as it is


def _errors(directory: Path) -> str:
    found = [f"{one.get('at')} ddd {one.get('task')}\n{one.get('said')}" for one in refusals.recent(directory)]
    return "\n\n".join(found) or "none is remembered"
