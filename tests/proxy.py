"""A socket in the engine's place, which counts its callers and can be taken away while the engine goes on."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

from ddd_tasks.engine.endpoint import DEFAULT_HOST


class Proxy:
    """Its socket. accepted: how many connections there were so far."""

    def __init__(self, path: Path) -> None:
        self.path, self.accepted, self._open = path, 0, list[socket.socket]()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def end(self) -> None:
        """Hang up on all, and be gone."""
        self.path.unlink()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.accepted += 1
                far = socket.socket(socket.AF_UNIX)
                far.connect(DEFAULT_HOST.removeprefix("unix://"))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
