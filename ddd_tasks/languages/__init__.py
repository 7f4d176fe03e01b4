"""The registry of languages: one line for each."""

from __future__ import annotations

from pathlib import Path

from ddd_tasks.errors import UnknownNameError
from ddd_tasks.language import Language
from ddd_tasks.languages.python import PYTHON

LANGUAGES: tuple[Language, ...] = (PYTHON,)


def names() -> tuple[str, ...]:
    """The names of all languages."""
    return tuple(language.name for language in LANGUAGES)


def get(name: str) -> Language:
    """The language with this name. Raises UnknownNameError."""
    for language in LANGUAGES:
        if language.name == name:
            return language
    raise UnknownNameError("language", name, names())


def detect(directory: Path) -> Language | None:
    """The first language with a marker file in this directory (not below it), or None."""
    for language in LANGUAGES:
        if any(path.is_file() for marker in language.markers for path in directory.glob(marker)):
            return language
    return None
