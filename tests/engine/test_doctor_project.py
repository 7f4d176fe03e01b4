"""What the doctor finds wrong with a project: each is made for real, and its fix is pasted into a shell."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests import doctoring, support
from tests.doctoring import NOXFILE, TASKS, compose, look, only, pasted
from tests.support import Stack

pytestmark = pytest.mark.usefixtures("bases")

SLEEPS = 'FROM python:3.13-slim-trixie AS dev\nCMD ["sleep", "infinity"]\n'
Make = Callable[..., Stack]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes projects that are well but for the files given, make({"compose.yaml": ...}), and removes them."""
    made: list[Stack] = []

    def one(files: dict[str, str]) -> Stack:
        made.append(doctoring.make(files))
        return made[-1]

    yield one
    for stack in made:
        stack.down()


@pytest.mark.parametrize(
    ("text", "says", "edit"),
    [
        ("services: {app: {build: ., imagee: x}}", "imagee", "s/, imagee: x//"),
        ("services: {app: {build: .}", "yaml", "s/$/}/"),
        ("services: {app: {build: ., x-ddd: {language: pyton}}}", "did you mean python?", "s/pyton/python/"),
    ],
)
def test_a_compose_file_that_is_not_valid(make: Make, text: str, says: str, edit: str) -> None:
    stack = make({"compose.yaml": text + "\n"})
    found = only(look(stack), "compose file", "problem")
    assert says in found["what"]
    env = {"EDITOR": f"sed -i {edit.replace(' ', '.')}"}
    only(pasted(stack, found["fix"], env=env), "compose file", "ok")


def test_compose_file_names_one_that_is_not_there(make: Make) -> None:
    stack = make({})
    env = {"COMPOSE_FILE": "other.yaml"}
    found = only(look(stack, env=env), "compose file", "problem")
    assert "other.yaml" in found["what"]
    only(pasted(stack, found["fix"], env=env), "compose file", "ok")

    stack.write({".env": "COMPOSE_FILE=other.yaml\n"})
    found = only(look(stack), "compose file", "problem")
    only(pasted(stack, found["fix"], env={"EDITOR": "sed -i s/other/compose/"}), "compose file", "ok")


def test_a_build_without_its_dockerfile(make: Make) -> None:
    stack = make({"compose.yaml": compose(build={"context": ".", "dockerfile": "Dokerfile"})})
    found = only(look(stack), "builds", "problem")
    assert "Dokerfile" in found["what"]
    only(pasted(stack, found["fix"], env={"EDITOR": "sed -i s/Dokerfile/Dockerfile/"}), "builds", "ok")


def test_a_noxfile_that_cannot_be_loaded(make: Make) -> None:
    stack = make({"noxfile.py": NOXFILE.replace("import nox\n", "import nox, nonsense\n")})
    found = only(look(stack), "sessions", "problem")
    assert "nonsense" in found["what"]
    only(pasted(stack, found["fix"], env={"EDITOR": "sed -i s/,.nonsense//"}), "sessions", "ok")


def test_a_noxfile_without_sessions_in_containers_is_no_fault(make: Make) -> None:
    stack = make({"noxfile.py": "import nox\n\n@nox.session\ndef test(session):\n    pass\n"})
    assert only(look(stack), "sessions", "ok")["what"] == "none runs in a container"


def test_programs_of_another_python(make: Make, tmp_path: Path) -> None:
    """One whose venv lacks the package, through a link as pipx makes, and one that is not on PATH."""
    venv, links = tmp_path / "venv", tmp_path / "links"
    support.run("python3", "-m", "venv", "--without-pip", str(venv)).ok()
    doctoring.program(venv / "bin" / "nox", f"#!{venv}/bin/python3\nfrom nox import main\nmain()\n")
    links.mkdir()
    (links / "nox").symlink_to(venv / "bin" / "nox")
    (links / "docker").symlink_to(str(shutil.which("docker")))
    env = {"PATH": f"{links}:/usr/bin:/bin"}
    stack = make({"noxfile.py": NOXFILE, "tasks.py": TASKS})
    found = look(stack, env=env)
    nox, inv = only(found, "nox", "problem"), only(found, "inv", "warning")
    assert str(links / "nox") in nox["what"]
    assert inv["what"] == "inv is not on PATH"
    again = pasted(stack, nox["fix"], inv["fix"], env=env)
    only(again, "nox", "ok")
    only(again, "inv", "ok")


def test_ports_that_are_taken(make: Make) -> None:
    """By a container and by a process, both published by one service."""
    stack = make({})
    holder, port = doctoring.listener(stack, "127.0.0.1", "--password", "hunter2")
    base, name, other = support.base("python:3.13-slim-trixie"), f"{stack.name}-holder", support.free_port()
    published = f"127.0.0.1:{other}:80"
    run = ("docker", "run", "--detach", "--init", "--rm", "--name", name, "--publish", published)
    stack.run(*run, base, "sleep", "600").ok()
    try:
        stack.write({"compose.yaml": compose(ports=[f"127.0.0.1:{port}:8000", f"127.0.0.1:{other}:8001"])})
        one, two = look(stack)["ports"]
        assert one["fix"] == f"kill {holder.pid}"
        assert "hunter2" not in one["what"]
        assert f"container {name}" in two["what"]
        assert two["fix"] == f"docker stop {name}"
        only(pasted(stack, one["fix"], two["fix"]), "ports", "ok")
    finally:
        doctoring.stop(holder)


def test_what_is_mounted_is_not_there(make: Make) -> None:
    stack = make({"compose.yaml": compose(volumes=["./my data:/data", "./conf/app.conf:/etc/app.conf:ro"])})
    folder, file = look(stack)["mounts"]
    assert folder["is_safe"]
    assert not file["is_safe"]
    only(pasted(stack, folder["fix"], file["fix"], env={"EDITOR": "true"}), "mounts", "ok")
    assert (stack.directory / "my data").is_dir()
    assert (stack.directory / "conf/app.conf").is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
@pytest.mark.parametrize("user", ["4321", "4321:4322", "worker"])
def test_the_user_of_a_service_may_not_write(make: Make, user: str) -> None:
    """By number in the Compose file, and by name in the image, which a container of the service knows."""
    is_name = user == "worker"
    image = SLEEPS.replace("CMD", "RUN useradd --uid 4321 worker\nUSER worker\nCMD") if is_name else SLEEPS
    files = {
        "Dockerfile": image,
        "compose.yaml": compose(volumes=["./data:/data"], **({} if is_name else {"user": user})),
    }
    stack = make(files)
    (stack.directory / "data").mkdir(mode=0o755)
    if is_name:
        stack.ddd("dev.up", timeout=600).ok()
    found = only(look(stack), "mounts", "warning")
    assert f"{stack.directory}/data cannot be written by user {user} of service 'app'" in found["what"]
    only(pasted(stack, found["fix"]), "mounts", "ok")
    touched = ("dev.exec", "--user", user, "--", "touch", "/data/file")
    stack.ddd("dev.up", timeout=600).ok()
    stack.ddd(*touched).ok()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_the_group_of_a_user_may_write(make: Make) -> None:
    stack = make({"compose.yaml": compose(volumes=["./data:/data"], user="4321:4322")})
    (stack.directory / "data").mkdir()
    os.chown(stack.directory / "data", 0, 4322)
    (stack.directory / "data").chmod(0o775)
    only(look(stack), "mounts", "ok")


@pytest.fixture
def namesake(make: Make) -> Iterator[tuple[Stack, Stack]]:
    """Two folders of one project name, of which the first runs."""
    name = support.unique("twin")
    config = json.loads(compose(ports=[f"127.0.0.1:{support.free_port()}:8000"]))
    project = {"Dockerfile": SLEEPS, "compose.yaml": json.dumps({"name": name, **config})}
    first, second = make(project), make(project)
    first.ddd("dev.up", timeout=600).ok()
    yield first, second
    with closing(Engine.connect()) as engine:
        support.remove(engine, list(support.leftovers(engine, name)))


def test_another_checkout_of_the_same_name(namesake: tuple[Stack, Stack]) -> None:
    first, second = namesake
    found = look(second)
    one = only(found, "worktree", "problem")
    assert str(first.directory) in one["what"]
    assert not one["is_safe"]
    assert "ports" not in found
    again = pasted(second, one["fix"])
    only(again, "worktree", "ok")
    only(again, "ports", "ok")
    only(look(first), "ports", "ok")


def test_services_of_a_folder_that_is_gone(namesake: tuple[Stack, Stack]) -> None:
    first, second = namesake
    shutil.rmtree(first.directory)
    one = only(look(second), "worktree", "problem")
    only(pasted(second, one["fix"]), "worktree", "ok")


def test_containers_that_have_lost_what_they_were_for(make: Make) -> None:
    """A session's of a folder that is gone, which runs or does not, and a debugger's whose service has ended."""
    stack = make({})
    base = support.base("python:3.13-slim-trixie")
    names = {state: f"{stack.name}-{state}" for state in ("stopped", "running", "beside", "live")}
    gone, here = "ddd-tasks.project=/nowhere/at/all", f"ddd-tasks.project={stack.directory}"
    made = {
        "stopped": ("create", "--label", gone),
        "running": ("run", "--detach", "--init", "--label", gone),
        "beside": ("create", "--label", here, "--label", "ddd-tasks.target=0123456789ab"),
        "live": ("run", "--detach", "--init", "--label", here),
    }
    for state, words in made.items():
        stack.run("docker", *words, "--name", names[state], base, "sleep", "600").ok()
    found = [one for one in look(stack)["leftovers"] if stack.name in one["what"] + one["fix"]]
    safe, unsafe = found
    assert (safe["is_safe"], unsafe["is_safe"]) == (True, False)
    assert all(names[state] in safe["fix"] for state in ("stopped", "beside"))
    assert names["running"] in unsafe["fix"]
    assert not any(names["live"] in one["fix"] for one in found)
    again = pasted(stack, *(one["fix"] for one in found))
    assert not any(stack.name in one["what"] for one in again["leftovers"])


def test_an_editor_that_looks_at_another_port(make: Make) -> None:
    port, other = support.free_port(), support.free_port()
    dockerfile = 'FROM python:3.13-slim-trixie AS debug\nWORKDIR /app\nCOPY . .\nCMD ["python3", "app.py"]\n'

    def published(number: int) -> str:
        service = {"build": {"context": ".", "target": "debug"}, "ports": [f"127.0.0.1:{number}:5678"]}
        return compose(**service, **{"x-ddd": {"language": "python"}})

    stack = make({"Dockerfile": dockerfile, "app.py": "print(1)\n", "compose.yaml": published(port)})
    stack.ddd("debug.config").ok()
    only(look(stack), "editor", "ok")
    stack.write({"compose.yaml": published(other)})
    one = only(look(stack), "editor", "warning")
    assert one["is_safe"]
    only(pasted(stack, one["fix"]), "editor", "ok")
