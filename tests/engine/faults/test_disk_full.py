"""The disk of the engine is full in the middle of a build: an engine of our own, on a small disk of its own."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ddd_tasks.engine import processes
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from tests.engine.faults import apart, tiny
from tests.support import Ran, Stack, make_stack, run

pytestmark = apart.possible

DISK_MB = 64
TOO_MUCH_MB, LITTLE_MB = 96, 4
STEPS = {
    "context": "COPY big /big",
    "command": 'RUN --network=none ["dd", "if=/dev/zero", "of=/big", "bs=1M", "count={size}"]',
}


@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
def test_a_disk_that_is_full_in_the_build(step: str) -> None:
    with apart.running(disk=f"{DISK_MB}m") as launch:
        image = tiny.make("dd", "sleep", host=launch.host)
        stack = make_stack({"compose.yaml": "services: {api: {build: ., network_mode: none}}\n"})
        try:
            failed = _build(stack, f"FROM {image}\n{step}\n", TOO_MUCH_MB, launch.host)
            assert failed.status in (1, 69), failed.err
            assert "no space left on device" in failed.err.lower()
            assert "error: building api failed\ncause: see the build's output above\n" in failed.err
            assert "Traceback" not in failed.err
            assert not processes.mentioning(str(stack.directory))
            with closing(Engine(Endpoint(launch.host))) as engine:
                assert engine.get("/containers/json", all=1) == []
                assert [row["RepoTags"] for row in engine.get("/images/json")] == [[image]]
            # BuildKit lets go of the failed layer when it gets to it, and on a full disk not at all: as a person has to
            # do then, make some room.
            run("mount", "-o", f"remount,size={2 * DISK_MB}m", str(launch.log.with_name("data"))).ok()
            _build(stack, f"FROM {image}\n{step}\n", LITTLE_MB, launch.host).ok()
        finally:
            shutil.rmtree(stack.directory)


def _build(stack: Stack, dockerfile: str, megabytes: int, host: str) -> Ran:
    """Build with a file of that size, which either the context has or a command of the build writes."""
    stack.write({"Dockerfile": dockerfile.format(size=megabytes), "big": ""})
    os.truncate(Path(stack.directory, "big"), megabytes << 20)
    return stack.ddd("dev.build", env={"DOCKER_HOST": host})
