"""A container on a leash: it lives exactly as long as this process holds a connection to its stdin.

Its first process waits for the end of its stdin. The engine closes that when our connection ends, for whatever reason
(kill -9 included), and then removes the container with everything that runs in it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
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
    """A container on a leash: made, then filled by its caller, then started."""

    def __init__(self, engine: Engine, identifier: str, leash: Stream, plan: Plan) -> None:
        self.id = identifier
        self._engine = engine
        self._leash: Stream | None = leash
        self._plan = plan
        self._starting: threading.Thread | None = None
        self._failure: EngineError | None = None

    def start(self) -> None:
        """Begin to start it: most of the time that takes is the engine's own. A second call does nothing."""
        if self._starting is None:
            self._starting = threading.Thread(target=self._start, daemon=True, name="container")
            self._starting.start()

    def wait(self) -> None:
        """Return once it runs. Raises EngineError where it could not be started."""
        self.start()
        if self._starting is not None:
            self._starting.join()
        self.check()

    def check(self) -> None:
        """Raise the EngineError that kept it from starting, if there was one so far."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let it go; a second call does nothing.

        The engine removes it by itself, in a moment; somebody else's network or volumes are waited for.
        """
        if self._leash is None:
            return
        leash, self._leash = self._leash, None
        _hang_up(leash)
        if self._starting is None:
            with suppress(EngineError):
                _remove(self._engine, self.id)
            return
        if self._starting.is_alive():  # one that was never started would not end either
            self._starting.join()
        if self._plan.volumes or self._plan.network not in (None, "none"):
            with suppress(EngineError):  # an engine that has gone takes the container with it
                self._wait_for_removal()

    def _start(self) -> None:
        try:
            with closing(Engine.connect()) as engine:  # a connection carries one request at a time
                engine.post(f"/containers/{self.id}/start")
        except EngineError as error:
            if self._leash is not None:
                self._failure = _not_started(self._plan, error) if isinstance(error, ApiError) else error
            with suppress(EngineError), closing(Engine.connect()) as engine:
                _remove(engine, self.id)

    def _wait_for_removal(self) -> None:
        deadline = time.monotonic() + _SECONDS_TO_END
        while time.monotonic() < deadline:
            if not _exists(self._engine, self.id):
                return
            time.sleep(0.02)
        _remove(self._engine, self.id)


def make(engine: Engine, plan: Plan) -> Container:
    """Create and hold the container of a plan. Raises ConfigError, EngineError."""
    _sweep(engine, plan)
    identifier = _create(engine, plan)
    try:
        leash = engine.stream(f"/containers/{identifier}/attach", stream=1, stdin=1)
    except BaseException:
        _remove(engine, identifier)
        raise
    return Container(engine, identifier, leash, plan)


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
