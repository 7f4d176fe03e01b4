"""A real engine for each test, and a check that the test leaves nothing on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import EngineError
from tests import support

_SECONDS_TO_END = 5.0


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The engine that the Docker CLI would use. Without one the test is skipped, or fails with --require-engine."""
    try:
        engine = Engine.connect()
        engine.get("/version")
    except EngineError as error:
        if request.config.getoption("--require-engine"):
            pytest.fail(f"--require-engine was given, but no engine answers\n{error.render()}", pytrace=False)
        pytest.skip(f"no engine answers: {error.cause or error.what}")
    with closing(engine):
        yield engine


@pytest.fixture(scope="session")
def bases(engine: Engine) -> None:
    """The base images that this checkout's Dockerfiles name: official ones, or stand-ins where no registry answers."""
    support.run_ddd("engine.bases", "--all", cwd=support.REPO, timeout=900).ok()


@pytest.fixture
def stack(engine: Engine) -> Iterator[Callable[[Mapping[str, str]], support.Stack]]:
    """Makes throw-away projects, stack({"compose.yaml": ..., "Dockerfile": ...}), and removes them after the test."""
    made: list[support.Stack] = []

    def make(files: Mapping[str, str]) -> support.Stack:
        made.append(support.make_stack(files))
        return made[-1]

    yield make
    for one in made:
        one.down()


@pytest.fixture(autouse=True)
def _nothing_left(engine: Engine) -> Iterator[None]:
    """Fails the test that leaves a container, network, volume or image of this run on the engine."""
    yield from _leak_check(engine)


@pytest.fixture(autouse=True, scope="module")
def _nothing_left_of_module(engine: Engine) -> Iterator[None]:
    """The same for what fixtures of a module made."""
    yield from _leak_check(engine)


def _leak_check(engine: Engine) -> Iterator[None]:
    before = support.leftovers(engine)
    yield
    deadline = time.monotonic() + _SECONDS_TO_END
    # The engine removes a container that has ended by itself, but not in the same moment.
    while (left := support.leftovers(engine) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    # Removed all the same: only the test that left it fails, not the ones that follow.
    support.remove(engine, sorted(left))
    if left:
        pytest.fail("left on the engine: " + ", ".join(str(item) for item in sorted(left)), pytrace=False)
