"""The engine's framed streams, however the network cuts them, and bytes through the pump."""

from __future__ import annotations

import os
import random
import socket
import threading

import pytest

from ddd_tasks.engine.streams import Frames, Pump


def frame(kind: int, payload: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize("seed", range(20))
def test_frames_come_out_whole_at_any_cut(seed: int) -> None:
    chance = random.Random(seed)
    sent = [(chance.choice([1, 2]), chance.randbytes(chance.choice([0, 1, 7, 8, 9, 5000]))) for _ in range(20)]
    wire = b"".join(frame(kind, payload) for kind, payload in sent)
    frames, got = Frames(), {1: b"", 2: b""}
    while wire:
        cut = chance.choice([1, 3, 8, 4096])
        for target, piece in frames.feed(wire[:cut]):
            got[target] += piece
        wire = wire[cut:]
    assert got == {kind: b"".join(payload for one, payload in sent if one == kind) for kind in (1, 2)}


def test_stdin_is_the_target_of_nothing() -> None:
    assert Frames().feed(frame(0, b"x")) == [(1, b"x")]


def test_the_pump_does_not_wait_for_one_direction_while_the_other_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """An echo of 8 MB: with blocking sends both sides would wait for each other for ever."""
    data = os.urandom(8_000_000)
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    monkeypatch.setattr("ddd_tasks.engine.streams.STDIN", read_end)
    echoed = bytearray()

    def echo() -> None:
        while piece := theirs.recv(65536):
            theirs.sendall(piece)
        theirs.close()

    def feed() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(data)

    threads = [threading.Thread(target=echo), threading.Thread(target=feed)]
    for thread in threads:
        thread.start()
    Pump(ours, framed=False, sink=lambda _, piece: echoed.extend(piece)).run()
    for thread in threads:
        thread.join()
    ours.close()
    os.close(read_end)
    assert bytes(echoed) == data
