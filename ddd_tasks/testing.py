"""Fixtures for pytest: a debugger in your own tests. In conftest.py: `pytest_plugins = ["ddd_tasks.testing"]`.

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

def test_what_a_visit_counts(debugger):
    api = debugger("api")
    api.set_breakpoints(str(Path("app/main.py").resolve()), {29: "store is not None"})
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(urlopen, "http://127.0.0.1:8000/")  # stands still at the breakpoint
        stop = api.wait_for_stop(10)
        assert api.evaluate("len(store.visits)", stop.frames[0]) == "0"
        api.resume(stop)
        assert answer.result().status == 200
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ddd_tasks import project as projects
from ddd_tasks.debugging import attach as attaching
from ddd_tasks.debugging.clients import opening
from ddd_tasks.debugging.clients.base import Breakpoint, Client, Frame, Stop
from ddd_tasks.debugging.clients.errors import DebuggerError, EvaluationError
from ddd_tasks.project import Project

__all__ = ["Breakpoint", "Client", "DebuggerError", "EvaluationError", "Frame", "Stop", "debugger"]


@pytest.fixture(scope="session")
def _brought() -> Iterator[dict[tuple[Path, str], Project]]:
    """The services that a debugger was brought to: they lose it after the last test, unless debug.attach named it."""
    brought: dict[tuple[Path, str], Project] = {}
    yield brought
    for (_, service), project in brought.items():
        attaching.leave(project, service)


@pytest.fixture
def debugger(_brought: dict[tuple[Path, str], Project]) -> Iterator[Callable[..., Client]]:
    """debugger("api", timeout=10.0) attaches to the running service of the project that the current directory is in.

    It finds or brings a debugger as `ddd debug.attach` does, and returns a Client: set_breakpoints, wait_for_stop,
    variables, evaluate, resume, sources. Paths are those of this machine. timeout: seconds for each answer of the
    debugger. After the test the client leaves and the program goes on, without breakpoints; a debugger that was brought
    is taken away after the last test, unless debug.attach was called meanwhile. Raises what debug.attach raises, such
    as NotRunningError, and DebuggerError.
    """
    clients: list[Client] = []

    def attached(service: str, *, timeout: float = 10.0) -> Client:
        project = projects.load(Path.cwd())
        attachment = attaching.attach(project, project.service(service), is_kept=False)
        _brought[project.directory, service] = project
        clients.append(opening.connect(attachment, timeout=timeout))
        return clients[-1]

    yield attached
    for client in clients:
        client.close()
