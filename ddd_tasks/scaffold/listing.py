"""The languages as `ddd languages` shows them."""

from __future__ import annotations

from typing import Any

from ddd_tasks.language import Debug, Language
from ddd_tasks.languages import LANGUAGES

COLUMNS = ("language", "revealed by", "package managers", "reload", "debugger", "profilers", "verified")
_NONE = "-"


def languages() -> tuple[Language, ...]:
    """All of them, in the order in which they are looked for."""
    return LANGUAGES


def managers(language: Language) -> list[str]:
    """The names of its package managers, each once."""
    return list(dict.fromkeys(manager.name for manager in language.managers))


def row(language: Language) -> dict[str, str]:
    """A line of the table."""
    return {
        "language": language.name,
        "revealed by": " ".join(language.markers),
        "package managers": " ".join(managers(language)) or _NONE,
        "reload": language.reload or _NONE,
        "debugger": _debugger(language.debug) if language.debug else _NONE,
        "profilers": " ".join(language.profilers) or _NONE,
        "verified": "in part" if language.not_verified else "yes",
    }


def _debugger(debug: Debug) -> str:
    """Where it is: a port, or a program of the container."""
    if debug.port is None:
        return f"{debug.protocol} by {' or '.join(name for name, _ in debug.debuggers)}"
    return f"{debug.protocol} on {debug.port}"


def not_verified() -> list[str]:
    """What was never run, as lines to stand below the table."""
    return [f"{language.name}, not verified: {part}" for language in LANGUAGES for part in language.not_verified]


def as_dict(language: Language) -> dict[str, Any]:
    """The same and more for --json."""
    debug = language.debug
    return {
        "language": language.name,
        "markers": list(language.markers),
        "package_managers": managers(language),
        "init": language.entries is not None,
        "test": list(language.test),
        "reload": language.reload,
        "debug": _debug(debug) if debug else None,
        "profilers": list(language.profilers),
        "metrics": {"port": language.metrics.port, "path": language.metrics.path} if language.metrics else None,
        "not_verified": list(language.not_verified),
    }


def _debug(debug: Debug) -> dict[str, Any]:
    names = [name for name, _ in debug.debuggers]
    return {"port": debug.port, "protocol": debug.protocol, "live": debug.is_live, "debuggers": names}
