"""What debug.check is asked for, and the command line that asks for it again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.debugging.check import expectation, place
from ddd_tasks.debugging.check.expectation import Expectation
from ddd_tasks.debugging.check.place import Place
from ddd_tasks.errors import ConfigError
from ddd_tasks.language import PathMapping

_SECONDS = 10.0
_SECONDS_BY_HAND = 60.0


class Words(NamedTuple):
    """The flags beside --break, as they were typed. timeout: seconds until the hit, 0 for the usual."""

    service: str = ""
    request: str = ""
    run: str = ""
    expect: Sequence[str] = ()
    map: Sequence[str] = ()
    timeout: float = 0

    def command(self, at: str) -> str:
        """The command line, to be pasted, that asks the same of another FILE:LINE."""
        flags = [
            ("--service", self.service),
            ("--break", at),
            ("--request", self.request),
            ("--run", self.run),
            *(("--expect", one) for one in self.expect),
            *(("--map", one) for one in self.map),
            ("--timeout", f"{self.timeout:g}" if self.timeout else ""),
        ]
        return shlex.join(["ddd", "debug.check", *(word for name, value in flags if value for word in (name, value))])


class Wanted(NamedTuple):
    """What to prove: made by parse. mappings: to be used in place of those that are found, if any."""

    place: Place
    words: Words = Words()
    expectations: Sequence[Expectation] = ()
    mappings: Sequence[PathMapping] = ()

    @property
    def patience(self) -> float:
        """Seconds until the breakpoint has to be hit."""
        return self.words.timeout or (_SECONDS if self.words.request or self.words.run else _SECONDS_BY_HAND)

    def retry(self, *, line: int = 0, mapping: str = "") -> str:
        """The same command, with another line of the file, or another mapping."""
        words = self.words._replace(map=(mapping,)) if mapping else self.words
        return words.command(self.place._replace(line=line or self.place.line).shown)


def parse(at: str, words: Words) -> Wanted:
    """What is meant, seen from the current directory. Raises ConfigError."""
    found = place.find(at, words.command)
    _refuse(words, at)
    try:
        expectations = [expectation.parse(one) for one in words.expect]
    except ConfigError as error:
        error.hint = words._replace(expect=("len(items) == 3",)).command(at)
        raise
    try:
        mappings = [mapping(one) for one in words.map]
    except ConfigError as error:
        error.hint = words._replace(map=(".=/app",)).command(at)
        raise
    return Wanted(found, words, expectations, mappings)


def mapping(text: str) -> PathMapping:
    """The value of --map, HOST=CONTAINER. Raises ConfigError."""
    local, _, remote = text.rpartition("=")
    folder = Path(os.path.normpath(Path.cwd() / Path(local).expanduser()))
    if not local or not remote or not folder.exists():
        cause = f"there is no {folder}" if local and remote else "it has to be HOST=CONTAINER, two folders"
        raise ConfigError(f"--map was given {text!r}", cause=cause)
    return PathMapping(folder, remote.rstrip("/") or "/")


def _refuse(words: Words, at: str) -> None:
    """Raise ConfigError for what cannot be meant."""
    request, run = words.request, words.run
    if request and run:
        cause = f"--request was given {request!r} and --run {run!r}: one of them reaches the line"
        raise ConfigError("both --request and --run were given", cause=cause, hint=words._replace(run="").command(at))
    if words.timeout < 0:
        hint = words._replace(timeout=0).command(at)
        raise ConfigError(f"--timeout was given {words.timeout:g}", cause="it is a number of seconds", hint=hint)
    by_request = words._replace(request="/", run="").command(at)
    if request and not request.startswith(("/", "http://", "https://")):
        cause = "it has to be a path such as /, or a URL that begins with http:// or https://"
        raise ConfigError(f"--request was given {request!r}", cause=cause, hint=by_request)
    try:
        shlex.split(run)
    except ValueError as error:
        raise ConfigError(f"--run was given {run!r}", cause=str(error), hint=by_request) from error
