"""Which services the code in a folder is: their languages, package managers and entries, and what has to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ddd_tasks import languages
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.language import Entry, Language
from ddd_tasks.scaffold import metrics, rendering
from ddd_tasks.scaffold.asking import choose
from ddd_tasks.scaffold.services import Service, slug

_ABOUT = ("README", "LICENSE", "LICENCE", "COPYING")
_NO_SERVICE = {"node_modules", "vendor", "tests", "test", "docs", "build", "dist", "venv", "bin", "obj", "target"}
_DEEPEST = 2
_HERE = PurePosixPath(".")
_LAST_PORT = 65535


@dataclass(frozen=True)
class Wanted:
    """What the user said: the flags of `ddd init`; None for what is to be found out."""

    language: str | None = None
    name: str | None = None
    app: str | None = None
    port: int | None = None

    def check(self) -> None:
        """Raise ConfigError or UnknownNameError for a value that cannot be."""
        if self.language is not None and languages.get(self.language).entries is None:
            valid = [one.name for one in languages.LANGUAGES if one.entries]
            raise UnsupportedError(f"`ddd init` does not know {self.language} yet", valid=valid, hint="ddd languages")
        if self.name is not None and slug(self.name) != self.name:
            raise ConfigError(
                f"{self.name!r} is no name for a service",
                cause="small letters, digits and hyphens make one",
                hint=f"ddd init --name {slug(self.name)}",
            )
        if self.port is not None and not 0 < self.port <= _LAST_PORT:
            raise ConfigError(f"{self.port} is no port", cause=f"1 to {_LAST_PORT} are", hint="ddd init --help")


class Before(NamedTuple):
    """What an earlier `ddd init` was told about a service, as its files say; None for what they do not say."""

    name: str | None = None
    port: int | None = None
    app: str | None = None


def is_empty(directory: Path) -> bool:
    """Whether a folder has no more than hidden files, a README and a licence."""
    names = (path.name for path in directory.iterdir())
    return all(name.startswith(".") or name.upper().startswith(_ABOUT) for name in names)


def language_for_new(wanted: Wanted) -> Language:
    """The language of a service that does not exist yet. Raises ConfigError where it is not given."""
    names = [language.name for language in languages.LANGUAGES if language.entries]
    name = wanted.language or choose(
        "which language? there is no code here that tells", names, hint=f"ddd init --language {names[0]}"
    )
    return languages.get(name)


def find(directory: Path, wanted: Wanted) -> list[Service]:
    """The service in the folder itself, or those in folders below it. Raises ConfigError when there is none."""
    before = _before(directory)
    here = _service(directory, _HERE, wanted, before.get(_HERE, Before()))
    if here:
        return _distinct([here])
    found = (_service(directory, folder, wanted, before.get(folder, Before())) for folder in _folders(directory))
    below = [service for service in found if service]
    if not below:
        raise _nothing(directory, wanted)
    if len(below) > 1 and (wanted.name or wanted.app or wanted.port):
        flag = "--name" if wanted.name else "--app" if wanted.app else "--port"
        raise ConfigError(
            f"{flag} was given for {len(below)} services",
            cause="it belongs to one: give it in that service's folder",
            valid=[str(service.folder) for service in below],
            hint=f"cd {below[0].folder}",
        )
    return _distinct(below)


def _folders(directory: Path) -> Iterator[PurePosixPath]:
    """Folders below this one that may hold a service of their own: none below one that does."""
    for depth in range(1, _DEEPEST + 1):
        for path in sorted(directory.glob("/".join("*" * depth))):
            relative = PurePosixPath(path.relative_to(directory).as_posix())
            hidden = any(part.startswith(".") or part in _NO_SERVICE for part in relative.parts)
            above = (directory / parent for parent in list(relative.parents)[:-1])
            if path.is_dir() and not hidden and not any(languages.revealed(one) for one in above):
                yield relative


def _service(directory: Path, folder: PurePosixPath, wanted: Wanted, before: Before) -> Service | None:
    """The service whose code is in one folder, or None."""
    path = directory / folder
    possible = languages.revealed(path)
    if wanted.language:
        named = languages.get(wanted.language)
        possible = [named] if named in possible or folder == _HERE else []
    app = wanted.app or _knob(path, "APP")
    found = {one.name: (one, entries) for one in possible if (entries := _entries(one, path, wanted.app, app))}
    if not found:
        return None
    flags = "ddd init" if folder == _HERE else f"cd {folder} && ddd init"
    names = list(found)
    name = names[0]
    if len(names) > 1:
        name = choose(f"which language is the service in {path}?", names, hint=f"{flags} --language {name}")
    language, entries = found[name]
    entry = _one(entries, flags)
    port = wanted.port or entry.port or before.port
    return Service(
        name=wanted.name or before.name or slug(path.resolve().name),
        folder=folder,
        language=language,
        manager=languages.manager(language, path),
        entry=replace(entry, port=port),
        host_port=port or 0,
        metrics=metrics.path(path, language) if port else None,
    )


def _entries(language: Language, path: Path, app: str | None, before: str | None) -> Sequence[Entry]:
    """How the code starts; where it does not say, what an earlier `ddd init` was told still holds."""
    if language.entries is None:
        return ()
    found = language.entries(path, app)
    return language.entries(path, before) or found if len(found) != 1 and before and app is None else found


def _one(entries: Sequence[Entry], flags: str) -> Entry:
    apps = [entry.knobs["APP"] for entry in entries]
    if len(apps) == 1:
        return entries[0]
    app = choose(
        f"{len(apps)} programs could be the service",
        apps,
        hint=f"{flags} --app {rendering.quoted(apps[0])}",
        cause="; ".join(entry.why for entry in entries),
    )
    return entries[apps.index(app)]


def _knob(path: Path, name: str) -> str | None:
    """A value of the Dockerfile that is there already; None where it is not of our making."""
    try:
        return rendering.knobs((path / "Dockerfile").read_text(encoding="utf-8")).get(name)
    except (OSError, UnicodeDecodeError, ConfigError):
        return None


def _before(directory: Path) -> dict[PurePosixPath, Before]:
    """Folder -> name and port of the service that a Compose file which is there already builds from it."""
    import yaml  # slow to import, and mostly there is no file

    try:
        document = yaml.safe_load((directory / "compose.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    services = document.get("services") if isinstance(document, dict) else None
    found = {}
    for name, service in services.items() if isinstance(services, dict) else ():
        build = service.get("build") if isinstance(service, dict) else None
        context = build.get("context") if isinstance(build, dict) else build
        if isinstance(context, str):
            found[PurePosixPath(context)] = Before(str(name), _container_port(service.get("ports")))
    return found


def _container_port(ports: Any) -> int | None:
    first = ports[0] if isinstance(ports, list) and ports else ""
    text = str(first).rpartition(":")[2]
    return int(text) if text.isdecimal() else None


def _distinct(services: Sequence[Service]) -> list[Service]:
    """The services with names and ports of this machine that no two of them share."""
    names: set[str] = set()
    ports: set[int] = set()
    made = []
    for service in services:
        parent = slug(service.folder.parent.name)
        name = service.name if service.name not in names else f"{parent}-{service.name}"
        port = service.entry.port or 0
        while port in ports:
            port += 1
        names.add(name)
        ports.add(port)
        made.append(replace(service, name=name, host_port=port))
    return made


def _nothing(directory: Path, wanted: Wanted) -> ConfigError:
    """Why no service was found."""
    revealed = [languages.get(wanted.language)] if wanted.language else languages.revealed(directory)
    if wanted.app:
        return ConfigError(
            f"nothing in {directory} starts as {wanted.app!r}",
            cause="no file of that name, or no such object in it",
            hint=f"ls {directory}",
        )
    if revealed:
        names = " or ".join(language.name for language in revealed)
        return ConfigError(
            f"no entry point of a {names} service was found in {directory}",
            cause="no file shows what has to be started, here or in a folder below; --app names it",
            hint="ddd init --help",
        )
    markers = {language.name: language.markers for language in languages.LANGUAGES}
    return ConfigError(
        f"no language was recognised in {directory}",
        cause="looked for " + "; ".join(f"{name}: {', '.join(files)}" for name, files in markers.items()),
        valid=languages.names(),
        hint=f"ddd init --language {languages.names()[0]}",
    )
