"""Who owns a secret inside a container, and what may be done with it: Compose on a plain engine ignores both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Service
from ddd_tasks.projectsecrets import Use

# Reads a file of the image, such as /etc/passwd; "" when it has none.
Reader = Callable[[str], str]


class Placed(NamedTuple):
    """A secret as a file of a container. target: its absolute path."""

    target: str
    data: bytes
    uid: int
    gid: int
    mode: int


def placed(service: Service, user: str, values: Mapping[str, bytes], read: Reader) -> list[Placed]:
    """The files of a service's secrets. user: who its process runs as, in the notation of docker run --user.

    They belong to that user and are readable by nobody else, unless the Compose file says otherwise. Where commands
    of dev.exec run as the caller, because the service mounts the caller's files, the caller's group may read as well.
    Raises ConfigError for a name that the image does not know.
    """
    if not service.secrets:
        return []
    uid, gid = owner(user, read)
    shared = service.user is None and bool(service.mounts)
    return [
        Placed(
            use.target,
            values[use.source],
            _number(use.uid, "user", "/etc/passwd", read, uid),
            _number(use.gid, "group", "/etc/group", read, os.getgid() if shared and use.uid is None else gid),
            _mode(use, shared=shared),
        )
        for use in service.secrets
    ]


def owner(user: str, read: Reader) -> tuple[int, int]:
    """uid and gid of a user given as "", "10001", "10001:10001", "name" or "name:group", as the engine finds them.

    Raises ConfigError for a name that the image does not know.
    """
    name, _, group = user.partition(":")
    if not name:
        name = "0"
    entries = [line.split(":") for line in read("/etc/passwd").splitlines()] if not (group and name.isdigit()) else []
    entry = next((entry for entry in entries if len(entry) > 3 and name in (entry[0], entry[2])), None)
    uid = int(name) if name.isdigit() else int(entry[2]) if entry else _unknown("user", name, "/etc/passwd")
    own = int(entry[3]) if entry else 0
    return uid, _number(group or None, "group", "/etc/group", read, own)


def _mode(use: Use, *, shared: bool) -> int:
    if use.mode is not None:
        return use.mode
    return 0o440 if shared and use.gid is None and use.uid is None else 0o400


def _number(name: str | None, kind: str, file: str, read: Reader, otherwise: int) -> int:
    if name is None:
        return otherwise
    if name.isdigit():
        return int(name)
    entries = (line.split(":") for line in read(file).splitlines())
    found = [int(entry[2]) for entry in entries if entry[0] == name]
    return found[0] if found else _unknown(kind, name, file)


def _unknown(kind: str, name: str, file: str) -> int:
    raise ConfigError(
        f"a secret is to belong to {kind} {name!r}, and the image has no such {kind}",
        cause=f"its {file} does not name it; a number needs no name",
        hint=f"ddd dev.run -- cat {file}",
    )
