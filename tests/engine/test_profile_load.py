"""Requests to a service while it is profiled: what they take, what fails, and what cannot be asked for."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.support import Stack

# work takes 100 ms and fails for each third number; a stall holds up all requests once.
PROGRAM = """\
import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

numbers, gate = itertools.count(), threading.Lock()


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = next(numbers)
        with gate:
            if self.path == "/stall" and number == 200:
                time.sleep(0.3)
        if self.path.startswith("/work"):
            time.sleep(0.1)
        spin()
        self.send_response(503 if self.path == "/work?fails=1" and number % 3 == 0 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def spin():
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        sum(range(100))


ThreadingHTTPServer(("", 8000), Service).serve_forever()
"""
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS prod
WORKDIR /app
COPY main.py ./
USER 10001:10001
CMD ["python", "/app/main.py"]
"""
HARDENED: dict[str, Any] = {
    "build": {"context": ".", "target": "prod"},
    "x-ddd": {"language": "python"},
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "stop_grace_period": "0s",
}
RPS, SECONDS = 50, 3


@pytest.fixture(scope="module")
def port() -> int:
    return support.free_port()


@pytest.fixture(scope="module")
def stack(bases: None, port: int) -> Iterator[Stack]:
    services = {
        "api": {**HARDENED, "ports": [f"127.0.0.1:{port}:8000"]},
        "alone": {**HARDENED, "network_mode": "none"},
    }
    compose = json.dumps({"services": services})
    made = support.make_stack({"main.py": PROGRAM, "Dockerfile": DOCKERFILE, "compose.yaml": compose})
    try:
        made.ddd("dev.up", timeout=300).ok()
        made.ddd("profile.dump", "--service", "api", timeout=600).ok()  # builds the toolbox
        yield made
    finally:
        made.down()


def profiled(stack: Stack, service: str, url: str) -> dict[str, Any]:
    """What profile.cpu --json says, and meta.json too, with these requests."""
    words = ("--service", service, "--seconds", str(SECONDS), "--load", url, "--rps", str(RPS), "--json")
    said: dict[str, Any] = json.loads(stack.ddd("profile.cpu", *words, timeout=90).ok().out)
    kept = json.loads((Path(said["folder"]) / "meta.json").read_text())
    assert kept["load"] == said["load"]
    return said


def test_requests_are_timed_without_and_with_the_profiler_and_failures_counted(stack: Stack, port: int) -> None:
    said = profiled(stack, "api", f"http://localhost:{port}/work?fails=1")
    assert "spin" in {row["function"] for row in said["hottest"]}
    load = said["load"]
    for phase in (load["without"], load["with"]):
        assert RPS * SECONDS * 0.9 < phase["requests"] < RPS * SECONDS * 2, load
        assert 100 < phase["p50"] < 160, load
        assert phase["p50"] <= phase["p90"] <= phase["p99"] <= phase["max"]
        assert set(phase["failed"]) == {"503"}
        assert abs(phase["failed"]["503"] - phase["requests"] / 3) <= 3
    assert load["ratio"]["p50"] == pytest.approx(load["with"]["p50"] / load["without"]["p50"], abs=0.01)


def test_requests_that_a_stall_holds_up_count_from_when_they_were_due(stack: Stack) -> None:
    # Without a published port, and without any network. A client that waits would see one slow request of 150.
    phase = profiled(stack, "alone", "/stall")["load"]["without"]
    assert phase["failed"] == {}
    assert phase["p50"] < 100
    assert 200 < phase["p99"] <= phase["max"] < 600, phase


def test_ctrl_c_keeps_what_was_sampled_and_timed(stack: Stack) -> None:
    words = ("--service", "api", "--seconds", "4", "--load", "/work", "--rps", "20")
    terminal = stack.spawn(*support.ddd_argv("profile.cpu", *words), size=(24, 160))
    terminal.expect("warm up")
    terminal.expect("without the profiler, 4 s: 20 requests a second to http://api:8000/work")
    terminal.expect("sample api, 4 s at 100 Hz.*━")
    time.sleep(2)
    terminal.kill(signal.SIGINT)
    terminal.expect("ended early")
    terminal.expect(r"without profiler +8\d +0 +1\d\d\.\d\d")
    terminal.expect(r"with profiler +\d+ +0 +1\d\d\.\d\d")
    terminal.expect("ratio")
    terminal.wait()
    assert terminal.exitstatus == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--load", "https://localhost/"], 78, "it has to be an http URL, or a path that begins with /"),
        (["--load", "work"], 78, "it has to be an http URL, or a path that begins with /"),
        (["--load", "http://apy:8000/"], 78, "did you mean: api"),
        (["--load", "http://localhost:1/"], 78, "no service of this project publishes port 1"),
        (["--load", "http://api:8001/"], 75, "nothing answers at http://api:8001/"),
        (["--load", "/", "--rps", "0"], 78, "a number of requests a second from 1 to 1000"),
        (["--load", "/", "--rps", "many"], 78, "--rps was given many"),
        (["--rps", "5"], 78, "it is the rate of the requests of --load"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_a_hint(
    stack: Stack, words: list[str], status: int, said: str
) -> None:
    ran = stack.ddd("profile.cpu", "--service", "api", *words, timeout=60)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err
    assert "try: ddd " in ran.err
