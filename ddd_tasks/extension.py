"""The x-ddd entries of a Compose file: which keys there are, and what each may hold."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import languages
from ddd_tasks.errors import ConfigError, UnknownNameError

WATCH_ACTIONS = ("sync", "sync+restart", "rebuild")
_SCHEMES = ("http", "https")
DISCOVERIES = ("file", "dns")


def project(given: Any, file: Path) -> Mapping[str, Any]:
    """The project-wide entry, checked. Raises ConfigError, with a command that shows where the value stands."""
    return _check(given, _PROJECT, "x-ddd", file)


def service(name: str, given: Any, file: Path) -> Mapping[str, Any]:
    """The entry of the service of that name, checked. Raises ConfigError, as project does."""
    return _check(given, _SERVICE, f"x-ddd of service {name}", file)


def secret(name: str, given: Any, file: Path) -> Mapping[str, Any]:
    """The entry of the secret of that name, checked. Raises ConfigError, as project does."""
    return _check(given, _SECRET, f"x-ddd of secret {name}", file)


def _check(given: Any, keys: Mapping[str, Any], where: str, file: Path) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        hint = _show(given, file)
        raise ConfigError(f"{where} in {file} is {given!r}", cause="it has to be a mapping", valid=keys, hint=hint)
    for key, value in given.items():
        if key not in keys:
            raise UnknownNameError("key", str(key), keys, where=f"{where} in {file}", hint=_show(key, file))
        inner = f"{where}, {key},"
        if isinstance(keys[key], dict):
            _check(value, keys[key], inner, file)
        else:
            keys[key](value, inner, file)
    return given


def _language(given: Any, where: str, file: Path) -> None:
    if given not in languages.names():
        raise UnknownNameError(
            "language", str(given), languages.names(), where=f"{where} in {file}", hint=_show(given, file)
        )


def _port(given: Any, where: str, file: Path) -> None:
    if type(given) is not int or not 0 < given < 65536:
        raise _wrong(given, where, file, "it has to be a port: a number from 1 to 65535")


def _path(given: Any, where: str, file: Path) -> None:
    if not isinstance(given, str) or not given.startswith("/"):
        raise _wrong(given, where, file, "it has to be the path of a URL, which begins with /")


def _one_of(kind: str, valid: tuple[str, ...]) -> Callable[[Any, str, Path], None]:
    def check(given: Any, where: str, file: Path) -> None:
        if given not in valid:
            raise UnknownNameError(kind, str(given), valid, where=f"{where} in {file}", hint=_show(given, file))

    return check


def _image(given: Any, where: str, file: Path) -> None:
    if not isinstance(given, str) or not given:
        raise _wrong(given, where, file, "it has to be the name of an image")


def _images(given: Any, where: str, file: Path) -> None:
    if not isinstance(given, dict) or not all(isinstance(name, str) for pair in given.items() for name in pair):
        raise _wrong(
            given, where, file, "it has to be a mapping of official images to the names of their stand-ins", "images"
        )


def _command(given: Any, where: str, file: Path) -> None:
    if not isinstance(given, list) or not given or not all(isinstance(word, str) and word for word in given):
        cause = "it has to be a list of words, such as [pass, show, shop/token]: no shell reads it"
        raise _wrong(given, where, file, cause, "command")


def _wrong(given: Any, where: str, file: Path, cause: str, shown: Any = None) -> ConfigError:
    return ConfigError(f"{where} in {file} is {given!r}", cause=cause, hint=_show(shown or given, file))


def _show(value: Any, file: Path) -> str:
    """A command that shows where a value stands: its own words where they are plain, else the whole section."""
    words = str(value) if value and isinstance(value, (str, int)) else "x-ddd"
    return shlex.join(["grep", "-n", words, str(file)])


# A key's value is checked by its function, or, where it is a mapping, by its keys.
_PROJECT: Mapping[str, Any] = {
    "images": _images,
    "monitor": {"discovery": _one_of("discovery", DISCOVERIES), "grafana": _image},
}
_SERVICE: Mapping[str, Any] = {
    "language": _language,
    "metrics": {"port": _port, "path": _path, "scheme": _one_of("scheme", _SCHEMES)},
    "pprof": {"port": _port, "path": _path},
    "watch": _one_of("action", WATCH_ACTIONS),
}
_SECRET: Mapping[str, Any] = {"command": _command}
