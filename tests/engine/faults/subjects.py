"""The projects that are put under stress, and how to see what runs in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from http import HTTPStatus

from ddd_tasks.engine.api import ApiError, Engine
from tests.support import COMPOSE, DOCKERFILE, Stack

FILES = {"compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE}

Make = Callable[[Mapping[str, str]], Stack]


def container(engine: Engine, stack: Stack) -> str:
    """The id of the project's only service's container, in whatever state."""
    label = [f"com.docker.compose.project={stack.name}", "com.docker.compose.oneoff=False"]
    rows = engine.get("/containers/json", all=1, filters={"label": label})
    assert len(rows) == 1, rows
    return str(rows[0]["Id"])


def processes(engine: Engine, identifier: str) -> list[str]:
    """The command lines of what runs in a container, as the engine sees it: no exec, no shell."""
    try:
        rows = engine.get(f"/containers/{identifier}/top", ps_args="-o pid,args")["Processes"]
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        return []  # it does not run yet, although the engine lists it so already, or not any more
    return [row[-1] for row in rows]


def runs(engine: Engine, identifier: str, marker: str) -> bool:
    """Whether a process with that text in its command line runs in the container."""
    return any(marker in line and "deliver()" not in line for line in processes(engine, identifier))


def marker() -> str:
    """A number of seconds to sleep that nobody else uses."""
    return f"{4000 + int.from_bytes(os.urandom(2), 'big')}.25"
