"""The running project of this folder, and a project of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests import support
from tests.engine.live.services import FILES, Services
from tests.support import Stack


@pytest.fixture(scope="package")
def project(engine: Engine, bases: None) -> Iterator[Services]:
    before = support.leftovers(engine)
    stack = support.make_stack(FILES)
    try:
        stack.ddd("dev.up", timeout=300).ok()
        yield Services(stack, engine)
    finally:
        stack.down()
    support.wait_until(lambda: not support.leftovers(engine) - before, what="the end of all that the project had")


@pytest.fixture
def services(project: Services) -> Iterator[Services]:
    """The project with all its services running, and without a debugger before and after the test."""
    yield project
    for name in ("api", "alone"):
        info = project.engine.get(f"/containers/{project.container(name)}/json")
        if not info["State"]["Running"]:
            project.engine.post(f"/containers/{info['Id']}/start")
    if project.ours():
        project.stack.ddd("debug.detach").ok()
    assert project.ours() == set()


@pytest.fixture
def fresh(stack: Callable[[Mapping[str, str]], Stack], engine: Engine, bases: None) -> Services:
    """A project of the test's own, whose containers it may replace."""
    compose = "services:\n  api:\n    build: .\n    stop_grace_period: 0s\n"
    own = stack({**FILES, "compose.yaml": compose})
    own.ddd("dev.up", timeout=300).ok()
    return Services(own, engine)
