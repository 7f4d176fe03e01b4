"""Who may use the published port: this machine, no container and no other machine."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

# How Docker Desktop shows the machine that it runs on. By its documentation: it was not at hand to be tried.
_DESKTOP = "192.168.65."


def is_let_in(address: str, routes: str) -> bool:
    """Whether an IPv4 address is this machine's: a gateway of our networks, a loopback, or Docker Desktop's.

    The engine carries connections of its machine to us in the gateway's name. Containers have their own addresses, as
    have other machines that know a way to our network. routes: the text of /proc/net/route.
    """
    if address.startswith(("127.", _DESKTOP)):
        return True
    gateways = (_number(line.split()[2]) for line in routes.splitlines()[1:])
    return _of(address) in {gateway for gateway in gateways if gateway}


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
