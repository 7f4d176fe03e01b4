"""One connection of the Debug Adapter Protocol: messages in frames, answers by number, events as they come.

Reference: https://microsoft.github.io/debug-adapter-protocol/specification
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, TypeAlias

from ddd_tasks.debugging.clients.errors import DebuggerError, DebuggerTimeoutError
from ddd_tasks.debugging.clients.transport import Transport

Message: TypeAlias = dict[str, Any]
# The name of an event that no debugger sends: the connection has ended.
ENDED = "ended"
_MOMENT = 0.5


def encode(message: Message) -> bytes:
    """A message in its frame: a header with the length in bytes, an empty line, JSON."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Decoder:
    """Takes bytes as they come and gives out whole messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes. Raises ValueError for what is no frame of the protocol."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            size = _length(head)
            if len(rest) < size:
                return
            self._buffer = rest[size:]
            yield json.loads(rest[:size])
        if not b"content-length: ".startswith(self._buffer[:16].lower()):
            raise ValueError(f"{self._buffer[:40]!r} begins no message of the Debug Adapter Protocol")


def _length(head: bytes) -> int:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
    return int(fields[b"content-length"]) if b"content-length" in fields else _no_length(head)


def _no_length(head: bytes) -> int:
    raise ValueError(f"{head[:40]!r} says no Content-Length")


class Pending:
    """A request without an answer so far: message is None until came is set, and then only where none will come."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.came = threading.Event()
        self.message: Message | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the answer is no, or there will never be one."""
        return self.came.is_set() and not (self.message or {}).get("success")


class Session:
    """Requests and events of one connection.

    on_event(session, name, body) is called on the thread that reads, so it must not wait for an answer; the last call
    of it is ENDED. initialized is set when the debugger takes breakpoints, or when the connection has ended. arguments
    are those of attach, capabilities what the debugger said when it was greeted; paused is for whoever asked for it.
    """

    def __init__(
        self, transport: Transport, on_event: Callable[[Session, str, Message], None], *, number: int = 0
    ) -> None:
        self.number = number
        self.initialized = threading.Event()
        self.paused = threading.Event()
        self.arguments: Mapping[str, Any] = {}
        self.capabilities: Message = {}
        self.why_ended = ""
        self._transport = transport
        self._on_event = on_event
        self._numbers = count(1)
        self._pending: dict[int, Pending] = {}
        self._lock = threading.Lock()
        self._goodbye = threading.Lock()
        self._ended = False
        self._is_leaving = False
        self._leaving: Pending | None = None
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"dap-{number}")
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether the debugger is still there, and we with it."""
        return not self._ended and not self._is_leaving

    def request(self, command: str, arguments: Mapping[str, Any] | None = None, *, seconds: float) -> Message:
        """Ask and return the answer's body. Raises DebuggerError."""
        return self.answer(self.begin(command, arguments), seconds=seconds)

    def begin(self, command: str, arguments: Mapping[str, Any] | None = None) -> Pending:
        """Ask without waiting; what comes back is for answer."""
        pending = Pending(command)
        with self._lock:
            number = next(self._numbers)
            if self._ended:
                pending.came.set()
            else:
                self._pending[number] = pending
        self._send({"seq": number, "type": "request", "command": command, "arguments": dict(arguments or {})})
        return pending

    def answer(self, pending: Pending, *, seconds: float) -> Message:
        """The body of the answer to a request that was begun. Raises DebuggerError with the debugger's words."""
        if not pending.came.wait(seconds):
            raise DebuggerTimeoutError(f"the debugger did not answer {pending.command} within {seconds:g} s")
        if pending.message is None:
            raise DebuggerError(f"the debugger ended before it answered {pending.command}", cause=self.why_ended)
        if pending.is_refused:
            raise DebuggerError(f"the debugger refused {pending.command}", cause=_words(pending.message))
        return dict(pending.message.get("body") or {})

    def disconnect(self, *, seconds: float) -> None:
        """Leave the program, which goes on, and end the connection. Raises DebuggerError."""
        try:
            self.answer(self._leave(), seconds=seconds)
            self._reader.join(_MOMENT)  # the debugger ends the connection by itself
        finally:
            self.close()

    def _leave(self) -> Pending:
        """Say that we go, once: a debugger whose process has ended waits for it. Only then it lets us close."""
        self._is_leaving = True  # before the debugger hears of it, and ends
        with self._goodbye:  # whoever asks while the reader says it waits for the same answer
            self._leaving = self._leaving or self.begin("disconnect", {"restart": False, "terminateDebuggee": False})
        return self._leaving

    def close(self) -> None:
        """End the connection, which comes after disconnect: debugpy ends when its answer to that reaches nobody."""
        self._transport.close()

    def _send(self, message: Message) -> None:
        try:
            with self._lock:
                self._transport.send(encode(message))
        except (OSError, ValueError) as error:
            self.why_ended = self.why_ended or str(error)

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := self._transport.receive():
                for message in decoder.feed(data):
                    self._take(message)
        except ValueError as error:
            self.why_ended = str(error)
        with self._lock:
            self._ended = True
            for pending in self._pending.values():
                pending.came.set()
        self._transport.close()
        self.initialized.set()
        self._transport.close()
        self._on_event(self, ENDED, {})

    def _take(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "response":
            pending = self._pending.pop(message["request_seq"], None)
            if pending is not None:
                pending.message = message
                pending.came.set()
        elif kind == "request":  # such as runInTerminal, which we have not offered
            refusal = {"type": "response", "request_seq": message["seq"], "command": message["command"]}
            self._send({"seq": next(self._numbers), **refusal, "success": False, "message": "notSupported"})
        else:
            if message["event"] == "initialized":
                self.initialized.set()
            elif message["event"] == "terminated":
                self._leave()
            self._on_event(self, message["event"], dict(message.get("body") or {}))


def _words(answer: Message) -> str:
    """Why a request was refused: the short word and, where there is one, the text with its variables filled in."""
    error = (answer.get("body") or {}).get("error") or {}
    text = str(error.get("format") or "")
    for name, value in (error.get("variables") or {}).items():
        text = text.replace("{%s}" % name, str(value))  # noqa: UP031 - braces are the format's own
    short = str(answer.get("message") or "")
    return text if short in text else f"{short}: {text}" if text else short
