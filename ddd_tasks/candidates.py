"""The names that a flag may be given, for completion: read from files alone, in milliseconds, and never refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import completions, composefiles, projectcache
from ddd_tasks.errors import DddError

# Names that can be typed as they are: others are no names of Docker, and a shell might obey them.
_PLAIN = re.compile(r"\w[\w./:@+-]*", re.ASCII)
_STAGES = ("stage", "one", "other")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "editor": ("jetbrains", "nvim", "vscode", "zed"),
    "ports": ("auto", "declared", "own"),
    "from": ("page", "prometheus"),
    "discovery": ("containers", "dns"),
}


def of(flag: str, directory: Path) -> list[str]:
    """What the flag of this name (service, stage, profile ...) may be in this directory; [] where that is not known."""
    try:
        return sorted({name for name in _finder(flag)(directory) if _PLAIN.fullmatch(name)})
    except (DddError, OSError, ValueError):  # completion has no place for a message
        return []


def services(directory: Path) -> Iterable[str]:
    """The services of the Compose files; those that an include adds are known once a task has run."""
    files = composefiles.find(directory)
    if known := projectcache.read(files):
        return [str(service["name"]) for service in known["services"]]
    return [name for file in files for name in _section(file, "services")]


def stages(directory: Path) -> Iterable[str]:
    """The named stages of the services' Dockerfiles, else of the one beside the Compose file."""
    from ddd_tasks import dockerfile

    names = {stage.name for file in _dockerfiles(directory) for stage in dockerfile.load(file).stages}
    return [name for name in names if name]


def profiles(directory: Path) -> Iterable[str]:
    """The profiles that were made, as SERVICE/TIME."""
    folder = _root(directory) / ".ddd" / "profiles"
    return [f"{run.parent.name}/{run.name}" for run in folder.glob("*/[0-9]*")]


def secrets(directory: Path) -> Iterable[str]:
    """The secrets that the Compose files declare."""
    return [name for file in composefiles.find(directory) for name in _section(file, "secrets")]


def _finder(flag: str) -> Callable[[Path], Iterable[str]]:
    if flag in _STAGES:
        return stages
    if flag == "language":
        return lambda _: _languages()
    found: dict[str, Callable[[Path], Iterable[str]]] = {
        "service": services,
        "profile": profiles,
        "before": profiles,
        "after": profiles,
        "secret": secrets,
        "shell": lambda _: completions.SHELLS,
    }
    return found.get(flag, lambda _: _WORDS.get(flag, ()))


def _languages() -> Iterable[str]:
    from ddd_tasks import languages

    return languages.names()


def _root(directory: Path) -> Path:
    return composefiles.find(directory)[0].parent


def _dockerfiles(directory: Path) -> Iterable[Path]:
    """Those of the build sections, as far as they are written without variables."""
    files = composefiles.find(directory)
    entries = [entry for file in files for entry in _section(file, "services").values()]
    built = [_dockerfile(files[0].parent, entry.get("build")) for entry in entries]
    return {file for file in (*built, files[0].parent / "Dockerfile") if file and file.is_file()}


def _dockerfile(root: Path, build: Any) -> Path | None:
    if isinstance(build, str):
        return root / build / "Dockerfile"
    if isinstance(build, dict):
        return root / str(build.get("context", ".")) / str(build.get("dockerfile", "Dockerfile"))
    return None


def _section(file: Path, name: str) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return {}
    found = content.get(name) if isinstance(content, dict) else None
    return {str(key): value or {} for key, value in found.items()} if isinstance(found, dict) else {}
