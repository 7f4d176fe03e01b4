"""The container of a nox session goes away under its command, with the engine or alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from ddd_tasks.engine import lifecycle
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import Endpoint
from tests.engine.faults import apart, subjects, tiny
from tests.support import Stack, kill_group, make_stack, wait_until

pytestmark = apart.possible

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test", network="none"))
def work(session):
    session.run("sleep", *session.posargs)
"""


@pytest.mark.parametrize("answers_again", [True, False], ids=["restarted", "stopped"])
def test_the_engine_is_stopped_during_a_session(answers_again: bool) -> None:
    with apart.running() as launch, _project(launch.host) as stack, _working(stack, launch.host) as client:
        lifecycle.down(launch)  # SIGTERM, as systemd does it
        if answers_again:
            lifecycle.up(launch)
        said = _end(client)
        assert "try: ddd engine.up\n" in said or "try: nox --session work\n" in said
        assert "try: ddd dev.up" not in said
        lifecycle.up(launch)
        assert _containers(stack, launch.host) == []
        _runs_again(stack, launch.host)


def test_the_container_is_removed_during_a_session() -> None:
    with apart.running() as launch, _project(launch.host) as stack, _working(stack, launch.host) as client:
        with closing(Engine(Endpoint(launch.host))) as engine:
            engine.delete(f"/containers/{_containers(stack, launch.host)[0]['Id']}", force=1)
        assert "was ended: its container" in (said := _end(client))
        assert "try: nox --session work\n" in said
        assert _containers(stack, launch.host) == []
        _runs_again(stack, launch.host)


@contextmanager
def _project(host: str) -> Iterator[Stack]:
    """A project whose session's image is built."""
    image = tiny.make("sh", "sleep", host=host)
    stack = make_stack({"Dockerfile": f"FROM {image} AS test\n", "noxfile.py": NOXFILE})
    try:
        _runs_again(stack, host)
        yield stack
    finally:
        shutil.rmtree(stack.directory)


@contextmanager
def _working(stack: Stack, host: str) -> Iterator[subprocess.Popen[bytes]]:
    """Nox, whose session's command runs in its container."""
    seconds = subjects.marker()
    argv = ("nox", "-s", "work", "--", seconds)
    client = stack.popen(*argv, env={"DOCKER_HOST": host}, stderr=subprocess.STDOUT)

    def works() -> bool:
        assert client.poll() is None
        with closing(Engine(Endpoint(host))) as engine:
            rows = [row for row in _containers(stack, host) if row["State"] == "running"]
            return any(subjects.runs(engine, row["Id"], seconds) for row in rows)

    try:
        wait_until(works, what="the session's command")
        yield client
    finally:
        kill_group(client, signal.SIGKILL)
        client.communicate()


def _end(client: subprocess.Popen[bytes]) -> str:
    """What Nox has said when it has ended by itself, as it has to: with a message, and not as a success."""
    said = client.communicate(timeout=20)[0].decode()
    assert client.returncode == 1, said
    assert "error: " in said
    assert "Session work failed." in said
    assert "Traceback" not in said
    return said


def _containers(stack: Stack, host: str) -> list[dict[str, Any]]:
    with closing(Engine(Endpoint(host))) as engine:
        label = [f"ddd-tasks.project={stack.directory}"]
        return list(engine.get("/containers/json", all=1, filters={"label": label}))


def _runs_again(stack: Stack, host: str) -> None:
    assert "successful" in stack.nox("-s", "work", "--", "0", env={"DOCKER_HOST": host}).ok().err
