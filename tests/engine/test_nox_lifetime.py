"""Interrupts, kills and terminals: what a session in a container does when somebody ends it, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.sessions import container
from tests import support

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

TEST = stage("test", network="none")

@nox.session(venv_backend=TEST)
def slow(session):
    session.run("sh", "-c", "echo started; exec sleep 1234")

@nox.session(venv_backend=TEST)
def stubborn(session):
    session.run("sh", "-c", "trap '' INT TERM; echo started; while :; do sleep 0.1; done")

@nox.session(venv_backend=TEST)
def after(session):
    session.run("echo", "the next session ran")

@nox.session(venv_backend=TEST)
def terminal(session):
    session.run("sh", "-c", "test -t 0 && test -t 1 && stty size")

@nox.session(venv_backend=TEST)
def python(session):
    session.run("python", "-q")
"""

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(bases: None, stack: Make) -> support.Stack:
    return stack({"Dockerfile": "FROM python:3.13-slim-trixie AS test\n", "noxfile.py": NOXFILE})


def containers(engine: Engine, project: support.Stack) -> list[str]:
    """The ids of the project's session containers, in whatever state."""
    label = f"ddd-tasks.project={project.directory}"
    return [row["Id"] for row in engine.get("/containers/json", all=1, filters={"label": [label]})]


def started(project: support.Stack, *sessions: str) -> subprocess.Popen[bytes]:
    """Nox, at the moment in which the first session's program runs."""
    nox = project.popen("nox", "-s", *sessions, stderr=subprocess.STDOUT)
    assert nox.stdout is not None
    for line in nox.stdout:
        if line == b"started\n":
            return nox
    raise AssertionError("the session's program never started")


@pytest.mark.parametrize("session", ["slow", "stubborn"])
def test_sigint_to_the_group_interrupts_and_runs_no_next_session(
    engine: Engine, project: support.Stack, session: str
) -> None:
    with started(project, session, "after") as nox:
        support.kill_group(nox, signal.SIGINT)
        out, _ = nox.communicate(timeout=30)
    assert nox.returncode == 130
    assert b"interrupted" in out
    assert b"the next session ran" not in out
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_sigint_during_a_build_ends_it_and_leaves_nothing(engine: Engine, project: support.Stack) -> None:
    project.write({"Dockerfile": "FROM python:3.13-slim-trixie AS test\nRUN --network=none sleep 1234\n"})
    with project.popen("nox", "-s", "slow", "after", stderr=subprocess.STDOUT) as nox:
        assert nox.stdout is not None
        while b"RUN --network=none sleep 1234" not in nox.stdout.readline():
            assert nox.poll() is None
        support.kill_group(nox, signal.SIGINT)
        out, _ = nox.communicate(timeout=30)
    assert nox.returncode == 130
    assert b"next session" not in out
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")
    assert not engine.get("/images/json", filters={"label": [f"ddd-tasks.project={project.directory}"]})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_nox_that_is_killed_leaves_no_container(engine: Engine, project: support.Stack, number: int) -> None:
    with started(project, "slow") as nox:
        assert len(containers(engine, project)) == 1
        os.kill(nox.pid, number)
        nox.wait(timeout=10)
        support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")
        support.kill_group(nox)


def test_a_container_that_was_never_started_is_removed_by_the_next_session(
    engine: Engine, project: support.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.nox("-s", "after").ok()
    label = [f"ddd-tasks.project={project.directory}"]
    image = engine.get("/images/json", filters={"label": label})[0]["Id"]
    plan = container.Plan(image, "after", support.unique("sweep"), project.directory, (project.directory,), (), "none")
    orphan = engine.post("/containers/create", container.specification(plan))["Id"]
    container.make(engine, plan).stop()
    assert containers(engine, project) == [orphan]  # it may be one that another Nox is about to start
    monkeypatch.setattr(container, "_SECONDS_TO_START", -2)
    container.make(engine, plan).stop()
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


def test_a_container_is_removed_whenever_it_is_let_go(engine: Engine, project: support.Stack) -> None:
    project.nox("-s", "after").ok()
    image = engine.get("/images/json", filters={"label": [f"ddd-tasks.project={project.directory}"]})[0]["Id"]
    plan = container.Plan(image, "after", support.unique("stop"), project.directory, (project.directory,), (), "none")
    never, starting, running = (container.make(engine, plan) for _ in range(3))
    starting.start()
    running.wait()
    for one in (never, starting, running):
        one.stop()
        one.stop()
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the containers' end")


def test_a_terminal_outside_is_one_inside(project: support.Stack) -> None:
    nox = project.spawn("nox", "-s", "terminal", size=(33, 101))
    nox.expect("33 101")
    nox.expect("successful")
    nox.wait()
    assert nox.exitstatus == 0


def test_a_repl_works_and_ctrl_c_in_it_stays_in_it(project: support.Stack) -> None:
    nox = project.spawn("nox", "-s", "python")
    nox.expect(">>> ")
    nox.sendline("import time; time.sleep(60)")
    time.sleep(0.5)
    nox.sendintr()
    nox.expect("KeyboardInterrupt")
    nox.sendline("print(6 * 7)")
    nox.expect("42")
    nox.sendline("exit()")
    nox.expect("successful")
    nox.wait()
    assert nox.exitstatus == 0


def test_ctrl_c_on_a_terminal_ends_nox_as_well(engine: Engine, project: support.Stack) -> None:
    nox = project.spawn("nox", "-s", "slow", "after")
    nox.expect(r"\nstarted")  # the program's own line: Nox shows the command, with that word in it, before
    nox.sendintr()
    nox.expect("interrupted")
    nox.wait()
    assert nox.exitstatus == 130
    assert "the next session ran" not in (nox.before or "")
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")
