"""The plan of `ddd init`: each file with what becomes of it, before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ddd_tasks import composefiles, resources
from ddd_tasks.errors import ConfigError
from ddd_tasks.scaffold import example, finding, texts
from ddd_tasks.scaffold.finding import Wanted
from ddd_tasks.scaffold.services import Service, slug

_LONG = 300  # lines
# Without these as they are meant, nothing works; of the others, a user's own are kept.
_NEEDED = {"Dockerfile", "compose.yaml"}


@dataclass(frozen=True)
class Change:
    """A file, by its path in the folder: what it will hold, and what it holds now (None: it does not exist)."""

    path: str
    new: bytes
    old: bytes | None
    force: bool = False

    @property
    def state(self) -> str:
        """new, same, kept (a user's own, which is left alone), changed (lines are added) or replaced."""
        if self.old is None:
            return "new"
        if self.old == self.new:
            return "same"
        if self.new.startswith(self.old):
            return "changed"
        return "replaced" if self.force else "kept"

    @property
    def is_written(self) -> bool:
        """Whether something has to be done."""
        return self.state in ("new", "changed", "replaced")

    @property
    def is_in_the_way(self) -> bool:
        """Whether a user's own file has the place of one that nothing works without."""
        return self.state == "kept" and PurePosixPath(self.path).name in _NEEDED

    def diff(self) -> str:
        """The change as `git diff` would show it; one line for a new file that nobody would read, such as a lock."""
        try:
            old, new = (self.old or b"").decode("utf-8"), self.new.decode("utf-8")
        except UnicodeDecodeError:
            return f"+++ b/{self.path}: {len(self.new)} bytes"
        if self.old is None and new.count("\n") > _LONG:
            return f"+++ b/{self.path}: {new.count(chr(10))} lines"
        before = "/dev/null" if self.old is None else f"a/{self.path}"
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, f"b/{self.path}", lineterm="")
        return "\n".join(lines)


@dataclass(frozen=True)
class Plan:
    """The services, and the files that make them run."""

    directory: Path
    services: tuple[Service, ...]
    changes: tuple[Change, ...]

    @property
    def written(self) -> list[Change]:
        """The files that will be written."""
        return [change for change in self.changes if change.is_written]

    def check(self) -> None:
        """Raise ConfigError where a file of the user has the place of one that nothing works without."""
        in_the_way = [change.path for change in self.changes if change.is_in_the_way]
        others = [name for name in composefiles.NAMES[1:] if (self.directory / name).is_file()]
        others = [] if any(change.force for change in self.changes) else others
        if in_the_way or others:
            names = ", ".join([*in_the_way, *others])
            unread = f", and leaves {others[0]} unread beside its compose.yaml" if others else ""
            raise ConfigError(
                f"already in {self.directory}, and not as `ddd init` would write it: {names}",
                cause=f"nothing was written; --force writes {'over it' if in_the_way else 'its files'}{unread}; "
                "--dry --force shows what that would change",
                hint="ddd init --dry --force",
            )

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        return {
            "services": [service.as_dict() for service in self.services],
            "files": [{"path": change.path, "state": change.state} for change in self.changes],
        }


def make(directory: Path, wanted: Wanted, *, force: bool = False) -> Plan:
    """What has to be written in a folder, with code or without. Raises ConfigError and its kinds."""
    wanted.check()
    files: dict[str, bytes] = {}
    if finding.is_empty(directory):
        service, files = _new(directory, wanted)
        services = [service]
    else:
        services = finding.find(directory, wanted)
    files = {**files, **dict(_setup(services))}
    old = {path: _read(directory / path) for path in (*files, ".gitignore")}
    ignore = (files.get(".gitignore", b"") if old[".gitignore"] is None else old[".gitignore"]) or b""
    files[".gitignore"] = texts.gitignore(ignore.decode("utf-8", errors="surrogateescape")).encode(
        errors="surrogateescape"
    )
    return Plan(
        directory,
        tuple(services),
        tuple(Change(path, content, old[path], force) for path, content in files.items()),
    )


def _new(directory: Path, wanted: Wanted) -> tuple[Service, dict[str, bytes]]:
    """The example service of a language and its files, for a folder without code."""
    language = finding.language_for_new(wanted)
    name = wanted.name or slug(directory.resolve().name)
    root = resources.example(language.name)
    service = finding.find(root, Wanted(language.name, name, wanted.app, wanted.port))[0]
    return service, example.files(language, name)


def _setup(services: Sequence[Service]) -> Iterator[tuple[str, bytes]]:
    """Path -> content of the files that every service and every project gets."""
    for service in services:
        ignore = resources.docker(service.language.dockerfile, "Dockerfile.dockerignore")
        yield str(service.folder / "Dockerfile"), service.dockerfile.encode()
        yield str(service.folder / ".dockerignore"), ignore.read_bytes()
    yield "compose.yaml", texts.compose(services).encode()
    yield "noxfile.py", texts.noxfile(services).encode()
    yield "tasks.py", texts.TASKS.encode()


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read", cause=str(error), hint=f"ls -ld {file}") from error
