"""Who may use the published port: this machine, not the containers that are on the same network."""

from __future__ import annotations

import socket
import struct
from pathlib import Path


def is_neighbour(address: str, routes: str) -> bool:
    """Whether an IPv4 address is another container's: on a network of ours, but not its gateway.

    The engine carries connections of its machine to us in the gateway's name, and so lets in what it published.
    routes: the text of /proc/net/route.
    """
    rows = [line.split() for line in routes.splitlines()[1:]]
    if any(_number(row[2]) == _of(address) for row in rows if _number(row[2])):
        return False
    networks = ((_number(row[1]), _number(row[7])) for row in rows if not _number(row[2]))
    return any(_of(address) & mask == network for network, mask in networks)


def routes() -> str:
    """The routes of this container's network."""
    return Path("/proc/net/route").read_text(encoding="ascii")


def _number(text: str) -> int:
    """A field of the table: an address as the machine keeps it, in hexadecimal."""
    number: int = struct.unpack("!I", struct.pack("=I", int(text, 16)))[0]
    return number


def _of(address: str) -> int:
    number: int = struct.unpack("!I", socket.inet_aton(address))[0]
    return number
