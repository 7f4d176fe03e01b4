"""The client dies by a signal at the start, in the middle and at the end of what it does: nothing is left inside."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.faults import subjects
from tests.support import COMPOSE, DOCKERFILE, Stack, ddd_argv, kill_group, leftovers, make_stack, wait_until

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
MOMENTS = ["start", "middle", "end"]
# Before Python has loaded us, and when the command of the test ends by itself.
SECONDS_TO_START = 0.05
SECONDS_TO_END = 1.5

every_death = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
every_moment = pytest.mark.parametrize("moment", MOMENTS)

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("dev", network="none"))
def work(session):
    session.run("sleep", *session.posargs)
"""
SLOWLY_HEALTHY = COMPOSE + "    healthcheck: {test: ['CMD', 'test', '-e', '/tmp/ready'], interval: 1s}\n"


@pytest.fixture(autouse=True, scope="module")
def _image_is_built(bases: None) -> None:
    """Moments are counted from the client's start; a first build would move them."""


def die(client: subprocess.Popen[bytes], number: int, moment: str, is_working: Callable[[], Any]) -> int:
    """Send the signal to the client alone at that moment; its status as a shell shows it."""
    if moment == "start":
        time.sleep(SECONDS_TO_START)
    else:
        wait_until(lambda: client.poll() is not None or is_working(), what="the middle")
        time.sleep(SECONDS_TO_END)  # longer than a leash takes to appear
    client.send_signal(number)
    try:
        client.communicate(timeout=30)
    finally:
        kill_group(client)
    return 128 - client.returncode if client.returncode < 0 else client.returncode


def check(status: int, number: int, moment: str) -> None:
    """The status tells of the signal; at the end the command's own 0 may have been faster.

    At the start it may hit Python itself, which has its own words and status for Ctrl-C.
    """
    assert status == 128 + number or (status, moment) in {(0, "end"), (1, "start")}


@every_moment
@every_death
def test_exec(engine: Engine, api: Stack, number: signal.Signals, moment: str) -> None:
    inside, mark = subjects.container(engine, api), subjects.marker()
    before = len(subjects.processes(engine, inside))
    seconds = str(SECONDS_TO_END) if moment == "end" else mark
    client = api.popen(*ddd_argv("exec", "--", "python3", "-c", f"import time; time.sleep({seconds}) # {mark}"))
    status = die(client, number, moment, lambda: subjects.runs(engine, inside, mark))
    check(status, number, moment)
    wait_until(lambda: not subjects.runs(engine, inside, mark), seconds=8, what="the command's end")
    assert api.ddd("exec", "--", "echo", "well").ok().out == "well\n"
    wait_until(lambda: len(subjects.processes(engine, inside)) <= before, seconds=8, what="the watcher's end")


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.1, 0.3, 0.6])
def test_exec_that_is_killed_before_its_leash_is_on(engine: Engine, api: Stack, seconds: float) -> None:
    inside, mark = subjects.container(engine, api), subjects.marker()
    client = api.popen(*ddd_argv("exec", "--", "sh", "-c", f"trap '' TERM; while :; do sleep 0.1; : {mark}; done"))
    wait_until(lambda: client.poll() is not None or subjects.runs(engine, inside, mark), what="the command")
    time.sleep(seconds)
    kill_group(client)
    client.communicate(timeout=30)
    wait_until(lambda: not subjects.runs(engine, inside, mark), seconds=12, what="the command's end")


@every_death
def test_exec_of_a_command_that_ignores_sigterm(engine: Engine, api: Stack, number: signal.Signals) -> None:
    inside, mark = subjects.container(engine, api), subjects.marker()
    client = api.popen(
        *ddd_argv("exec", "--", "sh", "-c", f"trap '' TERM HUP INT; while :; do sleep 0.1; : {mark}; done")
    )
    wait_until(lambda: subjects.runs(engine, inside, mark))
    time.sleep(SECONDS_TO_END)
    client.send_signal(number)
    if number == signal.SIGINT:  # the second and third time as well: nobody but the user knows how long to wait
        for _ in range(2):
            time.sleep(0.3)
            client.send_signal(number)
    client.communicate(timeout=30)
    wait_until(lambda: not subjects.runs(engine, inside, mark), seconds=15, what="the command's end")


@every_moment
@every_death
def test_run(engine: Engine, api: Stack, number: signal.Signals, moment: str) -> None:
    def one_offs() -> Any:
        return engine.get("/containers/json", all=1, filters={"name": [f"{api.name}-api-run-"]})

    def working() -> bool:
        return any(row["State"] == "running" and subjects.runs(engine, row["Id"], mark) for row in one_offs())

    mark = subjects.marker()
    seconds = str(SECONDS_TO_END) if moment == "end" else mark
    client = api.popen(*ddd_argv("run", "--", "sh", "-c", f"sleep {seconds}; : {mark}"))
    status = die(client, number, moment, working)
    check(status, number, moment)
    wait_until(lambda: not one_offs(), what="the container's end")


@every_moment
@every_death
def test_up(engine: Engine, api: Stack, number: signal.Signals, moment: str) -> None:
    """However far it came, the next one works, and down leaves nothing."""
    stack = make_stack({**subjects.FILES, "compose.yaml": SLOWLY_HEALTHY})
    try:
        stack.ddd("dev.build").ok()
        client = stack.popen(*ddd_argv("dev.up"))
        label = {"label": [f"com.docker.compose.project={stack.name}"]}

        def working() -> Any:
            rows = engine.get("/containers/json", filters=label)
            if rows and moment == "end":
                stack.run("docker", "exec", rows[0]["Id"], "touch", "/tmp/ready")
            return rows

        status = die(client, number, moment, working)
        check(status, number, moment)
        stack.write({"compose.yaml": COMPOSE})
        assert "running" in stack.ddd("dev.up").ok().out
        stack.ddd("dev.down").ok()
        assert {item.kind for item in leftovers(engine, stack.name)} <= {"images"}
    finally:
        stack.down()


@pytest.fixture(scope="module")
def noxes(bases: None) -> Iterator[Stack]:
    """A project with one session, whose image is built."""
    stack = make_stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE})
    stack.nox("-s", "work", "--", "0").ok()
    yield stack
    stack.down()


@every_moment
@every_death
def test_nox_session(engine: Engine, noxes: Stack, number: signal.Signals, moment: str) -> None:
    def containers() -> Any:
        return engine.get("/containers/json", all=1, filters={"label": [f"ddd-tasks.project={noxes.directory}"]})

    def working() -> bool:
        return any(row["State"] == "running" and subjects.runs(engine, row["Id"], "sleep") for row in containers())

    client = noxes.popen("nox", "-s", "work", "--", str(SECONDS_TO_END) if moment == "end" else subjects.marker())
    status = die(client, number, moment, working)
    assert status != 0 or moment == "end"
    wait_until(lambda: not containers(), what="the container's end")
    assert "successful" in noxes.nox("-s", "work", "--", "0").ok().err
