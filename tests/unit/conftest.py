"""Unit tests reach no engine and no network; test-in-container shows that they need no docker and no git either."""

from __future__ import annotations

import socket
from typing import Any

import pytest

ENGINE = {"/var/run/docker.sock", "/run/docker.sock"}


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test that connects to something it has not started itself."""
    connect = socket.socket.connect

    def own(self: socket.socket, address: Any) -> None:
        place = address[0] if isinstance(address, tuple) else address
        inside = place not in ENGINE if self.family == socket.AF_UNIX else place in ("127.0.0.1", "::1", "localhost")
        assert inside, f"a unit test connected to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", own)
