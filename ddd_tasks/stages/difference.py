"""What the image of one stage has and that of another has not: packages and files, largest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.sessions.source import Source
from ddd_tasks.stages import archive, building, listing, packages
from ddd_tasks.stages.archive import Files
from ddd_tasks.stages.listing import human


class Row(NamedTuple):
    """Something that only one of two images has, or a package of which they have other versions.

    only_in: a stage, or "" for a package in both; kind: file, folder, apt, apk, pip, npm or program; files: how many
    a folder has; size: bytes, in both cases those of the larger.
    """

    only_in: str
    kind: str
    name: str
    version: str
    size: int
    files: int = 1

    @property
    def row(self) -> dict[str, str]:
        """The cells of stage.diff."""
        name = f"{self.name} ({self.files} files)" if self.kind == "folder" else self.name
        where, size = self.only_in or "both", human(self.size)
        return {"only in": where, "kind": self.kind, "name": name, "version": self.version or "-", "size": size}

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {**self._asdict(), "only_in": self.only_in or None}


class Report(NamedTuple):
    """packages and files: rows, largest first; sizes: those of the two images."""

    stages: tuple[str, str]
    sizes: tuple[int, int]
    packages: tuple[Row, ...]
    files: tuple[Row, ...]

    @property
    def summary(self) -> str:
        """One line: the images' sizes, and their ratio."""
        (one, other), (first, second) = self.stages, self.sizes
        ratio = f", {first / second:.2f} times" if second else ""
        return f"{one}: {human(first)}; {other}: {human(second)}{ratio}"

    def as_dict(self, limit: int) -> dict[str, Any]:
        """The same for --json, with at most limit rows of each kind (0: all), and how many there are."""
        parts = {"packages": self.packages, "files": self.files}
        rows = {name: [row.as_dict() for row in found[: limit or None]] for name, found in parts.items()}
        counts = {f"{name}_total": len(found) for name, found in parts.items()}
        return {"sizes": dict(zip(self.stages, self.sizes, strict=True)), **rows, **counts}


def compare(origin: Source, one: str, other: str, service: str | None = None) -> Report:
    """What the images of two stages do not share. Raises UnknownNameError, ConfigError for one that is not built."""
    names = (building.stage(origin, one), building.stage(origin, other))
    with closing(Engine.connect()) as engine:
        sessions = listing.container_sessions(origin)
        entries = [listing.image_of(engine, origin, name, service, sessions) for name in names]
        for name, entry in zip(names, entries, strict=True):
            if not entry:
                raise ConfigError(
                    f"stage {name!r} has no image to compare",
                    cause=f"it has not been built from {origin.dockerfile}",
                    hint=f"ddd stage.build --stage {name}" + (f" --service {service}" if service else ""),
                )
        found = archive.read(engine, [entry["Id"] for entry in entries])
    systems = [found[entry["Id"]] for entry in entries]
    return Report(
        names,
        (int(entries[0]["Size"]), int(entries[1]["Size"])),
        tuple(_sorted(_packages(names, systems))),
        tuple(_sorted(row for at in (0, 1) for row in _only(names[at], systems[at], systems[1 - at]))),
    )


def total(rows: Sequence[Row]) -> str:
    """What rows take together, as people read it."""
    return human(sum(row.size for row in rows))


def _sorted(rows: Iterator[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.size, row.only_in, row.kind, row.name))


def _packages(names: tuple[str, str], systems: list[Files]) -> Iterator[Row]:
    one, other = (packages.find(system) for system in systems)
    for key in one.keys() | other.keys():
        here, there = one.get(key), other.get(key)
        if here and there:
            if here.version != there.version:
                versions = f"{here.version} / {there.version}"
                yield Row("", here.manager, here.name, versions, max(here.size, there.size))
        elif package := here or there:
            yield Row(names[0 if here else 1], package.manager, package.name, package.version, package.size)


def _only(name: str, has: Files, has_not: Files) -> Iterator[Row]:
    """Files that are in one only; a folder that the other has not at all is one row."""
    folders: dict[str, list[int]] = {}
    for path, entry in has.entries.items():
        if path in has_not.entries or entry.is_folder:
            continue
        top = _missing_folder(path, has_not)
        if top:
            folders.setdefault(top, []).append(entry.size)
        else:
            yield Row(name, "file", f"/{path}", "", entry.size)
    for folder, sizes in folders.items():
        yield Row(name, "folder", f"/{folder}/", "", sum(sizes), len(sizes))


def _missing_folder(path: str, files: Files) -> str:
    """The uppermost folder above a path that is not there; "" when all of them are."""
    parts = path.split("/")[:-1]
    above = ("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return next((folder for folder in above if folder not in files.entries), "")
