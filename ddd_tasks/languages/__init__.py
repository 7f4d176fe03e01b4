"""The registry of languages: one line for each."""

from __future__ import annotations

from pathlib import Path

from ddd_tasks.errors import UnknownNameError
from ddd_tasks.language import Language, PackageManager
from ddd_tasks.languages.csharp import CSHARP
from ddd_tasks.languages.go import GO
from ddd_tasks.languages.node import NODE
from ddd_tasks.languages.python import PYTHON

LANGUAGES: tuple[Language, ...] = (PYTHON, NODE, GO, CSHARP)


def names() -> tuple[str, ...]:
    """The names of all languages."""
    return tuple(language.name for language in LANGUAGES)


def get(name: str) -> Language:
    """The language with this name. Raises UnknownNameError."""
    for language in LANGUAGES:
        if language.name == name:
            return language
    raise UnknownNameError("language", name, names(), hint="ddd languages")


def detect(directory: Path) -> Language | None:
    """The first language with a marker file in this directory (not below it), or None."""
    return next(iter(revealed(directory)), None)


def revealed(directory: Path) -> list[Language]:
    """Every language with a marker file in this directory."""
    return [language for language in LANGUAGES if any(_is_marked(directory, marker) for marker in language.markers)]


def manager(language: Language, directory: Path) -> PackageManager:
    """The package manager of the code in this directory: the first with a marker, or else the language's last."""
    found = (one for one in language.managers if any(_is_marked(directory, marker) for marker in one.markers))
    return next(found, language.managers[-1] if language.managers else PackageManager(language.name, ()))


def _is_marked(directory: Path, marker: str) -> bool:
    """Whether a file matches the marker: a name or glob, after a colon a text that it has to hold."""
    glob, _, text = marker.partition(":")
    files = (path for path in directory.glob(glob) if path.is_file())
    return any(not text or text in path.read_text(encoding="utf-8", errors="replace") for path in files)
