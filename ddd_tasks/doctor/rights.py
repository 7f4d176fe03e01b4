"""What a user lacks to open the engine's socket, and the command that gives it."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from pathlib import Path

_OURS = "docker"  # the group that packages of the engine make


def to_open(socket: Path) -> str:
    """The command after which this user may open the socket."""
    try:
        facts = socket.stat()
    except OSError:  # a folder above it is closed
        return f"sudo chmod o+x {shlex.quote(str(socket.parent))}"
    group = _name(facts.st_gid)
    if facts.st_gid == 0 or not facts.st_mode & 0o020:  # made before the group was, or by hand
        give = f"sudo groupadd --force {_OURS} && sudo chgrp {_OURS} {shlex.quote(str(socket))}"
        return f"{give} && sudo chmod g+rw {shlex.quote(str(socket))} && {_join(_OURS)}"
    if _is_member(group):  # as of the next login only
        return f"newgrp {group}"
    if group.isdecimal():  # the number of another machine's group, whose socket was mounted here
        return f"sudo groupadd --gid {group} {_OURS}-{group} && {_join(f'{_OURS}-{group}')}"
    return _join(group)


def _join(group: str) -> str:
    return f"sudo usermod --append --groups {group} $(id -un) && newgrp {group}"


def _name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _is_member(group: str) -> bool:
    try:
        return pwd.getpwuid(os.getuid()).pw_name in grp.getgrnam(group).gr_mem
    except KeyError:
        return False
