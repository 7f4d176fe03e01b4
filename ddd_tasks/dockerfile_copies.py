"""What a Dockerfile's instructions take from the build context, as the paths below which it lies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ddd_tasks.dockerfile_words import words

EVERYTHING = "."
_REMOTE = re.compile(r"(https?|ftp|ssh|git)://|git@")
_OPEN = re.compile(r"[*?\[\\$]")


def copied(keyword: str, flags: Sequence[tuple[str, str]], rest: str, escape: str) -> tuple[str, ...]:
    """The paths, relative to the context, that hold all that an instruction reads; a remote source as it stands.

    A pattern or a variable counts as the folder it stands in. RUN takes what it mounts by --mount=type=bind.
    """
    if keyword == "ONBUILD":  # a later stage of this file may be built on it
        return (EVERYTHING,) if rest.upper().startswith(("COPY", "ADD", "RUN")) else ()
    if keyword == "RUN":
        return tuple(_bound(value) for flag, value in flags if flag == "mount" and _is_context_mount(value))
    if keyword not in ("COPY", "ADD") or any(flag == "from" for flag, _ in flags):
        return ()
    return tuple(_literal(source) for source in sources(rest, escape) if not source.startswith("<<"))


def is_remote(path: str) -> bool:
    """Whether a path is an address, whose content can change without anything here changing."""
    return bool(_REMOTE.match(path))


def sources(rest: str, escape: str) -> list[str]:
    """What COPY or ADD names as its sources, as written."""
    if rest.startswith("["):
        try:
            return [str(word) for word in json.loads(rest)][:-1]
        except ValueError:
            pass  # shell form after all
    return [word.strip("'\"") for word in words(rest, escape)][:-1]


def _literal(source: str) -> str:
    """The part of a path that is the same whatever its patterns and variables stand for."""
    if is_remote(source):
        return source
    fixed: list[str] = []
    for part in source.split("/"):
        if part == ".." or _OPEN.search(part):
            return EVERYTHING if part == ".." else "/".join(fixed) or EVERYTHING
        if part not in ("", "."):
            fixed.append(part)
    return "/".join(fixed) or EVERYTHING


def _fields(mount: str) -> Iterator[tuple[str, str]]:
    for field in mount.split(","):
        key, _, value = field.partition("=")
        yield key.strip().lower(), value.strip()


def _is_context_mount(mount: str) -> bool:
    fields = dict(_fields(mount))
    return fields.get("type", "bind") == "bind" and "from" not in fields


def _bound(mount: str) -> str:
    fields = dict(_fields(mount))
    return _literal(fields.get("source", fields.get("src", EVERYTHING)))
