"""The engine's HTTP API over its socket, with nothing but the standard library: http.client alone would cost 40 ms.

Reference: the Docker Engine API, https://docs.docker.com/reference/api/engine/. Paths carry no version, so that the
engine answers with its own.
"""

from __future__ import annotations

from ddd_tasks.engine import endpoint as endpoints
from ddd_tasks.engine import quickjson as json
from ddd_tasks.engine.endpoint import Endpoint, Stream
from ddd_tasks.errors import EngineError, ExitCode

TYPE_CHECKING = False  # as in typing, whose import would cost every exec 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_CHUNK = 65536
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class ApiError(EngineError):
    """The engine refused a request; status is the HTTP status, cause the engine's own words."""

    def __init__(self, what: str, status: int, cause: str) -> None:
        super().__init__(what, cause=cause)
        self.status = status
        if status == 400:
            self.exit_code = ExitCode.CONFIG


class Engine:
    """A client of one engine. Requests on one client share a connection; streams get their own.

    seconds: after which an answer that does not come is an EngineError; None waits on.
    """

    def __init__(self, endpoint: Endpoint, *, seconds: float | None = None) -> None:
        self.endpoint = endpoint
        self._seconds = seconds
        self._connection: _Connection | None = None

    @classmethod
    def connect(cls, *, seconds: float | None = None) -> Engine:
        """A client of the engine that the Docker CLI would use. Raises EngineError when none answers."""
        engine = cls(endpoints.resolve(), seconds=seconds)
        engine._connection = _Connection(endpoints.dial(engine.endpoint, seconds))
        return engine

    def close(self) -> None:
        """Close the shared connection; the next request opens another. Streams are their caller's to close."""
        if self._connection is not None:
            self._connection.detach().close()
            self._connection = None

    def get(self, path: str, /, **query: Any) -> Any:
        """The decoded answer of GET; query values that are no strings are sent as JSON. Raises ApiError."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """The decoded answer of POST with a JSON body. Raises ApiError."""
        return self.request("POST", path, body=body, query=query)

    def delete(self, path: str, /, **query: Any) -> Any:
        """The decoded answer of DELETE. Raises ApiError."""
        return self.request("DELETE", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """One request and its answer: decoded JSON, or bytes for other content. A body of bytes is sent as it is."""
        target = path + _query_string(query or {})
        payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, answer = self._exchange(_request_bytes(method, target, payload, content_type))
        if status >= 400:
            raise ApiError(f"the engine refused {method} {path}", status, _message(answer))
        if "json" in headers.get("content-type", ""):
            return json.loads(answer) if answer.strip() else None
        return answer

    def stream(self, path: str, body: Any = None, /, **query: Any) -> Stream:
        """POST that turns its connection into a raw two-way stream (hijacking). Raises ApiError when refused.

        Bytes must not be sent before the answer's head has come: the engine would lose them.
        """
        connection = _Connection(endpoints.dial(self.endpoint))
        payload = b"" if body is None else json.dumps(body).encode()
        target = path + _query_string(query)
        connection.send(_request_bytes("POST", target, payload, "application/json", upgrade=True))
        status, headers = connection.head()
        if status not in (101, 200):
            raise ApiError(f"the engine refused POST {path}", status, _message(connection.body(headers)))
        return connection.detach()

    def download(self, path: str, /) -> Iterator[bytes]:
        """The answer of GET in pieces, for what is too large to hold. Raises ApiError at the first piece."""
        connection = _Connection(endpoints.dial(self.endpoint))
        try:
            connection.send(_request_bytes("GET", path, b"", ""))
            status, headers = connection.head()
            if status >= 400:
                raise ApiError(f"the engine refused GET {path}", status, _message(connection.body(headers)))
            yield from (
                connection.pieces() if headers.get("transfer-encoding") == "chunked" else [connection.body(headers)]
            )
        finally:
            connection.detach().close()

    def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        fresh = self._connection is None
        connection = self._connection or _Connection(endpoints.dial(self.endpoint, self._seconds))
        self._connection = None
        try:
            connection.send(request)
            status, headers = connection.head()
            answer = connection.body(headers, none=status in (204, 304) or request.startswith(b"HEAD "))
        except OSError as error:
            connection.detach().close()
            if isinstance(error, TimeoutError):
                what = f"the engine at {self.endpoint.host} does not answer"
                cause = f"it has said nothing for {self._seconds:.0f} s"
                raise EngineError(what, cause=cause, hint="docker version") from error
            if fresh:
                what = f"the engine at {self.endpoint.host} hung up"
                raise EngineError(what, cause=str(error), hint="docker version") from error
            return self._exchange(request)  # the engine may close an idle connection at any time
        if headers.get("connection", "").lower() != "close":
            self._connection = connection
        return status, headers, answer


class _Connection:
    """One socket and the bytes that were read from it but not used yet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self._stream.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return int(status_line.split(" ", 2)[1]), {name.lower(): value.strip() for name, value in pairs}

    def body(self, headers: Mapping[str, str], *, none: bool = False) -> bytes:
        if none:
            return b""
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(self.pieces())
        return self._rest()

    def detach(self) -> Stream:
        """The bare socket. Bytes that came with the answer's head are put back in front of it."""
        return _Replayed.of(self._stream, self._buffer) if self._buffer else self._stream

    def pieces(self) -> Iterator[bytes]:
        """A body whose parts say their size, part by part."""
        while size := int(self._line().partition(b";")[0], 16):
            yield self._exactly(size)
            self._line()
        self._line()

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            parts.append(self._receive())
            have += len(parts[-1])
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _rest(self) -> bytes:
        parts = [self._buffer]
        self._buffer = b""
        while data := self._stream.recv(_CHUNK):
            parts.append(data)
        return b"".join(parts)

    def _fill(self) -> None:
        self._buffer += self._receive()

    def _receive(self) -> bytes:
        data = self._stream.recv(_CHUNK)
        if not data:
            raise ConnectionResetError("the engine closed the connection")
        return data


class _Replayed(Stream):
    """A socket whose first bytes have been read already and are given out first."""

    _first: bytes = b""

    @classmethod
    def of(cls, stream: Stream, first: bytes) -> _Replayed:
        replayed = cls(stream.family, stream.type, stream.proto, stream.detach())
        replayed._first = first
        return replayed

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        first, self._first = self._first[:size], self._first[size:]
        return first or super().recv(size, flags)


def _query_string(query: Mapping[str, Any]) -> str:
    pairs = [f"{key}={_quote(value if isinstance(value, str) else json.dumps(value))}" for key, value in query.items()]
    return "?" + "&".join(pairs) if pairs else ""


def _quote(text: str) -> str:
    """Percent-encoding as in RFC 3986; urllib.parse does the same, but takes 9 ms to import."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def _request_bytes(method: str, target: str, payload: bytes, content_type: str, *, upgrade: bool = False) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: engine", f"Content-Length: {len(payload)}"]
    if payload:
        lines.append(f"Content-Type: {content_type}")
    if upgrade:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def _message(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace").strip()
