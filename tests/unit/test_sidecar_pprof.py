"""What the toolbox asks of a pprof endpoint, from servers that answer in several ways."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sidecar import pprof
from sidecar.proc import Listener
from tests import support

INDEX = b"<html>Types of profiles available: goroutine heap profile</html>"
ASKED = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Go's, as far as it matters: a profile ends when the client has sent everything that it will ever send."""

    def do_GET(self) -> None:
        if self.path.startswith("/debug/pprof/profile"):
            ASKED.set()
            self.rfile.read(1)
            self.answer(200, b"a profile")
        else:
            status, content = {"/debug/pprof/": (200, INDEX), "/odd/": (200, b"hello")}.get(
                self.path, (404, b"no page")
            )
            self.answer(status, content)

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_port_of_the_process_that_has_the_index_is_found(port: int) -> None:
    said = pprof.find(os.getpid(), "/debug/pprof")
    assert (said["port"], said["asked"]) == (port, {port: ""})
    assert pprof.find(os.getpid(), "/debug/pprof", port)["port"] == port


def test_what_is_no_index_is_said(port: int) -> None:
    assert pprof.find(os.getpid(), "/odd") == {"port": None, "asked": {port: "another page at /odd/"}}
    assert pprof.find(os.getpid(), "/none") == {"port": None, "asked": {port: "status 404 at /none/"}}
    closed = support.free_port()
    (said,) = pprof.find(os.getpid(), "/debug/pprof", closed)["asked"].values()  # type: ignore[attr-defined]
    assert said.startswith("no HTTP (")


def test_a_process_that_listens_on_nothing_is_asked_nothing() -> None:
    assert pprof.find(0, "/debug/pprof") == {"port": None, "asked": {}}


def test_the_usual_port_is_asked_first_then_those_for_the_machine_itself() -> None:
    loopback, everybody = "0100007F", "00000000"
    held = [
        Listener(80, everybody, 1),
        Listener(9000, loopback, 2),
        Listener(6060, everybody, 3),
        Listener(80, loopback, 4),
    ]
    assert pprof.order(held) == [6060, 80, 9000]


def test_an_interrupt_ends_a_profile_and_keeps_it(port: int, tmp_path: Path) -> None:
    ASKED.clear()
    words = ["get", "--port", str(port), "--path", "/debug/pprof/profile?seconds=60", "--to", str(tmp_path / "got")]
    place = Path(pprof.__file__).parent.parent
    running = support.popen(sys.executable, "-m", "sidecar.pprof", *words, cwd=place)
    assert ASKED.wait(20)
    running.send_signal(signal.SIGINT)
    assert support.end_of(running) == 0
    assert (tmp_path / "got").read_bytes() == b"a profile"


def test_an_interrupt_ends_the_wait_between_two_looks(port: int, tmp_path: Path) -> None:
    got, words = tmp_path / "got", ["--port", str(port), "--path", "/debug/pprof/", "--seconds", "60"]
    place = Path(pprof.__file__).parent.parent
    running = support.popen(sys.executable, "-m", "sidecar.pprof", "twice", *words, "--to", str(got), cwd=place)
    support.wait_until(lambda: (tmp_path / "got.before").exists(), what="the first look")
    assert not got.exists()
    running.send_signal(signal.SIGINT)
    assert support.end_of(running) == 0
    assert got.read_bytes() == (tmp_path / "got.before").read_bytes() == INDEX


def test_an_answer_that_was_not_asked_for_is_no_profile(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    got = tmp_path / "got"
    assert pprof.main(["get", "--port", str(port), "--path", "/debug/pprof/heap", "--to", str(got)]) == 1
    assert pprof.main(["twice", "--port", str(port), "--path", "/heap", "--seconds", "9", "--to", str(got)]) == 1
    assert pprof.main(["get", "--port", str(support.free_port()), "--path", "/heap", "--to", str(got)]) == 1
    said = capsys.readouterr().err
    assert "status 404: no page" in said
    assert "does not answer: " in said
    assert not got.exists()
    assert pprof.main(["find", "--pid", str(os.getpid()), "--path", "/debug/pprof"]) == 0
    assert json.loads(capsys.readouterr().out)["port"] == port
