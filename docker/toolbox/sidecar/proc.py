"""Processes and listening sockets as /proc shows them to a container that shares a service's namespaces.

Nothing is ever connected to, to see whether it listens: that breaks some debuggers for the client that comes next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_LISTEN = "0A"
_OURS = re.compile(r"sidecar(\.\w+)*")
# What stands in front of a service's program and is never the service itself.
_LAUNCHERS = re.compile(r"docker-init|tini(-static)?|dumb-init|catatonit|s6-.*|(ba|da|a|)sh|busybox|gosu|su-exec|env")


@dataclass(frozen=True)
class Process:
    """A process as /proc/PID/status has it. exe and argv are "" and () where they cannot be read."""

    pid: int
    ppid: int
    uid: int
    gid: int
    exe: str
    argv: tuple[str, ...]
    threads: int
    cap_eff: str
    no_new_privs: bool
    seccomp: int
    tracer: int

    @property
    def root(self) -> Path:
        """The root of its file system, as this container may see it."""
        return _PROC / str(self.pid) / "root"

    @property
    def name(self) -> str:
        """The base name of its program."""
        return (self.exe or (self.argv[0] if self.argv else "")).removesuffix(" (deleted)").rpartition("/")[2]

    @property
    def is_alive(self) -> bool:
        """Whether it still runs: a zombie does not."""
        return bool(self.pid) and _state(self.pid) not in ("", "Z", "X")

    @cached_property
    def python(self) -> str | None:
        """The minor version of a Python process, such as 3.13, from its program's name or the library it has mapped."""
        if match := re.fullmatch(r"python(3\.\d+)t?", self.name):
            return match[1]
        match = re.search(r"/(?:lib)?python(3\.\d+)", _read(_PROC / str(self.pid) / "maps"))
        return match[1] if match else None

    def as_dict(self) -> dict[str, Any]:
        """Its fields as JSON values, with the version of a Python."""
        version = self.python if self.name.startswith("python") else None
        return {**asdict(self), "argv": list(self.argv), "python": version}


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket. address is hexadecimal, as /proc/net/tcp has it; pids: who holds it, as far as we see."""

    port: int
    address: str
    inode: int
    pids: tuple[int, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only processes of the same network namespace reach it."""
        return self.address in ("0100007F", "00000000000000000000000001000000")


def processes() -> list[Process]:
    """The processes of the service's container, lowest number first: not those of containers that share its namespace.

    A control group is a container's; pid 1 is always the service's.
    """
    group = _read(_PROC / "1" / "cgroup")
    numbers = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    found = [one for pid in numbers if _is_of(group, pid) and (one := process(pid))]
    # Where the system shows the same group for all, we are among them.
    return [one for one in found if one.argv[1:2] != ("-m",) or not _OURS.fullmatch("".join(one.argv[2:3]))]


def process(pid: int) -> Process | None:
    """One process by its number, or None where it has ended."""
    return parse_status(pid, _read(_PROC / str(pid) / "status"), _link(_PROC / str(pid) / "exe"), _argv(pid))


def parse_status(pid: int, status: str, exe: str, argv: tuple[str, ...]) -> Process | None:
    """The process that a text of /proc/PID/status describes, or None where it has ended."""
    fields = {key: value.strip() for key, _, value in (line.partition(":") for line in status.splitlines())}
    if not fields or fields.get("State", "Z")[0] in "ZX":
        return None
    return Process(
        pid=pid,
        ppid=int(fields["PPid"]),
        uid=int(fields["Uid"].split()[1]),
        gid=int(fields["Gid"].split()[1]),
        exe=exe,
        argv=argv,
        threads=int(fields.get("Threads", 1)),
        cap_eff=fields.get("CapEff", ""),
        no_new_privs=fields.get("NoNewPrivs") == "1",
        seccomp=int(fields.get("Seccomp", 0)),
        tracer=int(fields.get("TracerPid", 0)),
    )


def listeners(of: Iterable[Process] = ()) -> list[Listener]:
    """The listening TCP sockets of this network namespace, with those of the processes that hold them."""
    text = _read(_PROC / "net" / "tcp") + _read(_PROC / "net" / "tcp6")
    holders: dict[int, list[int]] = {}
    for one in of:
        for inode in _inodes(one.pid):
            holders.setdefault(inode, []).append(one.pid)
    return parse_listeners(text, holders)


def is_held(port: int) -> bool:
    """Whether a process of the service holds a listening socket on this port, as far as we see.

    A network namespace may be shared with other services, or be that of the machine.
    """
    return any(one.port == port and one.pids for one in listeners(processes()))


def parse_listeners(text: str, holders: Mapping[int, Collection[int]] | None = None) -> list[Listener]:
    """The rows in state LISTEN of the texts of /proc/net/tcp and tcp6. holders: inode -> pids."""
    found = []
    for row in (line.split() for line in text.splitlines()):
        if len(row) > 9 and row[3] == _LISTEN:
            address, _, port = row[1].rpartition(":")
            inode = int(row[9])
            found.append(Listener(int(port, 16), address, inode, tuple((holders or {}).get(inode, ()))))
    return found


def choose(found: Iterable[Process], pattern: str, held: Iterable[Listener] = ()) -> Process | None:
    """The process to debug, or None.

    pattern: for the names of the programs that run the language; "" takes the first program that is no launcher. Of
    several, one that holds a listening socket; of parent and child with the same socket, the child: a reloader or a
    server with workers opens the socket, they answer.
    """
    if pattern:
        candidates = [one for one in found if re.fullmatch(pattern, one.name)]
    else:
        candidates = [one for one in found if one.name and not _LAUNCHERS.fullmatch(one.name)]
    serving = {pid for listener in held for pid in listener.pids}
    holding = [one for one in candidates if one.pid in serving]
    parents = {one.ppid for one in holding}
    leaves = [one for one in holding if one.pid not in parents]
    return min(leaves or holding or candidates, key=lambda one: one.pid, default=None)


def is_read_only(mountinfo: str | None = None) -> bool | None:
    """Whether the service's root is mounted read-only; None where that cannot be read."""
    text = _read(_PROC / "1" / "mountinfo") if mountinfo is None else mountinfo
    options = [row.split()[5] for row in text.splitlines() if row.split()[4] == "/"]
    return "ro" in options[-1].split(",") if options else None


def dropped(process: Process) -> str:
    """What is to say of a process that began as another user and dropped its privileges itself; "" of all others.

    The kernel keeps one that got capabilities from its program's file from others in the same way.
    """
    try:
        owner = (_PROC / str(process.pid) / "status").stat().st_uid  # the folder itself is always the process's
    except OSError:
        return ""
    if owner == process.uid or int(process.cap_eff or "0", 16):
        return ""
    return f"dropped its privileges itself: the kernel keeps it for user {owner}, and no other user may trace it"


def ptrace_scope() -> int | None:
    """Yama's restriction of tracing, 0 to 3; None where the kernel has no Yama."""
    text = _read(_PROC / "sys" / "kernel" / "yama" / "ptrace_scope").strip()
    return int(text) if text.isdigit() else None


def _is_of(group: str, pid: int) -> bool:
    own = _read(_PROC / str(pid) / "cgroup")
    # A service may have groups of its own below that of its container.
    pairs = zip(own.splitlines(), group.splitlines())  # noqa: B905 - strict is for Python 3.10, toolboxes have 3.9, too
    return bool(own) and all(line == top or line.startswith(top.rstrip("/") + "/") for line, top in pairs)


def _inodes(pid: int) -> list[int]:
    try:
        links = [_link(Path(entry.path)) for entry in os.scandir(_PROC / str(pid) / "fd")]
    except OSError:
        return []  # it has ended, or is somebody else's
    return [int(link[8:-1]) for link in links if link.startswith("socket:[")]


def _argv(pid: int) -> tuple[str, ...]:
    words = _read(_PROC / str(pid) / "cmdline").split("\0")
    return tuple(words[:-1] if words[-1] == "" else words)


def _state(pid: int) -> str:
    return _read(_PROC / str(pid) / "stat").rpartition(")")[2].strip()[:1]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
