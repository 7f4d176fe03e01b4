"""Memory of a Python service as it runs in production: what it allocated and still has, by function and line here."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests import profiling, support
from tests.support import Stack

# Of what stays, leak has three quarters; churn allocates most, and keeps nothing. The child is a worker's stand-in.
PROGRAM = """\
import os
import threading
import time

KEPT = []


def leak():
    KEPT.append(bytearray(30_000))  # the planted line


def mild():
    KEPT.append(bytearray(10_000))


def churn():
    [bytearray(50_000) for _ in range(10)]


def serve(pause):
    while True:
        leak()
        mild()
        churn()
        time.sleep(pause)


if os.fork() == 0:
    serve(0.02)
threading.Thread(target=serve, args=(0.02,)).start()
"""
PLANTED = 0.75
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS prod
WORKDIR /app
COPY app ./app
USER 10001:10001
CMD ["python", "/app/app/main.py", "--password=hunter2"]
"""
SERVICE = {**profiling.HARDENED, "x-ddd": {"language": "python"}}
SERVICES = {"api": SERVICE, "idle": {**SERVICE, "command": ["python", "-c", "import time\nwhile True: time.sleep(1)"]}}


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack(
        {"app/main.py": PROGRAM, "Dockerfile": DOCKERFILE, "compose.yaml": json.dumps({"services": SERVICES})}
    )
    try:
        made.ddd("dev.up", timeout=300).ok()
        made.ddd("debug.toolbox", "--service", "api", "--", "true", timeout=600).ok()  # builds the toolbox
        yield made
    finally:
        made.down()


def test_the_planted_leak_comes_first_with_its_line_here(stack: Stack, engine: Engine) -> None:
    before = profiling.state(stack, engine)
    ran = stack.ddd("profile.memory", "--service", "api", "--seconds", "3", "--json").ok()
    said = json.loads(ran.out)
    first, second = said["hottest"][:2]
    path = str(stack.directory / "app" / "main.py")
    assert (first["function"], first["path"], first["line"]) == ("leak", path, 9)
    assert second["function"] == "mild"
    assert abs(first["total"] - PLANTED) < 0.1, said
    assert profiling.state(stack, engine) == before
    folder = Path(said["folder"])
    assert {"memray.bin", "folded.txt", "speedscope.json", "meta.json"} < {file.name for file in folder.iterdir()}
    assert not any(b"hunter2" in file.read_bytes() for file in folder.iterdir())
    stacks = (folder / "folded.txt").read_text()
    assert len({line.partition(";")[0] for line in stacks.splitlines()}) == 2, "the child process was not seen"
    logs = stack.run("docker", "logs", f"{stack.name}-api-1")
    assert logs.out + logs.err == ""


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 0.3), (signal.SIGKILL, 0.6), (signal.SIGKILL, 4)])
def test_the_service_lives_on_whenever_it_is_broken_off(
    stack: Stack, engine: Engine, number: int, seconds: float
) -> None:
    before, left = profiling.state(stack, engine), profiling.folders(stack)
    process = stack.popen(*support.ddd_argv("profile.memory", "--service", "api", "--seconds", "60"))
    support.wait_until(lambda: profiling.beside(stack), what="the profiler's container")
    time.sleep(seconds)
    process.send_signal(number)
    assert support.end_of(process) == 128 + number
    support.wait_until(lambda: not profiling.beside(stack), what="the end of the profiler's container")
    assert (profiling.state(stack, engine), profiling.folders(stack)) == (before, left)


def test_ctrl_c_keeps_what_was_seen_also_after_others(stack: Stack) -> None:
    before = profiling.folders(stack)
    terminal = stack.spawn(*support.ddd_argv("profile.memory", "--service", "api", "--seconds", "120"), size=(24, 100))
    terminal.expect("follow the memory of api")
    time.sleep(4)
    terminal.kill(signal.SIGINT)
    terminal.expect("ended early")
    terminal.expect(r"leak +app/main\.py:9")
    terminal.wait()
    assert terminal.exitstatus == 0
    assert len(profiling.folders(stack)) == len(before) + 1
    assert profiling.beside(stack) == []


def test_what_keeps_nothing_is_said_to_keep_nothing(stack: Stack) -> None:
    ran = stack.ddd("profile.memory", "--service", "idle", "--seconds", "1")
    assert ran.status == 75
    assert "is still in use" in ran.err
