"""An ssh agent with one key, whose comment is a canary: what a build sees of it can be told."""

from __future__ import annotations

import shutil
import socketserver
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The protocol: draft-ietf-sshm-ssh-agent. A client asks for the identities, and gets them.
_FAILURE, _IDENTITIES = 5, 12
_ASKS_FOR_IDENTITIES = 11


@contextmanager
def running(comment: str) -> Iterator[Path]:
    """The agent's socket."""
    key = _text(_text(b"ssh-ed25519") + _text(bytes(32)))
    identities = bytes([_IDENTITIES]) + struct.pack(">I", 1) + key + _text(comment.encode())

    class Handler(socketserver.StreamRequestHandler):
        """Answers until the client hangs up."""

        def handle(self) -> None:
            while len(head := self.rfile.read(4)) == 4:
                request = self.rfile.read(struct.unpack(">I", head)[0])
                self.wfile.write(_text(identities if request[0] == _ASKS_FOR_IDENTITIES else bytes([_FAILURE])))

    folder = tempfile.mkdtemp(prefix="ddd-agent-")  # a socket's path must be short
    socket = Path(folder, "agent")
    with socketserver.ThreadingUnixStreamServer(str(socket), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield socket
        server.shutdown()
        thread.join()
    shutil.rmtree(folder)


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
