"""Waiting until services are ready, shown as they get there, and why one does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from ddd_tasks import console, services
from ddd_tasks.compose import Compose
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, ExitCode, NotRunningError
from ddd_tasks.project import Project
from ddd_tasks.services import State

WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05
_LOG_LINES = "20"
_SETTLED = 0.5  # seconds that a service without a health check has to run before it counts as started


class UnhealthyError(DddError):
    """A service was started, but did not become healthy."""

    exit_code = ExitCode.NOT_RUNNING


class _Shown:
    """What is seen meanwhile: on a terminal a line for each service, elsewhere one for each as it gets ready."""

    def __init__(self, draw: Callable[[Sequence[str]], None]) -> None:
        self._draw = draw
        self._began = time.monotonic()
        self._took: dict[str, float] = {}  # container -> seconds until it was ready
        self._waited: set[str] = set()

    def show(self, states: Sequence[State]) -> None:
        """How they are now."""
        now = time.monotonic() - self._began
        for state in states:
            if not state.is_ready:
                self._waited.add(state.container)
                self._took.pop(state.container, None)
            elif state.container not in self._took:
                self._took[state.container] = now
                self._say(state, now)
        width = max((len(state.service) for state in states), default=0)
        self._draw([f"{state.service:<{width}}  {self._line(state, now)}" for state in states])

    def _line(self, state: State, now: float) -> str:
        return f"{state.health or state.state}  {self._took.get(state.container, now):.1f} s"

    def _say(self, state: State, now: float) -> None:
        if state.container in self._waited and not console.is_live() and not console.is_quiet():
            console.note(f"{state.service}: {state.health or state.state} after {now:.1f} s")


def wait(
    project: Project, wanted: Collection[str], *, timeout: float = WAIT_SECONDS, stopped: Collection[str] = ()
) -> list[State]:
    """Wait until the services are healthy, or running where they have no health check; how all services are then.

    wanted: their names; timeout: seconds; stopped: those of them that only have to run, since a program that a debugger
    holds answers no health check.
    Raises NotRunningError where there is nothing to wait for, and UnhealthyError, after printing the last log lines of
    the service that failed.
    """
    engine = Engine.connect()
    with console.live_lines() as draw:
        states, failed, why = _watch(engine, project, wanted, timeout, stopped, _Shown(draw))
    if failed:
        raise _unhealthy(engine, project, failed, why)
    return states


def _watch(
    engine: Engine, project: Project, wanted: Collection[str], timeout: float, stopped: Collection[str], shown: _Shown
) -> tuple[list[State], State | None, str]:
    """How all services are once those that are wanted are ready, or which one is not, and why."""
    deadline = time.monotonic() + timeout
    seen: dict[str, float] = {}
    while True:
        states = services.states(engine, project)
        ours = [
            state._replace(is_held=state.is_held or state.service in stopped)
            for state in states
            if state.service in wanted
        ]
        if not ours:
            raise NotRunningError(f"nothing of {project.name!r} has been started", hint="ddd dev.up")
        shown.show(ours)
        waiting = [state for state in ours if not state.is_ready]
        for state in waiting:  # one that is started again has to hold out again
            seen.pop(state.container, None)
        if failed := next((state for state in ours if state.has_failed), None):
            return states, failed, ""
        if not waiting:
            now = time.monotonic()
            waiting = [state for state in ours if not _is_settled(state, now - seen.setdefault(state.container, now))]
            if not waiting:
                return states, None, ""
        if time.monotonic() > deadline:
            return states, waiting[0], f"it was not healthy after {timeout:.0f} s"
        time.sleep(_POLL_SECONDS)


def _is_settled(state: State, seconds: float) -> bool:
    """Whether what has just been started will not end at once; a health check has shown that already."""
    return (bool(state.health) and not state.is_held) or state.state != "running" or seconds >= _SETTLED


def _unhealthy(engine: Engine, project: Project, state: State, why: str = "") -> UnhealthyError:
    """The failing service's last health output becomes the cause; its last log lines are printed."""
    detail = engine.get(f"/containers/{state.container}/json")["State"]
    checks = (detail.get("Health") or {}).get("Log") or []
    said = f"its health check said: {checks[-1]['Output'].strip()}" if checks else ""
    ended = f"it ended with status {state.exit_code}" if state.state == "exited" else ""
    console.note(f"last log lines of {state.service}:")
    Compose(project).run("logs", "--no-log-prefix", "--tail", _LOG_LINES, state.service, check=False, quiet=True)
    return UnhealthyError(
        f"service {state.service!r} is {state.health or state.state}",
        cause="\n".join(part for part in (why, ended, said) if part),
        hint=f"ddd dev.logs --service {state.service}",
    )
