"""What an issue tracker needs to know, as one text without secrets: versions, findings, configuration, last words."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from ddd_tasks import doctor, process, status
from ddd_tasks import project as projects
from ddd_tasks.compose import Compose
from ddd_tasks.engine import system
from ddd_tasks.errors import DddError
from ddd_tasks.project import Project

MASK = "***"
# Sections whose values people choose, and whose names say enough.
_MASKED = ("environment", "args", "labels", "secrets", "configs")
# Command lines, of which the program alone is told.
_WORDS = ("command", "entrypoint", "test")
_PACKAGES = ("ddd-tasks", "invoke", "nox", "pyyaml", "rich")


def text(directory: Path) -> str:
    """The report as Markdown. A part that cannot be had says why in its place."""
    parts = [
        ("Versions", _versions()),
        ("Doctor", _doctor(directory)),
        ("Compose configuration, values masked", _compose(directory)),
        ("Services", _services(directory)),
    ]
    found = "\n".join(f"### {title}\n\n```\n{body.strip()}\n```\n" for title, body in parts)
    return _without_home(process.redact(found))


def masked(config: Any, *, within: bool = False) -> Any:
    """The configuration with the values of environments, build arguments, labels and secrets hidden; names stay."""
    if isinstance(config, Mapping):
        return {key: _value(str(key), value, within=within) for key, value in config.items()}
    if isinstance(config, list):
        return [masked(value, within=within) for value in config]
    if not within or config is None:
        return config
    name, sign, _ = str(config).partition("=")
    return f"{name}={MASK}" if sign else MASK


def _value(key: str, value: Any, *, within: bool) -> Any:
    if key in _WORDS and isinstance(value, list) and not within:
        return [*value[:1], *(MASK for _ in value[1:])]
    return masked(value, within=within or key in _MASKED)


def _versions() -> str:
    lines = [f"{name} {metadata.version(name)}" for name in _PACKAGES]
    return "\n".join([*lines, f"Python {platform.python_version()}", system.this_system().name, platform.release()])


def _doctor(directory: Path) -> str:
    rows = doctor.examine(directory)
    return "\n".join(f"{row.state:8} {row.check}: {row.what}" for row in rows)


def _compose(directory: Path) -> str:
    try:
        config = yaml.safe_load(Compose(projects.load(directory)).capture("--profile", "*", "config").stdout)
    except DddError as error:
        return str(error)
    return yaml.safe_dump(masked(config), sort_keys=False)


def _services(directory: Path) -> str:
    try:
        return "\n".join(_of_services(projects.load(directory)))
    except DddError as error:
        return str(error)


def _of_services(project: Project) -> Iterator[str]:
    found = status.once(project)
    for row in found:
        yield f"{row.service}: {row.state}, stage {row.stage or '-'}"
    yield from status.last_words(found)


def _without_home(said: str) -> str:
    """Without the user's name, which stands in most paths."""
    home = os.environ.get("HOME", "")
    return said.replace(home, "~") if len(home) > 1 else said
