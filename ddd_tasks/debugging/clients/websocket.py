"""A WebSocket client (RFC 6455): as much as a debugger's protocol needs, which is text in both directions."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
# Section 1.3: what a server appends to the key that it was sent.
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")


class HandshakeError(Exception):
    """The other end does not speak WebSocket: the text is its status line."""


class Frame(NamedTuple):
    """One frame, unmasked. is_final: no further fragment of the same message follows."""

    opcode: int
    payload: bytes
    is_final: bool = True


def accepts(key: str) -> str:
    """What a server has to answer to a handshake with this key."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def encode(frame: Frame, mask: bytes = b"") -> bytes:
    """A frame as bytes: a client masks what it sends with four random bytes, a server sends it as it is."""
    first, size, masked = frame.opcode | (0x80 if frame.is_final else 0), len(frame.payload), 0x80 if mask else 0
    if size < 126:
        head = bytes([first, masked | size])
    elif size < 1 << 16:
        head = bytes([first, masked | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, masked | 127]) + size.to_bytes(8, "big")
    return head + mask + _masked(frame.payload, mask)


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame. Raises IncompleteReadError where the connection ends before it does."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    return Frame(first & 0x0F, _masked(await reader.readexactly(size), mask), bool(first & 0x80))


def _masked(payload: bytes, mask: bytes) -> bytes:
    """Payload xor mask, which undoes itself; as whole numbers, since a source file is a long payload."""
    if not mask:
        return payload
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")


class WebSocket:
    """An open connection; made by connect()."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int, path: str) -> WebSocket:
        """Open a connection. Raises OSError, or HandshakeError with the status line of a server that refuses."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await _shake_hands(reader, writer, port, path)
        except BaseException:
            await end(writer)
            raise
        return cls(reader, writer)

    async def send(self, text: str) -> None:
        """Send a message. Raises OSError where the connection has ended."""
        await self._send(Frame(TEXT, text.encode()))

    async def receive(self) -> str | None:
        """The next message, or None when the connection has ended, in whatever way. Pings are answered."""
        parts: list[bytes] = []
        try:
            while True:
                frame = await read_frame(self._reader)
                if frame.opcode == PING:
                    await self._send(Frame(PONG, frame.payload))
                elif frame.opcode == CLOSE:
                    return None
                elif frame.opcode in (TEXT, _CONTINUATION):
                    parts.append(frame.payload)
                    if frame.is_final:
                        return b"".join(parts).decode()
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close(self) -> None:
        """Say that it was on purpose, and end the connection."""
        with contextlib.suppress(OSError):  # the other end may have been faster
            await self._send(Frame(CLOSE, _NORMAL_CLOSURE))
        await end(self._writer)

    async def _send(self, frame: Frame) -> None:
        self._writer.write(encode(frame, secrets.token_bytes(4)))
        await self._writer.drain()


async def end(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever state it is in."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, path: str) -> None:
    """Section 4. The name is localhost whatever the host: Node.js refuses others, as a guard against DNS rebinding."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    try:
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise HandshakeError("it closed the connection") from error
    status, *headers = answer.split("\r\n")
    values = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
    if " 101 " not in f"{status} " or values.get("sec-websocket-accept") != accepts(key):
        raise HandshakeError(status)
