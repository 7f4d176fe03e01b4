"""`dev.up` with nothing to do starts no program; after any change that matters it does everything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests.support import Stack, base, unique, wait_until

pytestmark = pytest.mark.usefixtures("bases")

COMPOSE = """\
services:
  web:
    build: {context: ., target: dev, args: [FLAVOUR]}
    command: [sh, -c, "touch /tmp/ok; exec sleep 600"]
    init: true
    stop_grace_period: 0s
    environment: {COLOUR: "${COLOUR:-red}"}
    env_file: [more.env]
    volumes: [".:/mounted"]
    healthcheck: {test: [CMD, test, -e, /tmp/ok], interval: 200ms, retries: 1, start_period: 5s, start_interval: 100ms}
  db:
    image: IMAGE
    command: [sleep, "600"]
    init: true
    stop_grace_period: 0s
"""
FILES = {
    "Dockerfile": f"FROM {base('python:3.13-slim-trixie')} AS dev\nARG FLAVOUR\nCOPY src /src\nRUN true\n",
    ".dockerignore": "**/*.md\n",
    "src/app.py": "print(1)\n",
    "src/notes.md": "not in the image\n",
    "more.env": "SHAPE=round\n",
    "README.md": "not in the image\n",
}


@pytest.fixture
def running(stack: Callable[[Mapping[str, str]], Stack], engine: Engine) -> Iterator[Stack]:
    """A started project whose db runs an image of this test's own."""
    image = unique("db")
    engine.post(f"/images/{base('python:3.13-slim-trixie')}/tag", repo=image)
    project = stack({**FILES, "compose.yaml": COMPOSE.replace("IMAGE", image)})
    project.write({"image": image})
    project.ddd("dev.up").ok()
    assert is_quiet(project)
    yield project
    for name in (image, f"{project.name}-web"):
        project.run("docker", "rmi", "--force", name)


def is_quiet(project: Stack, **options: str) -> bool:
    """Whether a start had nothing to do: Compose and BuildKit say what they do on stderr."""
    return project.ddd("dev.up", env=options).ok().err == ""


def container(project: Stack, service: str = "web") -> str:
    return project.run("docker", "compose", "ps", "--all", "--quiet", service).ok().out.strip()


def edit(path: str, before: str, after: str) -> Callable[[Stack], object]:
    """A change that keeps the file's length where before and after have the same."""

    def change(project: Stack) -> None:
        file = project.directory / path
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    return change


def keep_times(change: Callable[[Stack], object], path: str) -> Callable[[Stack], object]:
    def changed(project: Stack) -> None:
        file = project.directory / path
        status = file.stat()
        change(project)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    return changed


def stopped(project: Stack) -> None:
    project.run("docker", "stop", "--time", "0", container(project)).ok()


def removed(project: Stack) -> None:
    project.run("docker", "rm", "--force", container(project)).ok()


def base_replaced(project: Stack) -> None:
    image = (project.directory / "image").read_text()
    project.write({"other/Dockerfile": f"FROM {image}\nLABEL other=1\n"})
    project.run("docker", "build", "--quiet", "--tag", image, "other").ok()


def replaced_by_compose(project: Stack) -> None:
    project.run("docker", "compose", "up", "--detach", "--force-recreate", "--no-build", "web").ok()


MUTATIONS: dict[str, Callable[[Stack], object]] = {
    "a source file": edit("src/app.py", "print(1)", "print(2)"),
    "a source file whose time is set back": keep_times(edit("src/app.py", "print(1)", "print(2)"), "src/app.py"),
    "a new source file": lambda project: project.write({"src/more.py": ""}),
    "a removed source file": lambda project: (project.directory / "src/app.py").unlink(),
    "a renamed source file": lambda project: (project.directory / "src/app.py").rename(project.directory / "src/a.py"),
    "the mode of a source file": lambda project: (project.directory / "src/app.py").chmod(0o755),
    "a line of the Dockerfile": edit("Dockerfile", "RUN true", "RUN pwd "),
    "the ignore file": edit(".dockerignore", "*.md", "*.xx"),
    "a line of the Compose file": edit("compose.yaml", "sleep 600", "sleep 601"),
    "an override file": lambda project: project.write({"compose.override.yaml": "services: {web: {tty: true}}\n"}),
    "an env file": edit("more.env", "round", "oval "),
    "a .env file": lambda project: project.write({".env": "COLOUR=blue\n"}),
    "a stopped container": stopped,
    "a removed container": removed,
    "the image of a service": base_replaced,
    "a container that Compose has replaced": replaced_by_compose,
}


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS)
def test_any_change_that_matters_is_seen(change: Callable[[Stack], object], running: Stack) -> None:
    change(running)
    assert not is_quiet(running)
    assert is_quiet(running)


def test_an_unhealthy_service_is_seen(running: Stack) -> None:
    running.run("docker", "exec", container(running), "rm", "/tmp/ok").ok()
    state = ("docker", "inspect", "--format", "{{.State.Health.Status}}", container(running))
    wait_until(lambda: running.run(*state).out.strip() == "unhealthy", what="unhealthy")
    ran = running.ddd("dev.up")
    assert (ran.status, "service 'web' is unhealthy" in ran.err) == (75, True)


@pytest.mark.parametrize("name", ["COLOUR", "FLAVOUR", "COMPOSE_PROFILES"])
def test_a_variable_that_the_file_or_compose_reads_is_seen(name: str, running: Stack) -> None:
    assert not is_quiet(running, **{name: "blue"})
    assert is_quiet(running, **{name: "blue"})
    assert not is_quiet(running)


def test_what_does_not_matter_is_not_seen(running: Stack) -> None:
    running.write({"src/notes.md": "ignored", "README.md": "ignored", "elsewhere.py": "not copied"})
    assert is_quiet(running, UNRELATED="1")
    running.ddd("dev.exec", "--service", "web", "--", "true").ok()
    assert is_quiet(running)


def test_a_rebuilt_base_is_seen(running: Stack) -> None:
    own = (running.directory / "image").read_text()
    edit("Dockerfile", base("python:3.13-slim-trixie"), own)(running)
    running.ddd("dev.up").ok()
    assert is_quiet(running)
    running.write({"other/Dockerfile": f"FROM {own}\nLABEL other=1\n"})
    running.run("docker", "build", "--quiet", "--tag", own, "other").ok()
    before = container(running)
    assert not is_quiet(running)
    assert container(running) != before


def test_another_selection_is_another_start(running: Stack) -> None:
    running.run("docker", "rm", "--force", container(running, "db")).ok()
    running.ddd("dev.up", "--service", "web").ok()
    assert container(running, "db") == ""
    running.ddd("dev.up").ok()
    assert Path(running.directory, ".ddd/cache/up.json").exists()
    assert container(running, "db") != ""
