"""What a service does on the CPU while one looks: on a terminal, and for scripts."""

from __future__ import annotations

import json
import re
import signal
import termios
import time
from collections.abc import Iterator

import pytest

from tests import profiling, support
from tests.engine.test_profile_python import DOCKERFILE, HARDENED, PLANTED, PROGRAM
from tests.support import Stack


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    services = {name: {**HARDENED, "cpus": 0.5} for name in ("api", "brief")}
    made = support.make_stack(
        {"app/main.py": PROGRAM, "Dockerfile": DOCKERFILE, "compose.yaml": json.dumps({"services": services})}
    )
    try:
        made.ddd("dev.up", timeout=300).ok()
        made.ddd("debug.toolbox", "--service", "api", "--", "true", timeout=600).ok()  # builds the toolbox
        yield made
    finally:
        made.down()


def test_the_planted_function_is_first_for_scripts(stack: Stack) -> None:
    said = json.loads(stack.ddd("profile.top", "--service", "api", "--seconds", "4", "--json").ok().out)
    first = said["functions"][0]
    assert (first["function"], first["path"]) == ("hot", str(stack.directory / "app" / "main.py"))
    assert abs(first["total"] / said["cores"] - PLANTED) < 0.15, said
    assert 0.2 < said["cores"] < 1.1, said
    assert said["seconds"] >= 4
    assert first["total_seconds"] == pytest.approx(first["total"] * said["seconds"], rel=0.3)
    assert profiling.beside(stack) == []
    table = stack.ddd("profile.top", "--service", "api", "--seconds", "1").ok()
    assert table.out.splitlines()[0].split() == ["SELF", "TOTAL", "SELF", "S", "TOTAL", "S", "FUNCTION", "WHERE"]
    assert not (stack.directory / ".ddd" / "profiles").exists()


@pytest.mark.parametrize("end", ["q", "Ctrl-C"])
def test_a_terminal_shows_it_live_and_is_as_before_at_the_end(stack: Stack, end: str) -> None:
    argv = support.ddd_argv("profile.top", "--service", "api")
    terminal = stack.spawn(*argv, size=(12, 60), env={"NO_COLOR": "1"})
    before = termios.tcgetattr(terminal.child_fd)
    seen = []
    for _ in range(3):
        terminal.expect(r"api: [01]\.\d+ cores busy, (\d+) s seen; q ends")
        assert isinstance(terminal.match, re.Match)
        seen.append(int(terminal.match[1]))
        terminal.expect(r"\S+% +\S+% +hot +app/main\.py:[78]")
    assert seen == sorted(set(seen))
    if end == "q":
        terminal.send("q")
    else:
        terminal.kill(signal.SIGINT)
    terminal.expect("\x1b\\[\\?25h")  # the cursor is there again
    terminal.wait()
    assert terminal.exitstatus == 0
    assert termios.tcgetattr(terminal.child_fd) == before
    assert profiling.beside(stack) == []


def test_the_end_of_the_service_is_said(stack: Stack) -> None:
    process = stack.popen(*support.ddd_argv("profile.top", "--service", "brief", "--seconds", "60"))
    support.wait_until(lambda: profiling.beside(stack), what="the profiler's container")
    time.sleep(1)
    stack.run("docker", "kill", f"{stack.name}-brief-1").ok()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 75
    assert b"ended while it was profiled" in err


def test_rates_that_no_profiler_has_are_refused(stack: Stack) -> None:
    assert stack.ddd("profile.top", "--service", "api", "--rate", "0").status == 78
