"""Successes of sessions that need not be had again: remembered with everything that went into them.

What is compared is said in docs/nox.md, and to the user whenever a session is not run because of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import hostconfig, notebook
from ddd_tasks.sessions import access, contents, environment
from ddd_tasks.sessions.contents import Contents
from ddd_tasks.sessions.session import Prepared

# Set to anything, every session is run; its success is remembered all the same.
OVERRIDE = "DDD_NO_RESULT_CACHE"
_FORMAT = 1
# Per session: enough for going back and forth between branches and arguments.
_KEPT = 20


class Call(NamedTuple):
    """What the session runner knows of one session: its name and parameters, its code's files, and its arguments.

    strict: whether a program of the host is an error.
    """

    name: str
    parameters: str
    code: tuple[Path, ...]
    arguments: tuple[str, ...]
    strict: bool = False


class Success(NamedTuple):
    """A success of the past: when it began, how long it took, and the sessions that it has queued."""

    when: float
    seconds: float
    queued: Sequence[tuple[str, Sequence[str] | None]]


@dataclass(frozen=True)
class Inputs:
    """Everything that goes into a session's result: kind -> hash, and the files behind the kind "files"."""

    folder: Path
    hashes: Mapping[str, str]
    files: Contents
    compared: str

    def find(self) -> Success | None:
        """The success that these very inputs had."""
        stored = notebook.read(self._place)
        if stored.get("hashes") != dict(self.hashes):
            return None
        with suppress(OSError):
            os.utime(self._place)  # it is the last success again, and the last one to be forgotten
        queued = [(name, arguments) for name, arguments in stored["queued"]]
        return Success(stored["when"], stored["seconds"], queued)

    def remember(self, success: Success) -> None:
        """Keep the success for these inputs, and the newest ones of others."""
        notebook.write(self._place, {"hashes": dict(self.hashes), **success._asdict()})
        for file in self._kept()[_KEPT:]:
            file.unlink(missing_ok=True)

    def changed(self) -> list[str]:
        """The kinds that are not as they were at the last success; empty where there was none."""
        last = next((notebook.read(file).get("hashes") for file in self._kept()), None)
        return [kind for kind, value in self.hashes.items() if last.get(kind) != value] if last else []

    @property
    def _place(self) -> Path:
        return self.folder / f"{_hash(dict(self.hashes))}.json"

    def _kept(self) -> list[Path]:
        """The files of this session's successes, newest first."""
        found: list[tuple[float, Path]] = []
        for file in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # another run is tidying up
                found.append((file.stat().st_mtime, file))
        return [file for _, file in sorted(found, reverse=True)]


def collect(prepared: Prepared, call: Call) -> Inputs:
    """Everything that goes into the result of a session whose image is built."""
    request, directory = prepared.request, prepared.origin.directory
    files = look(prepared)
    given = _environment(prepared)
    versions = {name: metadata.version(name) for name in ("nox", "ddd-tasks")}
    code = [file.read_text(errors="replace") for file in call.code]
    said = [call.name, call.parameters, call.strict, request.interpreter, request.params, repr(request.options)]
    hashes = {
        "image": prepared.image,
        "noxfile": _hash([code, said, str(directory)]),
        "arguments": _hash(call.arguments),
        "environment": _hash(given),
        "files": contents.digest(files),
        "versions": _hash([_FORMAT, versions, platform.machine()]),
    }
    compared = (
        f"image {prepared.image[:19]}, the noxfile, {_count(len(call.arguments), 'argument')}, the environment, "
        f"{_count(len(files), 'file')}, " + " and ".join(f"{name} {version}" for name, version in versions.items())
    )
    return Inputs(_folder(prepared) / request.location.name, hashes, files, compared)


def look(prepared: Prepared) -> Contents:
    """The files that the session's container sees, as they are now."""
    places = [Path(volume.partition(":")[0]) for volume in prepared.volumes]
    location = prepared.request.location
    memory = _folder(prepared) / "files.json"
    return contents.look(prepared.origin.directory, places, memory, without=location.parent)


def clock(when: float) -> str:
    """A time of the past as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def _folder(prepared: Prepared) -> Path:
    return prepared.origin.directory / ".ddd" / "results"


def _environment(prepared: Prepared) -> dict[str, Any]:
    """What the container gets of the host beside its files: variables, the user, the way to packages."""
    passed = {name: value for name, value in os.environ.items() if environment.speaks_to_tools(name, value)}
    asked = {name: os.environ.get(name) for name in prepared.request.options.env if "=" not in name}
    config = hostconfig.find()
    files = {path: hashlib.sha256(text).hexdigest() for path, text in access.wanted(config, None).items()}
    if config.netrc:
        files["netrc"] = hashlib.sha256(config.netrc.read_bytes()).hexdigest()
    return {**passed, **asked, **config.proxies, **files, "npmrc": config.npmrc, "user": [os.getuid(), os.getgid()]}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode(errors="surrogateescape")).hexdigest()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
