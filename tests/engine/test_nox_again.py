"""A second session on the same image: nothing is asked of the container that the first has found out."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests import support

pytestmark = pytest.mark.usefixtures("bases")

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

SHOW = "cd $VIRTUAL_ENV && find . -path ./.ddd -prune -o -printf '%M %p %l\\n' | sort; cat pyvenv.cfg bin/tool"

@nox.session(venv_backend=stage("test", network="none"))
def show(session):
    session.run("sh", "-c", SHOW)
    session.run("python", "-c", "import getpass, os, sys; print(sys.prefix, getpass.getuser(), sorted(os.environ))")

@nox.session(venv_backend=stage("test", network="none", volumes=["./tools:/opt/tools:ro"]))
def tools(session):
    session.run("sh", "-c", "true")
    session.run(*session.posargs)

@nox.session(venv_backend=stage("test", network="NETWORK"))
def joined(session):
    session.run("echo", "it ran")
"""
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS test
RUN --network=none python3 -m venv --without-pip /opt/venv \\
    && printf '#!/opt/venv/bin/python3\\n' > /opt/venv/bin/tool && chmod 755 /opt/venv/bin/tool
ENV PATH=/opt/tools:/opt/venv/bin:$PATH
"""

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(stack: Make) -> support.Stack:
    made = stack({"Dockerfile": DOCKERFILE, "tools/one": "#!/bin/sh\necho one\n"})
    made.write({"noxfile.py": NOXFILE.replace("NETWORK", f"{made.name}-net")})
    (made.directory / "tools" / "one").chmod(0o755)
    return made


def commands_of(project: support.Stack, since: float) -> int:
    """How many commands the engine was asked for in the project's containers."""
    label = f"label=ddd-tasks.project={project.directory}"
    span = ("--since", f"{since:.6f}", "--until", f"{time.time():.6f}")
    answer = project.run("docker", "events", *span, "--filter", label, "--format", "{{.Action}}").ok()
    return sum(line.startswith("exec_create") for line in answer.out.splitlines())


def test_it_gets_the_same_without_asking(project: support.Stack) -> None:
    began = time.time()
    first = project.nox("-s", "show").ok()
    assert commands_of(project, began) > 2
    began = time.time()
    assert project.nox("-s", "show").ok().out == first.out
    assert commands_of(project, began) == 2
    began = time.time()
    assert project.nox("-R", "-s", "show").ok().out == first.out
    assert commands_of(project, began) == 2


def test_a_changed_image_is_asked_again(project: support.Stack) -> None:
    first = project.nox("-s", "show").ok()
    project.write({"Dockerfile": f"{DOCKERFILE}RUN echo '# more' >> /opt/venv/bin/tool\n"})
    assert project.nox("-s", "show").ok().out == first.out.replace("bin/python\n", "bin/python\n# more\n")


def test_what_is_on_a_volume_is_looked_up_each_time(project: support.Stack) -> None:
    assert project.nox("-s", "tools", "--", "one").ok().out == "one\n"
    project.write({"tools/two": "#!/bin/sh\necho two\n"})
    (project.directory / "tools" / "two").chmod(0o755)
    assert project.nox("-s", "tools", "--", "two").ok().out == "two\n"


def test_a_container_that_cannot_start_says_why_the_second_time_too(engine: Engine, project: support.Stack) -> None:
    network = f"{project.name}-net"
    engine.post("/networks/create", {"Name": network})
    assert project.nox("-s", "joined").ok().out == "it ran\n"
    engine.delete(f"/networks/{network}")
    ran = project.nox("-s", "joined", stderr=subprocess.STDOUT)
    assert ran.status == 1
    assert "the engine did not start a container for session 'joined'" in ran.out
    assert f"network {network} not found" in ran.out
    assert "Traceback" not in ran.out
