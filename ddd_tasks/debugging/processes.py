"""The processes of a container, and what listens in it: from /proc of the engine's machine, or from the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.engine.api import ApiError, Engine

_TOP = "-o pid,ppid,uid,gid,args"
# What stands in front of a service's program and is never the service itself.
LAUNCHERS = re.compile(r"docker-init|tini(-static)?|dumb-init|catatonit|s6-.*|(ba|da|a|)sh|busybox|gosu|su-exec|env")
# Programs in a service's container that are not the service: a debugger's own, and what Python starts beside workers.
HELPERS = ("debugpy/adapter", "multiprocessing.resource_tracker", "multiprocessing.semaphore_tracker")
_LISTEN = "0A"
_LOOPBACK = ("0100007F", "00000000000000000000000001000000")


class Process(NamedTuple):
    """A process of the container. name: the base name of its program. capabilities: those it may use, as bits.

    pid and ppid: on the engine's machine; uid and gid: as the container counts users. inner: its number in the
    container, 1 where that cannot be told. is_closed: it has dropped privileges, and so is not its own user's to trace.
    """

    pid: int
    ppid: int
    uid: int
    gid: int
    name: str
    inner: int = 1
    capabilities: int = 0
    is_closed: bool = False


def is_of(pid: int, container: str) -> bool:
    """Whether /proc is that of the engine's machine: this process is the container's."""
    return container in _read(f"/proc/{pid}/cgroup")


def tree(pid: int) -> Iterable[Process]:
    """A process and all below it, from /proc, without helpers."""
    waiting = [pid]
    while waiting:
        number = waiting.pop(0)
        fields = dict(line.split(":\t", 1) for line in _read(f"/proc/{number}/status").splitlines() if ":\t" in line)
        if not fields:
            continue
        outer, group = (int(fields[key].split()[1]) for key in ("Uid", "Gid"))
        uid, gid = (renumbered(*one) for one in _numbered(number, outer, group))
        inner = int(fields.get("NSpid", "1").split()[-1])
        capabilities = int(fields.get("CapPrm", "0"), 16)
        is_closed = not capabilities and _owner(number) not in (None, outer)
        if not is_helper(_read(f"/proc/{number}/cmdline")):
            yield Process(number, int(fields["PPid"]), uid, gid, _name(number), inner, capabilities, is_closed)
        for task in _tasks(number):
            waiting += [int(child) for child in _read(f"{task}/children").split()]


def _numbered(pid: int, uid: int, gid: int) -> Iterable[tuple[int, str]]:
    return ((uid, _read(f"/proc/{pid}/uid_map")), (gid, _read(f"/proc/{pid}/gid_map")))


def renumbered(number: int, table: str) -> int:
    """A user's number within a user namespace, by its uid_map or gid_map: a rootless engine has one.

    Not tried with such an engine: none runs where this is tested.
    """
    for inner, outer, count in (map(int, row.split()) for row in table.splitlines()):
        if outer <= number < outer + count:
            return inner + number - outer
    return number


def _owner(pid: int) -> int | None:
    """Whom the kernel lets look into a process: its user, or root alone."""
    try:
        return Path(f"/proc/{pid}/status").stat().st_uid  # the folder itself is always its user's
    except OSError:
        return None


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _name(pid: int) -> str:
    """The base name of a process' program; of somebody else's, the first word of its command line."""
    try:
        program = str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)")
    except OSError:
        program = _read(f"/proc/{pid}/cmdline").split("\0")[0]
    return program.rpartition("/")[2]


def is_helper(words: str) -> bool:
    """Whether a command line is that of a helper."""
    return any(helper in words for helper in HELPERS)


def top(engine: Engine, container: str) -> Iterable[Process]:
    """The same from the engine, whose machine may have no ps."""
    try:
        rows = engine.get(f"/containers/{container}/top", ps_args=_TOP)["Processes"] or ()  # null: it ends right now
    except ApiError:
        return []
    return [_of_row(*row[:5]) for row in rows if row[4].strip() and not is_helper(row[4])]


def _of_row(pid: str, ppid: str, uid: str, gid: str, words: str) -> Process:
    return Process(int(pid), int(ppid), int(uid), int(gid), words.split()[0].rpartition("/")[2])


def listening(pid: int) -> dict[int, bool]:
    """Port -> whether only the container's own network reaches it, of the network that a process is in."""
    return in_tables("".join(_read(f"/proc/{pid}/net/{table}") for table in ("tcp", "tcp6")))


def in_tables(tables: str) -> dict[int, bool]:
    """The same from the texts of /proc/net/tcp and tcp6."""
    found: dict[int, bool] = {}
    for row in (line.split() for line in tables.splitlines()):
        if len(row) > 3 and row[3] == _LISTEN:
            address, _, port = row[1].rpartition(":")
            found[int(port, 16)] = found.get(int(port, 16), True) and address in _LOOPBACK
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
