"""nox -j: sessions side by side, each in a container of its own, with its output in one piece."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests import support

# Each session says who it is while all of them run: it waits until it sees the others' files.
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

nox.options.allow_parallel = True
LINES = '''
touch meet-$0
while [ $(ls | grep -c meet-) -lt 3 ]; do sleep 0.05; done
for line in 1 2 3 4 5 6 7 8 9; do echo "$0 line $line"; sleep 0.02; done
hostname > host-$0
'''

@nox.session(venv_backend=stage("test", network="none"))
@nox.parametrize("letter", ["a", "b", "c"])
def meets(session, letter):
    session.run("sh", "-c", LINES, letter)
    session.run("sh", "-c", "hostname | diff - host-$0", letter)

@nox.session(venv_backend=stage("test", network="none"))
@nox.parametrize("letter", ["a", "b"])
def slow(session, letter):
    session.run("sh", "-c", "touch slow-$0; exec sleep 1234", letter)
"""

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(bases: None, stack: Make) -> support.Stack:
    if "--parallel" not in support.run("nox", "--help").out:
        pytest.skip("this Nox has no -j")
    return stack({"Dockerfile": "FROM python:3.13-slim-trixie AS test\n", "noxfile.py": NOXFILE})


def containers(engine: Engine, project: support.Stack) -> list[str]:
    label = f"ddd-tasks.project={project.directory}"
    return [row["Id"] for row in engine.get("/containers/json", all=1, filters={"label": [label]})]


def test_sessions_run_at_once_in_containers_of_their_own(engine: Engine, project: support.Stack) -> None:
    ran = project.nox("-j", "3", "-s", "meets", timeout=60, stderr=subprocess.STDOUT).ok()
    letters = re.findall(r"^([abc]) line \d$", ran.out, re.MULTILINE)
    assert sorted(letters) == sorted("abc" * 9)
    assert len(re.findall(r"(.)\1*", "".join(letters))) == 3, "the output of one session lies between another's"
    hosts = {(project.directory / f"host-{letter}").read_text() for letter in "abc"}
    assert len(hosts) == 3
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the container's end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_end_ends_them_all(engine: Engine, project: support.Stack, number: int) -> None:
    with project.popen("nox", "-j", "2", "-s", "slow", stderr=subprocess.STDOUT) as nox:
        reached = [project.directory / f"slow-{letter}" for letter in "ab"]
        support.wait_until(lambda: all(file.exists() for file in reached), seconds=40, what="both sessions")
        assert len(containers(engine, project)) == 2
        support.kill_group(nox, number)
        nox.communicate(timeout=30)
    assert nox.returncode != 0
    support.wait_until(lambda: not containers(engine, project), seconds=10, what="the containers' end")
