"""What goes wrong while a service is profiled: said in our words, with nothing left beside it and nothing half made."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pexpect
import pytest

from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import StoppedError
from tests import profiling, support
from tests.engine.test_profile_python import DOCKERFILE, HARDENED
from tests.support import Ran, Stack

SPIN = "import time\nwhile True: time.sleep(0.005) or sum(range(20_000))"
# The name of its function would clear a terminal and set its title.
ODD = """\
code = compile("while True: sum(range(99))", "/app/odd.py", "exec")
exec(code.replace(co_name="x\\x1b[2Jy", co_qualname="x\\x1b[2Jy"))
"""


def spinning(code: str = SPIN, **more: Any) -> dict[str, Any]:
    return {**HARDENED, "command": ["python", "-c", code], "cpus": 0.3, **more}


SERVICES = {
    "api": spinning(),
    "many": spinning("import time\nwhile True: time.sleep(1)", scale=2),
    "odd": spinning(ODD),
    "loop": spinning("import time, sys\ntime.sleep(0.3)\nsys.exit(3)", restart="always", scale=0),
}


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    files = {"Dockerfile": DOCKERFILE, "compose.yaml": json.dumps({"services": SERVICES}), "app/main.py": SPIN}
    made = support.make_stack(files)
    try:
        made.ddd("dev.up", timeout=300).ok()
        made.ddd("profile.dump", "--service", "api", timeout=300).ok()  # the toolbox is built
        yield made
    finally:
        made.down()


def cpu(stack: Stack, *words: str, **options: Any) -> Ran:
    return stack.ddd("profile.cpu", "--service", *words, **{"timeout": 60, **options})


def left(stack: Stack, service: str) -> list[Path]:
    return sorted((stack.directory / ".ddd" / "profiles" / service).glob("*"))


def test_a_command_ends_with_the_container_whose_processes_it_shares(stack: Stack, engine: Engine) -> None:
    """The engine does not close its stream then."""
    image = stack.run("docker", "inspect", "--format", "{{.Image}}", f"{stack.name}-api-1").ok().out.strip()
    outer = support.unique("outer")
    sleep = ("--entrypoint", "sleep", image, "60")
    stack.run("docker", "run", "--detach", "--rm", "--name", outer, *sleep).ok()
    inner = support.unique("inner")
    stack.run("docker", "run", "--detach", "--rm", "--name", inner, "--pid", f"container:{outer}", *sleep).ok()
    killer = stack.popen("sh", "-c", f"sleep 1; docker kill {outer}")
    began = time.monotonic()
    with closing(Engine.connect()) as own, pytest.raises(StoppedError):
        execs.capture(own, inner, ["sleep", "50"])
    assert time.monotonic() - began < 20
    support.end_of(killer)


def test_a_full_disk_leaves_nothing_half_made(stack: Stack) -> None:
    ran, found = _on_tmpfs(stack, "size=16k")
    assert (ran.status, found) == (78, [])
    assert "the profile cannot be written" in ran.err
    assert "No space left on device" in ran.err
    assert "try: df -h" in ran.err


def test_a_folder_that_cannot_be_written_is_said_before_it_is_sampled(stack: Stack) -> None:
    began = time.monotonic()
    ran, found = _on_tmpfs(stack, "ro", "--seconds", "30")
    assert (ran.status, found) == (78, [])
    assert "no profile can be written" in ran.err
    assert time.monotonic() - began < 20


def _on_tmpfs(stack: Stack, options: str, *words: str) -> tuple[Ran, list[Path]]:
    """What profile.cpu says where profiles are on such a file system, and what it left there."""
    place = stack.directory / ".ddd" / "profiles"
    place.mkdir(parents=True, exist_ok=True)
    if stack.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)).status:
        pytest.skip("nothing can be mounted here")
    try:
        ran = cpu(stack, "api", *(words or ("--seconds", "3")))
        return ran, left(stack, "api")
    finally:
        stack.run("umount", str(place)).ok()


def test_two_profiles_of_one_service_at_once(stack: Stack) -> None:
    before = left(stack, "api")
    argv = support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "2")
    running = [stack.popen(*argv), stack.popen(*argv)]
    assert [support.end_of(one, seconds=60) for one in running] == [0, 0]
    assert len(left(stack, "api")) == len(before) + 2


def test_a_debugger_and_a_profiler_are_there_at_once(stack: Stack) -> None:
    stack.ddd("debug.attach", "--service", "api", timeout=120).ok()
    try:
        cpu(stack, "api", "--seconds", "1").ok()
        rows = stack.run("docker", "ps", "--filter", f"name={stack.name}", "--format", "{{.Names}}").out
        assert "sidecar" in rows, "the profiler has removed the debugger"
    finally:
        stack.ddd("debug.detach", "--service", "api").ok()


def test_of_several_containers_it_is_said_which_one_is_profiled(stack: Stack) -> None:
    ran = stack.ddd("profile.dump", "--service", "many").ok()
    assert f"{stack.name}-many-1" in ran.err
    assert f"{stack.name}-api-1" not in stack.ddd("profile.dump", "--service", "api").ok().err


def test_a_paused_service(stack: Stack) -> None:
    stack.run("docker", "pause", f"{stack.name}-api-1").ok()
    try:
        ran = cpu(stack, "api", "--seconds", "1")
    finally:
        stack.run("docker", "unpause", f"{stack.name}-api-1").ok()
    assert ran.status == 75
    assert "service 'api' is paused" in ran.err
    assert "try: docker compose unpause api" in ran.err


def test_a_service_that_is_paused_while_it_is_profiled(stack: Stack) -> None:
    name = f"{stack.name}-api-1"
    process = stack.popen("sh", "-c", f"sleep 3; docker pause {name}; sleep 1; docker unpause {name}")
    ran = cpu(stack, "api", "--seconds", "5")
    support.end_of(process)
    ran.ok()


def test_a_service_that_restarts_again_and_again(stack: Stack) -> None:
    stack.run("docker", "compose", "up", "--detach", "--no-build", "--scale", "loop=1", "loop").ok()
    try:
        for _ in range(4):  # at whatever moment
            ran = cpu(stack, "loop", "--seconds", "3")
            assert ran.status == 75, ran.err
            assert "'loop'" in ran.err
        assert (left(stack, "loop"), profiling.beside(stack)) == ([], [])
    finally:
        stack.run("docker", "compose", "rm", "--force", "--stop", "loop").ok()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 1.0, 1.6, 2.0])
def test_a_service_that_dies_at_any_moment(stack: Stack, seconds: float) -> None:
    before = left(stack, "odd")
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "odd", "--seconds", "1"))
    time.sleep(seconds)
    stack.run("docker", "kill", f"{stack.name}-odd-1").ok()
    status = support.end_of(process)
    assert status == (0 if len(left(stack, "odd")) > len(before) else 75)
    stack.run("docker", "start", f"{stack.name}-odd-1").ok()
    assert not [one for one in left(stack, "odd") if one.name.startswith(".")]
    assert profiling.beside(stack) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_stays_beside_it_when_the_task_is_killed(stack: Stack, number: int) -> None:
    before = left(stack, "api")
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "60"))
    support.wait_until(lambda: profiling.beside(stack), what="the profiler")  # it has not begun yet
    os.kill(process.pid, number)
    assert support.end_of(process) in (128 + number, 0)
    support.wait_until(lambda: not profiling.beside(stack), what="the end of its container")
    assert not [one for one in left(stack, "api") if one.name.startswith(".")]
    assert number == signal.SIGINT or left(stack, "api") == before


def test_control_characters_of_the_code_do_not_reach_the_terminal(stack: Stack) -> None:
    for words in (("profile.cpu", "--service", "odd", "--seconds", "2"), ("profile.dump", "--service", "odd")):
        terminal = stack.spawn(*support.ddd_argv(*words), size=(40, 160), timeout=60)
        terminal.expect(r"x\\x1b\[2Jy")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert "\x1b[2J" not in (terminal.before or "")
