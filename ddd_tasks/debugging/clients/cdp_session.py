"""One connection to a JavaScript program's inspector: requests, their answers, and the events between them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ddd_tasks.debugging.clients.errors import DebuggerError, NotListeningError
from ddd_tasks.debugging.clients.websocket import HandshakeError, WebSocket, end

_READ_LIMIT = 1 << 20


class SessionEndedError(DebuggerError):
    """The connection ended: the program did, or a reloader has started it anew."""


class Session:
    """A connection; made by open_session(). on_event gets the method and the parameters of each event, in order."""

    def __init__(self, socket: WebSocket, on_event: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._socket = socket
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._is_open = True

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a method. Raises SessionEndedError, or DebuggerError with the inspector's words."""
        if not self._is_open:
            raise SessionEndedError(f"{method} could not be sent", cause="the connection to the inspector has ended")
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
            answer = await future
        except OSError as error:
            raise SessionEndedError(f"{method} could not be sent", cause=str(error)) from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise DebuggerError(f"the inspector refused {method}", cause=answer["error"].get("message", ""))
        return dict(answer["result"])

    async def run(self) -> None:
        """Read until the connection ends; whoever still waits for an answer then gets a SessionEndedError."""
        try:
            while (text := await self._socket.receive()) is not None:
                message = json.loads(text)
                if "id" not in message:
                    self._on_event(message["method"], message["params"])
                elif (future := self._waiting.get(message["id"])) and not future.done():
                    future.set_result(message)
        finally:
            self._is_open = False
            await self._socket.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(SessionEndedError("the connection to the inspector has ended"))

    async def close(self) -> None:
        """End the connection: the program goes on, without breakpoints."""
        await self._socket.close()


async def open_session(host: str, port: int, on_event: Callable[[str, Mapping[str, Any]], None]) -> Session:
    """Connect to the program behind a port. Raises NotListeningError, its cause in the words of the system."""
    try:
        path = await _path_of_program(host, port)
        return Session(await WebSocket.connect(host, port, path), on_event)
    except (OSError, HandshakeError, ValueError) as error:
        cause = str(error) or type(error).__name__
        raise NotListeningError(f"no inspector answers on {host}:{port}", cause=cause) from error


async def _path_of_program(host: str, port: int) -> str:
    """The path of the WebSocket, from /json/list. Raises OSError, or ValueError where no inspector answers."""
    reader, writer = await asyncio.open_connection(host, port, limit=_READ_LIMIT)
    try:
        writer.write(f"GET /json/list HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        size = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        body = await reader.readexactly(int(size.partition(":")[2]))
        return str(urlsplit(json.loads(body)[0]["webSocketDebuggerUrl"]).path)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, StopIteration) as error:
        raise ValueError("the connection was closed without an answer of an inspector") from error
    except (LookupError, TypeError) as error:
        raise ValueError("its /json/list names no program") from error
    finally:
        await end(writer)
