"""A container on a leash: it lives exactly as long as this process holds a connection to its stdin.

Its first process waits for the end of its stdin. The engine closes that when our connection ends, for whatever reason
(kill -9 included), and then removes the container with everything that runs in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.endpoint import SHUT_RDWR, Stream
from ddd_tasks.errors import ConfigError, EngineError

SESSION_LABEL = "ddd-tasks.session"
PROJECT_LABEL = "ddd-tasks.project"

# Builtins of any sh, so that an image needs nothing else.
_WAIT_FOR_END_OF_STDIN = "while read -r line; do :; done"
_SECONDS_TO_END = 10.0
_SECONDS_TO_START = 60


@dataclass(frozen=True)
class Plan:
    """What to start: an image, who it is for, and what it may see of the host."""

    image: str
    session: str
    project: str
    directory: Path
    shared: tuple[Path, ...]
    volumes: tuple[str, ...] = ()
    network: str | None = None


class Container:
    """A running container on a leash."""

    def __init__(self, engine: Engine, identifier: str, leash: Stream) -> None:
        self.id = identifier
        self._engine = engine
        self._leash: Stream | None = leash

    def stop(self) -> None:
        """Let it go and return once the engine has removed it; a second call does nothing."""
        if self._leash is None:
            return
        leash, self._leash = self._leash, None
        _hang_up(leash)
        with suppress(EngineError):  # an engine that has gone takes the container with it
            self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _SECONDS_TO_END
        while time.monotonic() < deadline:
            if not _exists(self._engine, self.id):
                return
            time.sleep(0.02)
        _remove(self._engine, self.id)


def start(engine: Engine, plan: Plan) -> Container:
    """Create, hold and start the container of a plan. Raises ConfigError, EngineError."""
    _sweep(engine, plan)
    identifier = _create(engine, plan)
    leash = None
    try:
        leash = engine.stream(f"/containers/{identifier}/attach", stream=1, stdin=1)
        engine.post(f"/containers/{identifier}/start")
    except BaseException as error:
        if leash is not None:
            _hang_up(leash)
        _remove(engine, identifier)
        if isinstance(error, ApiError):
            raise _not_started(plan, error) from error
        raise
    return Container(engine, identifier, leash)


def specification(plan: Plan) -> dict[str, Any]:
    """The body of the engine's create call."""
    return {
        "Image": plan.image,
        "Entrypoint": ["sh", "-c", _WAIT_FOR_END_OF_STDIN],
        "Cmd": [],
        "User": "0:0",
        "WorkingDir": str(plan.directory),
        "Labels": {SESSION_LABEL: plan.session, PROJECT_LABEL: str(plan.directory)},
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        # A stage may come with a health check for its service, which does not run here.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "AutoRemove": True,
            "Init": True,
            "Mounts": [_same_place(path) for path in plan.shared],
            "Binds": list(plan.volumes),
            **({"NetworkMode": plan.network} if plan.network else {}),
        },
    }


def _create(engine: Engine, plan: Plan) -> str:
    name = f"{plan.project}-{plan.session}-{os.urandom(3).hex()}"
    try:
        return str(engine.post("/containers/create", specification(plan), name=name)["Id"])
    except ApiError as error:
        if "bind source path does not exist" in error.cause:
            raise ConfigError(
                f"the engine cannot see {plan.directory}",
                cause=f"{error.cause}. A session needs the project's folder: the engine has to run on this machine",
                hint="docker context ls",
            ) from error
        raise _not_started(plan, error) from error


def _not_started(plan: Plan, error: ApiError) -> EngineError:
    return EngineError(
        f"the engine did not start a container for session {plan.session!r}", cause=error.cause, hint="docker info"
    )


def _same_place(path: Path) -> dict[str, Any]:
    # Mounts, not Binds: with these, the engine refuses a folder that is missing instead of making an empty one.
    return {"Type": "bind", "Source": str(path), "Target": str(path)}


def _sweep(engine: Engine, plan: Plan) -> None:
    """Remove what a client left that was killed in the moment between create and start."""
    labels = [f"{PROJECT_LABEL}={plan.directory}", SESSION_LABEL]
    created: Iterable[Mapping[str, Any]] = engine.get(
        "/containers/json", all=1, filters={"label": labels, "status": ["created"]}
    )
    for row in created:
        if row["Created"] < time.time() - _SECONDS_TO_START:
            _remove(engine, row["Id"])


def _hang_up(leash: Stream) -> None:
    with suppress(OSError):  # the other end may be faster
        leash.shutdown(SHUT_RDWR)
    leash.close()


def _exists(engine: Engine, identifier: str) -> bool:
    try:
        engine.get(f"/containers/{identifier}/json")
    except ApiError as error:
        return error.status != 404
    return True


def _remove(engine: Engine, identifier: str) -> None:
    try:
        engine.delete(f"/containers/{identifier}", force=1, v=1)
    except ApiError as error:
        if error.status not in (404, 409):  # gone already, or being removed
            raise
