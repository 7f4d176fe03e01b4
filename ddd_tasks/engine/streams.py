"""Bytes between our own stdin, stdout and stderr and an attached stream of the engine, unchanged, both ways.

Without a terminal the engine sends frames: one byte for the stream (1 stdout, 2 stderr), three zeros, four bytes of
length, the payload. With one, it sends bare bytes. Source: "Attach to a container" in the Engine API reference.
"""

from __future__ import annotations

import os
import select

from ddd_tasks.engine.endpoint import SHUT_WR
from ddd_tasks.engine.terminal import STDERR, STDIN, STDOUT

TYPE_CHECKING = False  # as in typing, whose import would cost every exec 5 ms
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable


_CHUNK = 65536
_HEADER = 8


class Frames:
    """Splits the engine's framed stream into (descriptor, bytes), however the network has cut it."""

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self._target = STDOUT

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payloads that these bytes complete or continue, in order."""
        pieces = []
        while data:
            if not self._left:
                needed = _HEADER - len(self._header)
                self._header, data = self._header + data[:needed], data[needed:]
                if len(self._header) == _HEADER:
                    self._target = STDERR if self._header[0] == 2 else STDOUT
                    self._left = int.from_bytes(self._header[4:], "big")
                    self._header = b""
                continue
            piece, data = data[: self._left], data[self._left :]
            self._left -= len(piece)
            pieces.append((self._target, piece))
        return pieces


class Pump:
    """Copies until the engine closes the stream. signals: descriptor of signal numbers, or -1.

    on_signal(number) is called for each signal, on_input(bytes) for what is read from stdin. tick() does what time
    brings, and returns after how many seconds it wants to be called again at the latest (None: no need).
    Raises BrokenPipeError when nobody reads our stdout any more.
    """

    def __init__(
        self,
        stream: _socket.socket,
        *,
        framed: bool,
        signals: int = -1,
        on_signal: Callable[[int], None] | None = None,
        tick: Callable[[], float | None] | None = None,
        sink: Callable[[int, bytes], None] | None = None,
        stdin: bool = True,
        on_input: Callable[[bytes], None] | None = None,
    ) -> None:
        self._stream = stream
        self._frames = Frames() if framed else None
        self._signals = signals
        self._on_signal = on_signal or (lambda _: None)
        self._tick = tick or (lambda: None)
        self._sink = sink or write
        self._stdin_open = stdin
        self._on_input = on_input or (lambda _: None)
        self._unsent = b""

    def run(self) -> None:
        """Copy both ways until the engine closes its end."""
        self._stream.setblocking(False)
        if not self._stdin_open:
            self._close_input()
        while True:
            ready = self._wait(self._tick())
            if self._signals in ready:
                for number in os.read(self._signals, 64):
                    self._on_signal(number)
            if STDIN in ready:
                self._read_input()
            if self._unsent:
                self._send()
            if self._stream.fileno() in ready and not self._receive():
                return

    def _wait(self, seconds: float | None) -> set[int]:
        poll = select.poll()
        poll.register(self._stream, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        if self._stdin_open and not self._unsent:
            poll.register(STDIN, select.POLLIN)
        if self._signals >= 0:
            poll.register(self._signals, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}

    def _read_input(self) -> None:
        try:
            self._unsent = os.read(STDIN, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""  # closed, or a terminal that went away
        self._on_input(self._unsent)
        if not self._unsent:
            self._stdin_open = False
            self._close_input()

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._stream.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent, self._stdin_open = b"", False  # the process no longer reads; its output still counts

    def _close_input(self) -> None:
        try:
            self._stream.shutdown(SHUT_WR)
        except OSError:
            return

    def _receive(self) -> bool:
        try:
            data = self._stream.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for target, piece in self._frames.feed(data) if self._frames else [(STDOUT, data)]:
            self._sink(target, piece)
        return bool(data)


def write(descriptor: int, data: bytes) -> None:
    """Write all of it, also where the descriptor was left non-blocking. Raises BrokenPipeError."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
