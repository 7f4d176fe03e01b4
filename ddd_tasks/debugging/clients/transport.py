"""How bytes reach a debug adapter: over TCP, or through the standard streams of a program."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from typing import BinaryIO, Protocol, cast

from ddd_tasks import process
from ddd_tasks.debugging.clients.errors import NotListeningError

_CHUNK = 65536
_SECONDS = 3.0


class Transport(Protocol):
    """A two-way stream of bytes."""

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError when the other side has gone."""
        ...

    def receive(self) -> bytes:
        """What has come, at least one byte; b"" at the end."""
        ...

    def close(self) -> None:
        """End it; a receive that waits returns b"". A second call does nothing."""
        ...


class Tcp:
    """A TCP connection. The protocol has to begin on it: connecting and leaving breaks debugpy and some Delves."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        """Connect. Raises NotListeningError."""
        try:
            self._socket = socket.create_connection((host, port), timeout=seconds)
        except OSError as error:
            raise NotListeningError(f"nothing listens on {host}:{port}", cause=str(error)) from error
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """See Transport."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """See Transport."""
        with contextlib.suppress(OSError):
            return self._socket.recv(_CHUNK)
        return b""

    def close(self) -> None:
        """See Transport."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Pipes:
    """The standard streams of an adapter that somebody else has started, and ends."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        """reader: the program's stdout, unbuffered or with read1; writer: its stdin."""
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """See Transport."""
        self._writer.write(data)
        self._writer.flush()

    def receive(self) -> bytes:
        """See Transport."""
        read = getattr(self._reader, "read1", self._reader.read)
        with contextlib.suppress(OSError, ValueError):
            return bytes(read(_CHUNK) or b"")
        return b""

    def close(self) -> None:
        """End the program's stdin, which ends an adapter and so its stdout."""
        with contextlib.suppress(OSError, ValueError):
            self._writer.close()


class Program(Pipes):
    """An adapter that is started for this: `docker exec -i CONTAINER ADAPTER`, for example; it ends with close.

    Tested with debugpy's adapter in a container. netcoredbg, which C# needs it for, could not be had: not verified.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        """Start it; its stderr is ours. Raises ConfigError where there is no such program."""
        self._process = process.start(argv, stderr=None)
        super().__init__(cast("BinaryIO", self._process.stdout), cast("BinaryIO", self._process.stdin))

    def close(self) -> None:
        """End the program's stdin, and the program where that does not end it."""
        super().close()
        deadline = time.monotonic() + _SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError, ValueError):
            self._reader.close()
