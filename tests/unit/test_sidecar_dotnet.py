"""What a .NET runtime says of itself: its answers as bytes, and a socket that answers like a runtime."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar import dotnet
from sidecar.dotnet import DiagnosticsError

UNKNOWN = struct.pack("<I", 0x80131385)


def text(value: str) -> bytes:
    return struct.pack("<I", len(value) + 1) + (value + "\0").encode("utf-16-le")


def body(*values: str, level: int = 1) -> bytes:
    version = struct.pack("<I", 1) if level == 3 else b""
    return version + struct.pack("<q", 7) + bytes(16) + b"".join(map(text, values))


@contextmanager
def runtime(folder: Path, answers: dict[int, tuple[int, bytes]], magic: bytes = b"DOTNET_IPC_V1\0") -> Iterator[str]:
    """A socket that answers each command of the process set with a status and a body, one for each connection."""
    path = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    given = struct.unpack("<14sHBBH", client.recv(20))
                    assert given[:3] == (b"DOTNET_IPC_V1\0", 20, 4)
                    status, answer = answers.get(given[3], (0xFF, UNKNOWN))
                    client.sendall(struct.pack("<14sHBBH", magic, 20 + len(answer), 0xFF, status, 0) + answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_the_newest_answer_that_the_runtime_has_is_taken(tmp_path: Path) -> None:
    third = body("dotnet a.dll", "Linux", "x64", "a", "10.0.1", "linux-x64", level=3)
    with runtime(tmp_path, {8: (0, third), 0: (0, body("old", "Linux", "x64"))}) as path:
        assert dotnet.ask(path) == {
            "command": "dotnet a.dll",
            "os": "Linux",
            "arch": "x64",
            "assembly": "a",
            "version": "10.0.1",
            "rid": "linux-x64",
        }


def test_an_older_runtime_is_asked_as_it_understands(tmp_path: Path) -> None:
    with runtime(tmp_path, {0: (0, body("dotnet ß.dll", "Linux", "arm64"))}) as path:
        assert dotnet.ask(path) == {"command": "dotnet ß.dll", "os": "Linux", "arch": "arm64"}


def test_one_that_knows_none_of_the_commands_is_a_runtime_all_the_same(tmp_path: Path) -> None:
    with runtime(tmp_path, {}) as path:
        assert dotnet.ask(path) == {}


@pytest.mark.parametrize(
    ("answer", "magic", "cause"),
    [
        ((0xFF, struct.pack("<I", 0x80131384)), b"DOTNET_IPC_V1\0", "refused with 0x80131384"),
        ((0, b""), b"HTTP/1.1 400 B", "no .NET runtime"),
        ((0, b""), b"DOTNET_IPC_V1\0", "cannot be read"),
        ((0, body("cut") + struct.pack("<I", 99)), b"DOTNET_IPC_V1\0", "cut off"),
    ],
)
def test_what_answers_otherwise_is_refused(tmp_path: Path, answer: tuple[int, bytes], magic: bytes, cause: str) -> None:
    with runtime(tmp_path, {8: answer}, magic) as path, pytest.raises(DiagnosticsError, match=cause):
        dotnet.ask(path)


def test_a_shared_runtime_has_its_version_in_its_path() -> None:
    path = "/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.1/libcoreclr.so"
    assert dotnet.version_of(path) == "10.0.1"
    assert dotnet.version_of("/app/libcoreclr.so") == ""
