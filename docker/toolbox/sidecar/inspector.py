"""A client of the inspector of a JavaScript program: as much of WebSocket (RFC 6455) as that takes."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import time
from base64 import b64encode
from typing import Any

_TEXT = 0x81
_SECONDS = 3.0
_AT_ONCE = 65536


def evaluate(port: int, expression: str) -> dict[str, Any]:
    """Evaluate JavaScript in the program whose inspector listens on a port of 127.0.0.1; what it answered.

    Raises OSError, and ValueError for an answer that is no inspector's.
    """
    with Session(port) as session:
        return session.ask("Runtime.evaluate", expression=expression)


class Session:
    """A connection to the inspector on a port of 127.0.0.1. Raises OSError, and ValueError where it is none."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        self._stream = _Buffered(self._connection)
        self._number = 0
        self._events: list[dict[str, Any]] = []
        try:
            _upgrade(self._connection, self._stream, port, _path(port))
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Session:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, seconds: float = _SECONDS, **params: Any) -> dict[str, Any]:
        """What a method of the protocol answers: result, or error. Raises OSError, TimeoutError after so long."""
        self._number += 1
        request = {"id": self._number, "method": method, "params": params}
        self._connection.sendall(_frame(json.dumps(request).encode()))
        deadline = time.monotonic() + seconds
        while (answer := self._next(deadline)).get("id") != self._number:
            self._events.append(answer)
        return answer

    def result(self, method: str, seconds: float = _SECONDS, **params: Any) -> dict[str, Any]:
        """The same, where nothing but a result will do. Raises ValueError with the inspector's words."""
        answer = self.ask(method, seconds, **params)
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return dict(answer["result"])

    def event(self, method: str, seconds: float) -> dict[str, Any] | None:
        """The parameters of the next event of this name; None where none comes in time."""
        deadline = time.monotonic() + seconds
        while not (found := self.events(method)):
            try:
                self._events.append(self._next(deadline))
            except TimeoutError:
                return None
        return found[0]

    def events(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of this name that came so far."""
        return [dict(one["params"]) for one in self._events if one.get("method") == method]

    def _next(self, deadline: float) -> dict[str, Any]:
        if not self._stream.wait(deadline - time.monotonic()):
            raise TimeoutError("the inspector does not answer")
        message: dict[str, Any] = json.loads(_message(self._stream))
        return message


class _Buffered:
    """What comes over a connection. A file of a socket cannot be read any more after a timeout."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kept = bytearray()

    def wait(self, seconds: float) -> bool:
        """Whether something is there to read, within so many seconds."""
        return bool(self._kept) or bool(select.select([self._connection], [], [], max(0.0, seconds))[0])

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end of the connection."""
        while len(self._kept) < size and (more := self._connection.recv(_AT_ONCE)):
            self._kept += more
        return self._taken(size)

    def readline(self) -> bytes:
        """The bytes up to the end of a line, or of the connection."""
        while b"\n" not in self._kept and (more := self._connection.recv(_AT_ONCE)):
            self._kept += more
        return self._taken(self._kept.find(b"\n") + 1 or len(self._kept))

    def _taken(self, size: int) -> bytes:
        found = bytes(self._kept[:size])
        del self._kept[:size]
        return found


def _path(port: int) -> str:
    """The path of the program's WebSocket."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(f"GET /json/list HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
        stream = _Buffered(connection)
        sizes = [int(line.split(b":")[1]) for line in _head(stream) if line.lower().startswith(b"content-length:")]
        found = re.search(
            r'"webSocketDebuggerUrl": "ws://[^/"]+(/[^"]+)"', stream.read(sizes[0] if sizes else 0).decode()
        )
    if not found:
        raise ValueError("its /json/list names no program")
    return found[1]


def _upgrade(connection: socket.socket, stream: _Buffered, port: int, path: str) -> None:
    key = b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    status = next(iter(_head(stream)), b"")
    if b" 101 " not in status:
        raise ValueError(f"the inspector answered {status!r}")


def _head(stream: _Buffered) -> list[bytes]:
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


def _message(stream: _Buffered) -> bytes:
    """The payload of the next frame; the inspector sends no fragments."""
    head = stream.read(2)
    if len(head) < 2 or head[0] != _TEXT:
        raise OSError("the inspector ended the connection")
    size = head[1] & 0x7F
    if size >= 126:
        size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
    return stream.read(size)
