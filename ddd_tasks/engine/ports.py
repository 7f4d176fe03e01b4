"""Who holds a port of this machine: a container and its project, or a process."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.engine.api import Engine

# The state of a socket that is bound, in the tables of /proc/net.
_LISTENING = {"tcp": "0A", "udp": "07"}


class Holder(NamedTuple):
    """What listens on a port, in words, and the command that ends it ("" where there is no safe one)."""

    what: str
    hint: str
    container: str = ""


def holder(engine: Engine, address: str, port: int, protocol: str = "tcp") -> Holder | None:
    """Who holds the port on this address ("" for all), or None where it is free.

    Containers are asked for first. Host processes are looked for only where the engine runs on this machine.
    """
    for container in engine.get("/containers/json"):
        for published in container.get("Ports") or []:
            is_it = (published.get("PublicPort"), published.get("Type")) == (port, protocol)
            if is_it and _overlaps(address, published.get("IP", "")):
                name = container["Names"][0].lstrip("/")
                owner = container["Labels"].get("com.docker.compose.project")
                what = f"container {name}" + (f" of project {owner}" if owner else "")
                return Holder(what, f"docker stop {name}", container["Id"])
    if engine.endpoint.is_local_socket and not _can_bind(address, port, protocol):
        return _process(port, protocol)
    return None


def _overlaps(one: str, other: str) -> bool:
    everywhere = ("", "0.0.0.0", "::")
    return one in everywhere or other in everywhere or one == other


def _can_bind(address: str, port: int, protocol: str) -> bool:
    """Whether nothing listens there; an address that this machine lacks, or a low port, is the engine's to judge."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as probe:
            if protocol != "udp":  # where it would mean that two may listen
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _process(port: int, protocol: str) -> Holder:
    inodes = _listening_inodes(port, protocol)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            targets = {str(descriptor.readlink()) for descriptor in (entry / "fd").iterdir()}
        except OSError:
            continue  # it has ended, or belongs to somebody else
        if any(f"socket:[{inode}]" in targets for inode in inodes):
            from ddd_tasks import process  # only a message has to be without passwords

            words = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            return Holder(f"process {entry.name} ({' '.join(process.redacted(words))})", f"kill {entry.name}")
    return Holder("another process of this machine", f"sudo ss -lnp 'sport = :{port}'")


def _listening_inodes(port: int, protocol: str) -> set[str]:
    found = set()
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in (line.split() for line in rows):
            if row[3] == _LISTENING.get(protocol) and int(row[1].rpartition(":")[2], 16) == port:
                found.add(row[9])
    return found
