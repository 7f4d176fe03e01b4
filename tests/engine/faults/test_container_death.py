"""The container dies under a command: stopped, restarted, removed. A clear message, 75, and no second run."""

from __future__ import annotations

import time

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.faults import subjects
from tests.support import Stack, ddd_argv, make_stack, wait_until

ENDS = {
    "stopped": ("stop", "--time", "1"),
    "killed": ("kill",),
    "restarted": ("restart", "--time", "1"),
    "removed": ("rm", "--force"),
}


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize("way", ENDS)
def test_exec(engine: Engine, way: str) -> None:
    stack, mark = make_stack(subjects.FILES), subjects.marker()
    try:
        stack.ddd("dev.up").ok()
        inside = subjects.container(engine, stack)
        client = stack.popen(*ddd_argv("exec", "--", "sh", "-c", f"echo begun; sleep {mark}"))
        wait_until(lambda: subjects.runs(engine, inside, mark))
        began = time.monotonic()
        stack.run("docker", *ENDS[way], inside).ok()
        out, err = client.communicate(timeout=20)
        assert time.monotonic() - began < 10
        assert client.returncode == 75, err
        assert b"'sh' was ended: its container" in err
        assert b"try: ddd dev.up" in err
        assert out == b"begun\n", "it must not be run again"
        stack.ddd("dev.up").ok()
        assert stack.ddd("exec", "--", "echo", "well").ok().out == "well\n"
    finally:
        stack.down()


def test_a_command_that_is_killed_inside_keeps_its_status(api: Stack) -> None:
    assert api.ddd("exec", "--", "sh", "-c", "kill -KILL $$").status == 137
