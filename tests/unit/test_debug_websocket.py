"""Frames as RFC 6455 shows them, and messages that come in pieces."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from ddd_tasks.debugging.clients.websocket import CLOSE, PING, PONG, TEXT, Frame, WebSocket, accepts, encode, read_frame

MASK = bytes.fromhex("37fa213d")
HELLO = b"Hello"


def reader(data: bytes) -> asyncio.StreamReader:
    made = asyncio.StreamReader()
    made.feed_data(data)
    made.feed_eof()
    return made


def read(data: bytes) -> Frame:
    async def run() -> Frame:
        return await read_frame(reader(data))

    return asyncio.run(run())


class Written:
    """What a client sends."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        pass


def received(data: bytes) -> tuple[list[str | None], list[Frame]]:
    """All messages until the end, and the frames that were answered."""

    async def run() -> tuple[list[str | None], list[Frame]]:
        written = Written()
        socket = WebSocket(reader(data), cast(asyncio.StreamWriter, written))
        messages = [await socket.receive()]
        while messages[-1] is not None:
            messages.append(await socket.receive())
        sent, answers = reader(written.data), []
        while not sent.at_eof():
            answers.append(await read_frame(sent))
        return messages, answers

    return asyncio.run(run())


def test_the_key_of_section_1_3() -> None:
    assert accepts("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("frame", "mask", "wire"),
    [
        (Frame(TEXT, HELLO), b"", "810548656c6c6f"),
        (Frame(TEXT, HELLO), MASK, "818537fa213d7f9f4d5158"),
        (Frame(TEXT, b"Hel", False), b"", "010348656c"),
        (Frame(0, b"lo"), b"", "80026c6f"),
        (Frame(PING, HELLO), b"", "890548656c6c6f"),
        (Frame(PONG, HELLO), MASK, "8a8537fa213d7f9f4d5158"),
        (Frame(2, bytes(256)), b"", "827e0100" + "00" * 256),
        (Frame(2, bytes(65536)), b"", "827f0000000000010000" + "00" * 65536),
    ],
    ids=["text", "masked", "first fragment", "last fragment", "ping", "masked pong", "256 bytes", "64 KiB"],
)
def test_the_examples_of_section_5_7(frame: Frame, mask: bytes, wire: str) -> None:
    assert encode(frame, mask).hex() == wire
    assert read(bytes.fromhex(wire)) == frame


@pytest.mark.parametrize("size", [0, 1, 3, 125, 126, 127, 65535, 65536, 100_001])
def test_what_is_masked_comes_back(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    assert read(encode(Frame(TEXT, payload[:size]), MASK)).payload == payload[:size]


def test_fragments_are_one_message_even_around_a_ping() -> None:
    parts = [Frame(TEXT, "grü".encode()[:3], False), Frame(PING, b"?"), Frame(0, "grü".encode()[3:] + b"n")]
    messages, answers = received(b"".join(map(encode, parts)) + encode(Frame(TEXT, b"next")))
    assert messages == ["grün", "next", None]
    assert answers == [Frame(PONG, b"?")]


@pytest.mark.parametrize("rest", [b"", encode(Frame(CLOSE, b"\x03\xe8")), encode(Frame(TEXT, HELLO))[:4]])
def test_every_end_is_an_end(rest: bytes) -> None:
    assert received(encode(Frame(TEXT, b"last")) + rest)[0] == ["last", None]
