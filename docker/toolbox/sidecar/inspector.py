"""One request to the inspector of a JavaScript program: as much of WebSocket (RFC 6455) as that takes."""

from __future__ import annotations

import json
import os
import re
import socket
from base64 import b64encode
from typing import Any, BinaryIO

_TEXT = 0x81
_SECONDS = 3.0


def evaluate(port: int, expression: str) -> dict[str, Any]:
    """Evaluate JavaScript in the program whose inspector listens on a port of 127.0.0.1; what it answered.

    Raises OSError, and ValueError for an answer that is no inspector's.
    """
    request = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        stream = connection.makefile("rb")
        _upgrade(connection, stream, port, _path(port))
        connection.sendall(_frame(json.dumps(request).encode()))
        while True:
            answer: dict[str, Any] = json.loads(_message(stream))
            if answer.get("id") == 1:
                return answer


def _path(port: int) -> str:
    """The path of the program's WebSocket."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(f"GET /json/list HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        sizes = [int(line.split(b":")[1]) for line in _head(stream) if line.lower().startswith(b"content-length:")]
        found = re.search(
            r'"webSocketDebuggerUrl": "ws://[^/"]+(/[^"]+)"', stream.read(sizes[0] if sizes else 0).decode()
        )
    if not found:
        raise ValueError("its /json/list names no program")
    return found[1]


def _upgrade(connection: socket.socket, stream: BinaryIO, port: int, path: str) -> None:
    key = b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    status = next(iter(_head(stream)), b"")
    if b" 101 " not in status:
        raise ValueError(f"the inspector answered {status!r}")


def _head(stream: BinaryIO) -> list[bytes]:
    lines = []
    while (line := stream.readline().strip()) != b"":
        lines.append(line)
    return lines


def _frame(payload: bytes) -> bytes:
    """A masked text frame of less than 64 KiB."""
    size = len(payload)
    head = bytes([_TEXT, 0x80 | size]) if size < 126 else bytes([_TEXT, 0x80 | 126]) + size.to_bytes(2, "big")
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def _message(stream: BinaryIO) -> bytes:
    """The payload of the next frame; the inspector sends no fragments."""
    head = stream.read(2)
    if len(head) < 2 or head[0] != _TEXT:
        raise OSError("the inspector ended the connection")
    size = head[1] & 0x7F
    if size >= 126:
        size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
    return stream.read(size)
