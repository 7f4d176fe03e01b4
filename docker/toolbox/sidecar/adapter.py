"""debugpy's adapter, told by its standard input: a line in asks which processes are connected, the end of it ends all.

It is also the lender: what a debugged process loads, it finds below /proc/<our pid>/root, until we end. The kernel lets
a process look there if we have no capability that it lacks.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Callable
from typing import Any

from debugpy import adapter
from debugpy.adapter import clients, servers, sessions
from debugpy.common import sockets

from sidecar import capabilities

_LOCALHOST = "127.0.0.1"


def main() -> None:
    """Say where clients and processes connect, then answer until standard input ends."""
    capabilities.give_up()
    sockets.serve = _serving(sockets.serve)
    adapter.access_token = secrets.token_hex(32)
    _, server = servers.serve(_LOCALHOST)
    _, client = clients.serve(_LOCALHOST, 0)
    _say({"client": client, "server": server, "token": adapter.access_token})
    for _ in sys.stdin:
        _say([one.pid for one in servers.connections()])
    # Threads that stand at a breakpoint go on when their session says goodbye.
    for session in filter(None, [sessions.get(one.pid) for one in servers.connections()]):
        session.finalize("the debugger is taken away", terminate_debuggee=False)
    os._exit(0)


def _serving(serve: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    """The function that accepts connections, which would accept none any more after one that it fails on.

    For each client that comes, the oldest session is told of it, and fails when it has just ended.
    """

    def guarded(name: str, handler: Callable[[socket.socket], Any], *arguments: Any) -> socket.socket:
        def handle(connection: socket.socket) -> None:
            try:
                handler(connection)
            except Exception as error:  # noqa: BLE001 - the client is there all the same
                sys.stderr.write(f"{name} connection: {type(error).__name__}: {error}\n")

        return serve(name, handle, *arguments)

    return guarded


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
