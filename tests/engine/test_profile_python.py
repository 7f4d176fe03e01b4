"""Profiles of a Python service as it runs in production: without rights, and without a profiler in its image."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from tests import profiling, speedscope_schema, support
from tests.support import Stack

# Both spin for so long on the CPU's own clock: of the time on the CPU, hot has three quarters.
PROGRAM = """\
import threading
import time


def hot(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))  # the planted line


def mild(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))


threading.Thread(target=threading.Event().wait, name="waiting", daemon=True).start()
while True:
    hot(0.03)
    mild(0.01)
"""
# A server that forks its workers, as gunicorn does: each does half of the work, and the parent waits.
WORKERS = PROGRAM.replace("while True:", "import os\n\nif os.fork() and os.fork():\n    os.wait()\nwhile True:")
PLANTED = 0.75
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS prod
WORKDIR /app
COPY app ./app
USER 10001:10001
CMD ["python", "/app/app/main.py", "--password=hunter2"]
"""
HARDENED = {**profiling.HARDENED, "x-ddd": {"language": "python"}}


def running(code: str) -> dict[str, Any]:
    return {**HARDENED, "command": ["python", "-c", code]}


SERVICES = {
    "api": {**HARDENED, "cpus": 0.5},
    "workers": {**HARDENED, "command": ["python", "/app/app/workers.py"], "cpus": 0.5},
    "idle": running("import threading; threading.Event().wait()"),
    # Nothing of its own user may look into it.
    "closed": running("import ctypes, time\nctypes.CDLL(None).prctl(4, 0)\nwhile True: time.sleep(1)"),
    "brief": running("import time\nwhile True: time.sleep(0.01) or sum(range(10_000))"),
}


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack(
        {
            "app/main.py": PROGRAM,
            "app/workers.py": WORKERS,
            "Dockerfile": DOCKERFILE,
            "compose.yaml": json.dumps({"services": SERVICES}),
        }
    )
    try:
        made.ddd("dev.up", timeout=300).ok()
        yield made
    finally:
        made.down()


def test_the_planted_function_comes_first_with_its_line_here(stack: Stack, engine: Engine) -> None:
    before = profiling.state(stack, engine)
    said = json.loads(stack.ddd("profile.cpu", "--service", "api", "--seconds", "6", "--json", timeout=600).ok().out)
    first = said["hottest"][0]
    assert (first["function"], first["path"]) == ("hot", str(stack.directory / "app" / "main.py"))
    assert first["line"] in (7, 8)
    assert abs(first["total"] - PLANTED) < 0.1, said
    assert profiling.state(stack, engine) == before
    assert profiling.beside(stack) == []
    folder = Path(said["folder"])
    names = {"py-spy.speedscope.json", "speedscope.json", "folded.txt", "flamegraph.html", "meta.json"}
    assert {file.name for file in folder.iterdir()} == names
    assert "hunter2" not in "".join(file.read_text() for file in folder.iterdir())
    assert said["command"][-1] == "--password=***"
    speedscope_schema.check(json.loads((folder / "speedscope.json").read_text()))


def test_workers_are_sampled_with_their_parent(stack: Stack) -> None:
    said = json.loads(stack.ddd("profile.cpu", "--service", "workers", "--seconds", "4", "--json").ok().out)
    first = said["hottest"][0]
    assert (first["function"], first["path"]) == ("hot", str(stack.directory / "app" / "workers.py"))
    assert abs(first["total"] - PLANTED) < 0.1, said
    at_work: dict[str, int] = {}
    for line in (Path(said["folder"]) / "folded.txt").read_text().splitlines():
        process, count = line.partition(";")[0], line.rpartition(" ")[2]
        at_work[process] = at_work.get(process, 0) + int(count)
    assert len(at_work) == 2, at_work
    assert min(at_work.values()) > 0.3 * sum(at_work.values()), at_work


def test_ctrl_c_ends_it_early_and_keeps_what_was_sampled(stack: Stack) -> None:
    before = profiling.folders(stack, "api")
    terminal = stack.spawn(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"), size=(24, 100))
    terminal.expect("sample api, 120 s at 100 Hz.*━")
    time.sleep(3)
    terminal.kill(signal.SIGINT)  # with the key, the terminal drops output amid the bytes of a letter
    terminal.expect("ended early")
    terminal.expect(r"hot +app/main\.py:[78]")
    terminal.wait()
    assert terminal.exitstatus == 0
    (made,) = set(profiling.folders(stack, "api")) - set(before)
    assert 0 < json.loads((made / "meta.json").read_text())["seconds"] < 30
    assert profiling.beside(stack) == []


def test_sigterm_ends_it_and_leaves_nothing(stack: Stack) -> None:
    before = profiling.folders(stack, "api")
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"))
    support.wait_until(lambda: profiling.beside(stack), what="the profiler")
    process.terminate()
    assert support.end_of(process) == 128 + 15
    assert profiling.folders(stack, "api") == before
    support.wait_until(lambda: not profiling.beside(stack), what="the end of its container")


def test_an_idle_service_is_said_to_be_idle(stack: Stack) -> None:
    ran = stack.ddd("profile.cpu", "--service", "idle", "--seconds", "1")
    assert (ran.status, profiling.folders(stack, "idle")) == (75, [])
    assert "nothing was sampled: service 'idle' was idle" in ran.err


@pytest.mark.parametrize("task", [("profile.cpu", "--seconds", "1"), ("profile.dump",)])
def test_a_process_that_lets_nobody_in_is_said_with_what_is_missing(stack: Stack, task: tuple[str, ...]) -> None:
    ran = stack.ddd(*task, "--service", "closed")
    assert (ran.status, profiling.folders(stack, "closed")) == (65, [])
    assert "may not be looked into" in ran.err
    assert "SYS_PTRACE" in ran.err


def test_a_service_that_ends_meanwhile_leaves_no_folder(stack: Stack) -> None:
    profiling.ends_meanwhile(stack, "brief")
    assert "is not running" in stack.ddd("profile.cpu", "--service", "brief").err


def test_all_threads_are_dumped_with_paths_of_this_machine(stack: Stack) -> None:
    said = stack.ddd("profile.dump", "--service", "api").ok().out
    assert f"<module> ({stack.directory}/app/main.py:" in said
    assert "thread waiting: waits" in said
    assert "seconds = 0.0" in stack.ddd("profile.dump", "--service", "api", "--locals").ok().out


def test_profiles_are_listed_and_opened_by_name(stack: Stack) -> None:
    stack.ddd("profile.cpu", "--service", "api", "--seconds", "1").ok()
    newest = json.loads(stack.ddd("profile.list", "--json").ok().out)[-1]
    page = stack.ddd("profile.open", "--print", "--profile", newest["profile"]).ok().out.strip()
    assert Path(page) == Path(newest["folder"]) / "flamegraph.html"
    assert stack.ddd("profile.open", "--print", "--profile", "nothing").status == 78
