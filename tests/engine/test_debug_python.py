"""Debugging Python: reloaders, workers, and a hardened service that has no debugger in its image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.debugging.clients import dialects
from ddd_tasks.debugging.clients.base import Client
from tests import support
from tests.debugging import attach, client, line_of, processes, stop_of, visitors
from tests.examples import Example, example_of
from tests.support import Stack

SERVICES = """\

  hardened:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1:${HARDENED_PORT}:8000"]

  debugged:
    build: {context: ., target: dev}
    init: true
    ports: ["127.0.0.1:${DEBUGGED_PORT}:8000"]
    volumes: ["./:/app"]

  other:
    build: {context: ., target: prod}
    user: root
    healthcheck: {disable: true}
    command: >-
      sh -c 'cp "$$(readlink -f "$$(which python3)")" /opt/python3.9 && exec /opt/python3.9 -m http.server'

  listening:
    build: {context: ., target: debug}
    ports: ["127.0.0.1:${LISTENING_PORT}:8000"]
    command: python -Xfrozen_modules=off -m debugpy --listen 127.0.0.1:5678 -m uvicorn app.main:app --host 0.0.0.0

  sleeping:
    build: {context: ., target: prod}
    healthcheck: {disable: true}
    command: [sleep, infinity]
    x-ddd: {language: python}

  pool:
    build: {context: ., target: dev}
    init: true
    healthcheck: {disable: true}
    volumes: ["./:/app"]
    command: [python, pool.py]
"""
POOL = """\
import multiprocessing
import os
import time


def work(number):
    worker = os.getpid()
    return worker + number


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        while True:
            pool.map(work, range(4))
            time.sleep(0.1)
"""
WSGI = {
    "app.py": """\
import os


def app(environ, start_response):
    worker = os.getpid()
    answer = f"{worker}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
""",
    "requirements.txt": "gunicorn\n",
}


class Running:
    """The example in its dev stage, with its debug stage and its prod stage beside it, which have URLs of their own."""

    def __init__(self, example: Example, debugged: str, hardened: str, listening: str) -> None:
        self.example = example
        self.stack = example.stack
        self.debugged = debugged
        self.hardened = hardened
        self.listening = listening

    @property
    def line(self) -> int:
        """The line that answers a visit."""
        return line_of(self.example.source, '"service"')

    def save(self, name: str) -> None:
        """Save the source with another name for the service, and nothing else."""
        self.example.source.write_text(self.example.named(name))

    def wait_for(self, name: str, url: str) -> None:
        """Wait until a URL answers with a name."""
        Example(self.stack, url, self.example.source, self.example.text).wait_for(name)

    def see(self, debugger: Client, url: str) -> dict[str, str]:
        """The locals of a visit that the breakpoint stops."""
        path = str(self.example.source)
        (said,) = debugger.set_breakpoints(path, {self.line: ""})
        assert said.is_verified, said
        with visitors(url):
            stop = stop_of(debugger)
            assert stop.place == (path, self.line)
            found = debugger.variables(stop.frames[0])
            debugger.set_breakpoints(path, {})
            debugger.resume(stop)
            return found


@pytest.fixture(scope="module")
def running(bases: None) -> Iterator[Running]:
    """The example, built and healthy."""
    with example_of(languages.get("python")) as example:
        ports = {name: support.free_port() for name in ("DEBUGGED", "HARDENED", "LISTENING")}
        stack = example.stack
        stack.write({"pool.py": POOL})
        compose = stack.directory / "compose.yaml"
        compose.write_text(compose.read_text().rstrip("\n") + "\n" + SERVICES)
        with (stack.directory / ".env").open("a") as variables:
            variables.writelines(f"{name}_PORT={port}\n" for name, port in ports.items())
        stack.ddd("dev.up", timeout=600).ok()
        stack.ddd("debug.up", "--service", "debugged", timeout=600).ok()
        yield Running(example, *(f"http://127.0.0.1:{port}/" for port in ports.values()))


def test_one_attach_to_the_dev_stage_holds_over_reloads(running: Running) -> None:
    stack, example = running.stack, running.example
    with client(attach(stack, "--service", "visits")) as debugger:
        running.see(debugger, example.url)
        for name in ("second", "third"):
            running.save(name)
            debugger.set_breakpoints(str(example.source), {running.line: ""})
            with visitors(example.url) as answers:
                while not any(json.loads(answer)["service"] == name for answer in answers[-1:]):
                    debugger.resume(stop_of(debugger))
                debugger.set_breakpoints(str(example.source), {})
                while stop := debugger.wait_for_stop(0.5):  # the visitor after that
                    debugger.resume(stop)
    # The reloader was told by the debugger how to start children; without it, it does so as before.
    stack.ddd("debug.detach").ok()
    running.save("visits")
    example.wait_for("visits")
    assert "pydevd" not in stack.run("docker", "compose", "top", "visits").out


def test_a_hardened_service_is_debugged_and_left_as_it_was(running: Running) -> None:
    stack = running.stack
    before, threads = _state(stack), _threads(stack)
    said = attach(stack, "--service", "hardened")
    with client(said) as debugger:
        assert "MemoryStore" in running.see(debugger, running.hardened)["store"]
        again = attach(stack, "--service", "hardened")
        assert again == said
    stack.ddd("debug.detach").ok()
    support.wait_until(lambda: _threads(stack) == threads, what="the end of the debugger's threads")
    assert _state(stack) == before
    stack.run("docker", "compose", "restart", "hardened").ok()
    with client(attach(stack, "--service", "hardened")) as debugger:
        running.see(debugger, running.hardened)
    # Nobody takes the debugger away in an orderly manner: the process does so by itself.
    labels = (f"ddd-tasks.project={stack.directory}", "ddd-tasks.role=sidecar")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    sidecar = stack.run("docker", "ps", "--quiet", *filters).out.split()
    stack.run("docker", "kill", *sidecar).ok()
    support.wait_until(lambda: _threads(stack) == threads, what="the end of the debugger's threads")
    stack.ddd("debug.detach").ok()


def test_another_python_than_the_toolbox_has_is_refused(running: Running) -> None:
    refused = running.stack.ddd("debug.attach", "--service", "other", timeout=300)
    assert refused.status == 65
    assert "is Python 3.9" in refused.err
    assert "try: ddd debug.up --service other" in refused.err


def test_breakpoints_of_the_debug_stage_survive_a_reload(running: Running) -> None:
    with client(attach(running.stack, "--service", "debugged")) as debugger:
        assert running.see(debugger, running.debugged)
        running.save("reloaded")
        running.wait_for("reloaded", running.debugged)
        assert running.see(debugger, running.debugged)
    running.save("visits")


def test_clients_that_follow_each_other_at_once_are_all_let_in(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours waits for the end of the session before it, which debuggers of other hands need; editors do not."""
    monkeypatch.setattr(dialects, "_DIALECTS", tuple(one._replace(pause=0.0) for one in dialects._DIALECTS))
    said = attach(running.stack, "--service", "hardened")
    for _ in range(10):
        with client(said) as debugger:
            (told,) = debugger.set_breakpoints(str(running.example.source), {running.line: ""})
            assert told.is_verified
    running.stack.ddd("debug.detach", "--service", "hardened").ok()


def test_a_debugger_that_the_service_listens_with_is_used_and_left(running: Running) -> None:
    stack = running.stack
    before = _listening(stack)
    said = attach(stack, "--service", "listening")
    with client(said) as debugger:
        assert "MemoryStore" in running.see(debugger, running.listening)["store"]
    stack.ddd("debug.detach", "--service", "listening").ok()
    assert "0100007F:162E" in before
    assert _listening(stack) == before
    with client(attach(stack, "--service", "listening")) as debugger:
        assert running.see(debugger, running.listening)
    stack.ddd("debug.detach", "--service", "listening").ok()


def test_a_service_without_the_interpreter_is_refused(running: Running) -> None:
    refused = running.stack.ddd("debug.attach", "--service", "sleeping", timeout=300)
    assert refused.status == 65
    assert "service 'sleeping' cannot be debugged while it runs" in refused.err
    assert "no program of the service runs python: sleep" in refused.err
    ours = running.stack.run("docker", "ps", "--all", "--quiet", "--filter", "label=ddd-tasks.debug=sleeping")
    assert ours.out == ""


def test_a_worker_of_a_pool_stops(running: Running) -> None:
    stack, path = running.stack, running.stack.directory / "pool.py"
    said = attach(stack, "--service", "pool")
    with client(said) as debugger:
        (told,) = debugger.set_breakpoints(str(path), {line_of(path, "return worker"): ""})
        assert told.is_verified
        worker = debugger.variables(stop_of(debugger).frames[0])["worker"]
        assert worker != str(said["pid"])
    stack.ddd("debug.detach", "--service", "pool").ok()


@pytest.mark.parametrize("tool", ["gdb", "py-spy", "strace", "curl"])
def test_a_tool_is_in_the_toolbox(running: Running, tool: str) -> None:
    said = running.stack.ddd("debug.toolbox", "--service", "hardened", "--", tool, "--version").ok()
    assert tool in said.out.lower()


def test_workers_of_gunicorn_may_stand_at_a_breakpoint(bases: None) -> None:
    stack = support.make_stack(WSGI)
    try:
        stack.ddd("init", "--name", "wsgi", "--app", "app:app").ok()
        port = support.free_port()
        # Without the stage's own --timeout, a worker that stands for a second is killed.
        stack.write({".env": f"WSGI_PORT={port}\n"})
        compose = stack.directory / "compose.yaml"
        text = compose.read_text()
        arguments = '    environment: {GUNICORN_CMD_ARGS: "--workers 2 --timeout 1"}\n'
        compose.write_text(re.sub(r"(?m)^(    init: .*\n)", rf"\1{arguments}", text))
        stack.ddd("debug.up", timeout=600).ok()
        path, url = stack.directory / "app.py", f"http://127.0.0.1:{port}/"
        with client(attach(stack)) as debugger:
            debugger.set_breakpoints(str(path), {line_of(path, "answer = f"): ""})
            with visitors(url) as first, visitors(url) as second:
                # The first stands, so the second request is the other worker's.
                stops = [stop_of(debugger) for _ in range(2)]
                workers = {debugger.variables(stop.frames[0])["worker"] for stop in stops}
                assert debugger.wait_for_stop(3.0) is None
                debugger.set_breakpoints(str(path), {})
                for stop in stops:
                    debugger.resume(stop)
                support.wait_until(lambda: first and second, what="the answers")
        assert {first[0].decode(), second[0].decode()} == workers
        assert len(workers) == 2
        assert "WORKER TIMEOUT" not in stack.run("docker", "compose", "logs").out
    finally:
        stack.down()


def _listening(stack: Stack) -> list[str]:
    """The addresses, as the kernel writes them, where programs of the service listening wait for connections."""
    rows = stack.run("docker", "compose", "exec", "-T", "listening", "cat", "/proc/net/tcp").ok().out.splitlines()
    return sorted(row.split()[1] for row in rows if " 0A " in row)


def _state(stack: Stack) -> dict[str, Any]:
    """What nobody may change of the hardened service's container, and who runs in it."""
    container = stack.run("docker", "compose", "ps", "-q", "hardened").out.strip()
    (info,) = json.loads(stack.run("docker", "inspect", container).ok().out)
    return {
        "id": info["Id"],
        "image": info["Image"],
        "started": info["State"]["StartedAt"],
        "diff": stack.run("docker", "diff", container).ok().out,
        "processes": processes(container),
    }


def _threads(stack: Stack) -> list[int]:
    """The numbers of threads and of open sockets of the service's process."""
    code = """if True:
        import os
        files = [os.readlink(f"/proc/1/fd/{number}") for number in os.listdir("/proc/1/fd")]
        print(len(os.listdir("/proc/1/task")), sum("socket" in file for file in files))
    """
    said = stack.run("docker", "compose", "exec", "-T", "hardened", "python", "-c", code).ok()
    return [int(word) for word in said.out.split()]
