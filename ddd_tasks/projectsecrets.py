"""Secrets as the Compose file declares them: who gets which file, and where its value is to be had. Never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# Where Compose puts a secret whose target is no absolute path.
FOLDER = "/run/secrets"


class Source(NamedTuple):
    """Where a value comes from: a file; or a variable, else what a command (x-ddd) writes."""

    file: Path | None = None
    variable: str = ""
    command: tuple[str, ...] = ()


class Use(NamedTuple):
    """A secret of a service or of a build. target: its absolute path, or the id of a build secret.

    uid and gid: numbers or names, None for the service's user; mode: None where the file does not say one.
    """

    source: str
    target: str
    uid: str | None = None
    gid: str | None = None
    mode: int | None = None


def sources(config: Mapping[str, Any], file: Path) -> dict[str, Source]:
    """The secrets of a project, from what `docker compose config` says. Raises ConfigError, UnknownNameError."""
    return {name: _source(name, entry or {}, file) for name, entry in (config.get("secrets") or {}).items()}


def uses(entries: Any, *, folder: str = FOLDER) -> Iterator[Use]:
    """The secrets of a service, or with folder="" the ids of a build."""
    for entry in entries or ():
        target = str(entry.get("target") or entry["source"])
        if folder:
            target = target if target.startswith("/") else f"{folder}/{target}"
        yield Use(entry["source"], target, _text(entry.get("uid")), _text(entry.get("gid")), _mode(entry.get("mode")))


def uses_from(values: Any) -> tuple[Use, ...]:
    """The inverse of Use._asdict, for several."""
    return tuple(Use(**value) for value in values)


def source_from(value: Mapping[str, Any]) -> Source:
    """The inverse of Source._asdict."""
    return Source(Path(value["file"]) if value["file"] else None, value["variable"], tuple(value["command"]))


def _source(name: str, entry: Mapping[str, Any], file: Path) -> Source:
    from ddd_tasks import extension  # only where the files have changed

    path = Path(entry["file"]) if entry.get("file") else None
    words = extension.secret(name, entry.get("x-ddd") or {}, file).get("command") or ()
    return Source(path, entry.get("environment") or "", tuple(words))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _mode(value: Any) -> int | None:
    """A number as Compose before 2.30 writes it, or the octal text of later ones."""
    return int(value, 8) if isinstance(value, str) else value
