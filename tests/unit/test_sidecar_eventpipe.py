"""How a .NET runtime is asked for a trace: an older one in words that it knows, and why one cannot be asked."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar import dotnet, eventpipe, proc
from sidecar.dotnet import DiagnosticsError
from sidecar.eventpipe import TraceError

COLLECT, COLLECT2 = 2, 3
SESSION = 0x7FA8_3800_0F30
UNKNOWN = struct.pack("<I", dotnet.UNKNOWN)
PROVIDERS = (("Sampler", 0xF0, 5), ("Runtime", 0x1, 4))


@dataclass(frozen=True)
class Here(proc.Process):
    """This process, with another root."""

    folder: str = ""

    @property
    def root(self) -> Path:
        return Path(self.folder)


def here(folder: Path) -> Here:
    found = proc.process(os.getpid())
    assert found
    return Here(**vars(found), folder=str(folder))


@contextmanager
def runtime(folder: Path, answers: dict[int, tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """A socket that answers commands of the tracing set as a runtime does, one for each connection; what it got."""
    place = folder / os.environ.get("TMPDIR", tempfile.gettempdir()).lstrip("/")
    place.mkdir(parents=True, exist_ok=True)
    got: list[tuple[int, bytes]] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / f"dotnet-diagnostic-{os.getpid()}-1-socket"))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    _, size, commands, command, _ = struct.unpack("<14sHBBH", client.recv(20))
                    assert commands == 2
                    got.append((command, client.recv(size - 20)))
                    status, answer = answers[command]
                    head = struct.pack("<14sHBBH", b"DOTNET_IPC_V1\0", 20 + len(answer), 0xFF, status, 0)
                    client.sendall(head + answer + b"Nettrace")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield got
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def started(folder: Path) -> tuple[int, bytes]:
    """The session's number, and what comes behind the answer on its connection."""
    process = here(folder)
    with eventpipe.connected(process) as stream:
        return eventpipe.start(stream, process, PROVIDERS), stream.recv(8)


def test_the_second_form_of_the_command_asks_for_the_names_of_methods(tmp_path: Path) -> None:
    with runtime(tmp_path, {COLLECT2: (0, struct.pack("<Q", SESSION))}) as got:
        assert started(tmp_path) == (SESSION, b"Nettrace")
    ((command, body),) = got
    assert command == COLLECT2
    assert struct.unpack_from("<II?I", body) == (64, 1, True, 2)
    assert struct.unpack_from("<QII", body, 13) == (0xF0, 5, len("Sampler") + 1)
    assert "Runtime\0".encode("utf-16-le") in body


def test_an_older_runtime_is_asked_in_the_first_form_over_a_new_connection(tmp_path: Path) -> None:
    answers = {COLLECT2: (0xFF, UNKNOWN), COLLECT: (0, struct.pack("<Q", SESSION))}
    with runtime(tmp_path, answers) as got:
        assert started(tmp_path) == (SESSION, b"Nettrace")
    assert [command for command, _ in got] == [COLLECT2, COLLECT]
    assert struct.unpack_from("<III", got[1][1]) == (64, 1, 2)
    assert got[1][1][12:] == got[0][1][13:]


def test_another_refusal_is_told(tmp_path: Path) -> None:
    with (
        runtime(tmp_path, {COLLECT2: (0xFF, struct.pack("<I", 0x80131384))}),
        pytest.raises(DiagnosticsError, match="refused with 0x80131384"),
    ):
        started(tmp_path)


def test_why_there_is_no_socket_is_told(tmp_path: Path) -> None:
    process = here(tmp_path)
    with pytest.raises(TraceError, match="No such file or directory") as told:
        eventpipe.connected(process)
    assert told.value.kind == "no-folder"
    dotnet.folder(process).mkdir(parents=True)
    with pytest.raises(TraceError, match="has none in") as told:
        eventpipe.connected(process)
    assert told.value.kind == "no-socket"
    with socket.socket(socket.AF_UNIX) as left:  # by a process of this number that was killed
        left.bind(str(dotnet.folder(process) / f"dotnet-diagnostic-{os.getpid()}-1-socket"))
    with pytest.raises(TraceError, match="refused") as told:
        eventpipe.connected(process)
    assert told.value.kind == "no-socket"
