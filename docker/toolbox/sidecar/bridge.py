"""Bytes from one socket to another, both ways, for as many connections at once as come."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 65536
Handle = Callable[[socket.socket], None]


def listen_unix(path: str) -> socket.socket:
    """A listening Unix socket at this path."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    return listener


def serve(listener: socket.socket, handle: Handle) -> None:
    """Give each connection to handle in a thread of its own, for ever. A connection that it fails on is closed."""
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_one, args=(client, handle), daemon=True).start()


def speaks(client: socket.socket) -> bool:
    """Wait for the client's first byte, which stays unread; False where it hung up without a word.

    So a program that only tries whether the port is open never gets to the debugger, which would not survive it.
    """
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


def pipe(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended; then both are closed."""
    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()
    one.close()
    other.close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way until the source has ended, and tell the sink so."""
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _one(client: socket.socket, handle: Handle) -> None:
    with client:
        try:
            handle(client)
        except Exception as error:  # noqa: BLE001 - the next client may have more luck
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
