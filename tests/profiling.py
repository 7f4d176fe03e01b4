"""What tests of profilers share: services as in production, what a profile leaves, and a service that dies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ddd_tasks.engine.api import Engine
from tests import support
from tests.support import Stack

HARDENED: dict[str, Any] = {
    "build": {"context": ".", "target": "prod"},
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "network_mode": "none",
    "stop_grace_period": "0s",
}


def folders(stack: Stack, service: str = "api") -> list[Path]:
    """What is there of a service, drafts too."""
    return sorted((stack.directory / ".ddd" / "profiles" / service).glob("*"))


def state(stack: Stack, engine: Engine, service: str = "api") -> tuple[Any, Any]:
    """How a service's container runs, without the log of its checks, and what differs from its image."""
    container = f"{stack.name}-{service}-1"
    found = engine.get(f"/containers/{container}/json")["State"]
    return {**found, "Health": None}, engine.get(f"/containers/{container}/changes")


def beside(stack: Stack) -> list[str]:
    """The containers that profilers of the project run in."""
    names = stack.run("docker", "ps", "--all", "--format", "{{.Names}}").ok().out.split()
    return [name for name in names if name.startswith(f"{stack.name}-") and "toolbox" in name]


def ends_meanwhile(stack: Stack, service: str) -> None:
    """Kill a service while it is profiled, and see that the task says so and leaves nothing."""
    container = f"{stack.name}-{service}-1"
    stack.run("docker", "start", container).ok()
    before = folders(stack, service)
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", service, "--seconds", "60"))
    try:
        assert process.stderr is not None
        while f"sample {service}, 60 s".encode() not in (line := process.stderr.readline()):
            assert line, "it ended"
        support.wait_until(lambda: beside(stack), what="the profiler's container")
        time.sleep(1)
        stack.run("docker", "kill", container).ok()
        words = process.stderr.read().decode()
    finally:
        status = support.end_of(process)
    assert (status, folders(stack, service)) == (75, before), words
    assert "ended while it was profiled" in words
    support.wait_until(lambda: not beside(stack), what="the end of the profiler's container")
