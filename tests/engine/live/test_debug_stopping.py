"""What is not ours stays when a debugger is stopped: a service that gdb is in, another's socket, its own inspector."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks import project as projects
from ddd_tasks.debugging import toolbox
from ddd_tasks.engine.api import Engine
from tests import support
from tests.debugging import attach, client
from tests.engine.live.services import Services

SERVICE = """\
import ctypes
import http.server
import threading


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hold":  # no other thread runs meanwhile
            threading.Timer(0.1, ctypes.PyDLL(None).sleep, [SECONDS]).start()
        self.send_response(200)
        self.end_headers()


http.server.HTTPServer(("", 8000), Answers).serve_forever()
"""
COMPOSE = """\
services:
  api:
    image: python:3.13-slim-trixie
    command: [python, /code/service.py]
    user: "10001:10002"
    init: true
    stop_grace_period: 0s
    volumes: [".:/code:ro"]
    ports: ["127.0.0.1:PORT:8000"]
    x-ddd: {language: python}
  neighbour:  # on the port that debugpy usually has
    image: python:3.13-slim-trixie
    command: [python, -c, "import socket; socket.create_server(('127.0.0.1', 5678)).accept()"]
    network_mode: service:api
    init: true
    stop_grace_period: 0s
  open:
    image: node:24-trixie-slim
    command: [node, -e, "require('inspector').open(9229); setInterval(() => 0, 1000)"]
    init: true
    stop_grace_period: 0s
    x-ddd: {language: node}
"""


@pytest.fixture(scope="module")
def held(engine: Engine, bases: None) -> Iterator[tuple[Services, str]]:
    """The project and the URL of its service, whose interpreter is held for seconds on demand."""
    port = support.free_port()
    stack = support.make_stack(
        {"compose.yaml": COMPOSE.replace("PORT", str(port)), "service.py": SERVICE.replace("SECONDS", "4")}
    )
    try:
        toolbox.ensure(engine, projects.load(stack.directory), "python")  # a first attach would build it for a minute
        stack.ddd("dev.up", timeout=300).ok()
        yield Services(stack, engine), f"http://127.0.0.1:{port}/"
    finally:
        stack.down()


def test_a_sidecar_that_is_stopped_while_gdb_is_in_the_process(held: tuple[Services, str]) -> None:
    """A gdb that is killed there, or breaks off what it has called, takes the process with it."""
    services, url = held
    before = services.facts()[:4]  # the engine lists changed files in any order
    support.wait_until(lambda: _answers(url), what="the service")
    attaching = services.stack.popen(*support.ddd_argv("debug.attach", "--service", "api"))
    support.wait_until(lambda: services.ours("sidecar"), what="the sidecar")
    assert _answers(f"{url}hold")
    support.wait_until(lambda: _tracer(services), what="gdb in the process")
    (sidecar,) = services.ours("sidecar")
    services.engine.post(f"/containers/{sidecar}/stop", None, t=10)
    assert support.end_of(attaching) != 0
    assert _tracer(services) == 0
    assert _answers(url)
    assert services.facts()[:4] == before
    # The neighbour's socket is in the same network, and no debugger of this service.
    with client(attach(services.stack, "--service", "api")):
        assert _answers(url)
    services.stack.ddd("debug.detach").ok()


def test_an_inspector_that_the_program_opened_itself_stays_open(held: tuple[Services, str]) -> None:
    services, _ = held
    for _ in range(2):
        with client(attach(services.stack, "--service", "open")):
            pass
        services.stack.ddd("debug.detach").ok()
        first = services.engine.get(f"/containers/{services.container('open')}/json")["State"]["Pid"]
        assert ":240D 00000000:0000 0A" in Path(f"/proc/{first}/net/tcp").read_text()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _tracer(services: Services) -> int:
    """The number of the process that traces the service's, 0 for none."""
    first = services.engine.get(f"/containers/{services.container()}/json")["State"]["Pid"]
    (pid,) = Path(f"/proc/{first}/task/{first}/children").read_text().split()  # of its init
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["TracerPid"])
