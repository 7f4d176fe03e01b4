"""The form of a case: what a user has and types, and what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS base
FROM base AS dev
CMD ["sleep", "infinity"]
"""
_SERVICE = "services: {api: {build: {context: ., target: dev}, init: true, %s}}\n"


def compose(more: str = "read_only: false") -> str:
    """A Compose file with one service that is built, and more of its keys."""
    return _SERVICE % more


PROJECT = {"compose.yaml": compose(), "Dockerfile": DOCKERFILE}


class Case(NamedTuple):
    """files: path -> text; words: after `ddd`; status: the exit code; said: words that must be there.

    hint: what the last line, `try:`, has to begin with, or None where a tool of others speaks and we have none;
    script: a shell line to run instead of `ddd WORDS`, with $DDD for the program.
    """

    name: str
    files: Mapping[str, str]
    words: tuple[str, ...]
    status: int
    said: tuple[str, ...]
    hint: str | None
    env: Mapping[str, str] = {}
    script: str = ""
