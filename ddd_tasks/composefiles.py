"""The Compose files of a project: which they are, and a fingerprint of all that `docker compose config` depends on."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.errors import ConfigError

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_SETTINGS = ("COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE")


def find(directory: Path) -> tuple[Path, ...]:
    """The files that Compose itself would take from here: COMPOSE_FILE, or the nearest one upwards and its override.

    Raises ConfigError when there is none, or when COMPOSE_FILE names one that does not exist.
    """
    named = os.environ.get("COMPOSE_FILE")
    if named:
        return _named(named, directory, "COMPOSE_FILE")
    for folder in (directory, *directory.parents):
        in_file = dotenv(folder / ".env").get("COMPOSE_FILE")
        if in_file:
            return _named(in_file, folder, f"COMPOSE_FILE in {folder / '.env'}")
        for name in NAMES:
            if (folder / name).is_file():
                return (folder / name, *(path for path in overrides(folder / name) if path.is_file()))
    raise ConfigError(
        f"no Compose file in {directory} or above it",
        cause="a project needs one that says which services it has",
        valid=NAMES,
        hint=_instead(directory),
    )


def _instead(directory: Path) -> str:
    """The command for a folder without a Compose file: one that has the name almost is meant, else one is made."""
    import difflib  # needed for a refusal alone

    there = [path.name for path in directory.iterdir() if path.is_file()] if directory.is_dir() else []
    close = [name for known in NAMES for name in difflib.get_close_matches(known, there, n=1, cutoff=0.8)]
    return f"export COMPOSE_FILE={shlex.quote(close[0])}" if close else "ddd init"


def overrides(file: Path) -> tuple[Path, ...]:
    """The override files that Compose would add to this one by itself, whether they exist or not."""
    return tuple(file.with_name(f"{file.stem}.override{suffix}") for suffix in (".yaml", ".yml"))


def nearer(here: Path, project: Path) -> tuple[Path, ...]:
    """Files that, once they existed, would make another project of a directory below the project's."""
    folders = [folder for folder in (here, *here.parents) if project in folder.parents]
    return tuple(folder / name for folder in folders for name in (*NAMES, ".env"))


def dependencies(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """All files whose content or existence decides what `docker compose config` says, present or not."""
    seen: dict[Path, None] = {}
    todo = [*files, *(path for file in files[:1] for path in overrides(file))]
    while todo:
        file = todo.pop(0)
        if file in seen:
            continue
        seen[file] = None
        if file.suffix in (".yaml", ".yml"):
            seen[file.parent / ".env"] = None
            todo += _referenced(file)
    return tuple(seen)


def variables(files: tuple[Path, ...]) -> tuple[str, ...]:
    """The names of the environment variables that these files interpolate, with Compose's own settings."""
    names = set(_SETTINGS)
    for file in files:
        if file.is_file():
            names.update(_VARIABLE.findall(file.read_text(errors="replace")))
    return tuple(sorted(names))


def _named(value: str, folder: Path, origin: str) -> tuple[Path, ...]:
    paths = tuple(folder / part for part in value.split(os.environ.get("COMPOSE_PATH_SEPARATOR", os.pathsep)) if part)
    for path in paths:
        if not path.is_file():
            raise ConfigError(f"there is no Compose file {path}", cause=f"{origin} names it", hint="unset COMPOSE_FILE")
    return paths


def dotenv(file: Path) -> dict[str, str]:
    """The variables of a .env file, as far as names and plain values go; {} when there is none."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _referenced(file: Path) -> list[Path]:
    """The files that include, extends, env_file, configs and secrets entries of this one name."""
    import yaml  # slow to import; a warm project does not come here

    class Loader(yaml.SafeLoader):
        """Reads what carries one of Compose's own tags, such as !reset, as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    try:
        document = yaml.load(file.read_text(), Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []  # Compose itself will say what is wrong with it
    return [file.parent / name for name in _names(document)] if isinstance(document, dict) else []


def _names(document: Mapping[str, Any]) -> Iterator[str]:
    for entry in _items(document.get("include")):
        yield from _paths(entry, "path", "env_file")
    services = document.get("services")
    for service in services.values() if isinstance(services, dict) else ():
        if isinstance(service, dict):
            yield from _paths(service.get("extends"), "file", plain=False)
            for entry in _items(service.get("env_file")):
                yield from _paths(entry, "path")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _paths(entry: Any, *keys: str, plain: bool = True) -> Iterator[str]:
    if isinstance(entry, str) and plain:
        yield entry
    elif isinstance(entry, dict):
        for key in keys:
            yield from (path for path in _items(entry.get(key)) if isinstance(path, str))
