"""The engine goes away under a command: one of our own, in a network namespace of its own, never the machine's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from ddd_tasks.engine import lifecycle
from ddd_tasks.engine.lifecycle import Launch
from tests.engine.faults import apart, tiny
from tests.support import ddd_argv, make_stack, run

pytestmark = apart.possible


@pytest.fixture
def launch() -> Iterator[Launch]:
    """An engine of the test's own."""
    with apart.running() as own:
        yield own


def test_an_engine_that_stops_during_exec(launch: Launch) -> None:
    image = tiny.make("sleep", "echo", host=launch.host)
    stack = make_stack({"compose.yaml": f"services: {{api: {{image: '{image}', network_mode: none}}}}\n"})
    env = {"DOCKER_HOST": launch.host}
    try:
        stack.ddd("dev.up", env=env).ok()
        client = stack.popen(*ddd_argv("exec", "--", "sleep", "600"), env=env)
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(2)
        lifecycle.down(launch)
        _, err = client.communicate(timeout=20)
        assert client.returncode in (69, 75), err
        assert b"error: " in err
        assert b"try: ddd " in err
        assert b"Traceback" not in err
        lifecycle.up(launch)
        stack.ddd("dev.up", env=env).ok()
        assert stack.ddd("exec", "--", "echo", "well", env=env).ok().out == "well\n"
        run("docker", "compose", "down", "--timeout", "1", cwd=stack.directory, env=env).ok()
    finally:
        shutil.rmtree(stack.directory)
