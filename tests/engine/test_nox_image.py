"""A session's image is not built again while a build would make the same one; after any change that matters it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ddd_tasks import lastbuild
from ddd_tasks.engine.api import Engine
from ddd_tasks.sessions import current, options, source, tags
from ddd_tasks.sessions import image as image_module
from tests.support import Stack, base, run, unique, wait_until

pytestmark = pytest.mark.usefixtures("bases")

COMPOSE = """\
services:
  api:
    build: {context: ., args: {COLOUR: "${COLOUR:-red}", PASSED: }, additional_contexts: {more: ./more}}
"""
FILES = {
    "Dockerfile": """\
FROM BASE AS test
ARG COLOUR PASSED OWN
COPY src /src
COPY --from=more . /more
RUN echo $COLOUR $PASSED $OWN > /colour
""",
    ".dockerignore": "**/*.md\n",
    "src/app.py": "print(1)\n",
    "src/other.py": "print(2)\n",
    "src/notes.md": "not in the image\n",
    "more/file": "one\n",
    "README.md": "not in the image\n",
}
OWN = options.make("test", build_args={"OWN": "own"})


def image(project: Stack, chosen: options.Options = OWN) -> str:
    return current.image(source.find(chosen, project.directory), chosen)


@pytest.fixture
def project(stack: Callable[[Mapping[str, str]], Stack], engine: Engine) -> Iterator[Stack]:
    """A project whose image is built, on a base of this test's own; long enough ago for a second look to count."""
    name = unique("base")
    engine.post(f"/images/{base('python:3.13-slim-trixie')}/tag", repo=name)
    made = stack({**FILES, "Dockerfile": FILES["Dockerfile"].replace("BASE", name), "compose.yaml": COMPOSE})
    wait_until(lambda: is_remembered(made), what="an image that is remembered")
    yield made
    run("docker", "rmi", "--force", name)


def is_remembered(project: Stack) -> bool:
    """Whether the image can be had without the CLI, which builds."""
    image(project)
    return not needs_a_build(project)


def needs_a_build(project: Stack) -> bool:
    chosen = source.find(OWN, project.directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_module, "build", _refuse)
        try:
            current.image(chosen, OWN)
        except RefusedError:
            return True
    return False


class RefusedError(Exception):
    """Somebody wanted to build."""


def _refuse(*_: object) -> None:
    raise RefusedError


def edit(path: str, before: str, after: str) -> Callable[[Stack], object]:
    def change(project: Stack) -> None:
        file = project.directory / path
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    return change


def edit_and_set_the_time_back(project: Stack) -> None:
    file = project.directory / "src/app.py"
    status = file.stat()
    file.write_text("print(3)\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_base(project: Stack) -> None:
    name = (project.directory / "Dockerfile").read_text().split()[1]
    run("docker", "build", "--quiet", "--tag", name, "-", stdin=f"FROM {name}\nLABEL other=1\n".encode()).ok()


def file_of(project: Stack, name: str) -> Path:
    return project.directory / name


CHANGES: dict[str, Callable[[Stack], object]] = {
    "content": edit("src/app.py", "print(1)", "print(2)"),
    "mode": lambda project: file_of(project, "src/app.py").chmod(0o755),
    "a new file": lambda project: project.write({"src/new.py": ""}),
    "a removed file": lambda project: file_of(project, "src/new.py").unlink(),
    "a renamed file": lambda project: file_of(project, "src/other.py").rename(file_of(project, "src/another.py")),
    "a line of the Dockerfile": edit("Dockerfile", "> /colour", "> /color"),
    "the ignore file": edit(".dockerignore", "*.md", "*.xx"),
    "an ignore file of the Dockerfile's own": lambda project: project.write(
        {"Dockerfile.dockerignore": "**/another.py\n"}
    ),
    "a build argument in the Compose file": edit("compose.yaml", "red", "blue"),
    "a .env file": lambda project: project.write({".env": "COLOUR=white\n"}),
    "an override file": lambda project: project.write(
        {"compose.override.yaml": "services: {api: {build: {args: {COLOUR: green}}}}\n"}
    ),
    "a named context": edit("more/file", "one", "two"),
    "the base image": replace_base,
}


def test_each_change_makes_another_image(project: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image(project)
    for what, change in CHANGES.items():
        change(project)
        time.sleep(0.1)  # what has just changed is not trusted, and so not remembered
        assert needs_a_build(project), what
        after = image(project)
        assert after != before, what
        assert not needs_a_build(project), what
        before = after
    monkeypatch.setenv(lastbuild.OVERRIDE, "1")
    assert image(project) == before, "a build makes another image than the session got"


def test_an_edit_whose_time_is_set_back_is_built(project: Stack) -> None:
    edit_and_set_the_time_back(project)
    assert needs_a_build(project)  # whether BuildKit sees it as well is its own affair


def test_a_variable_makes_another_image_and_back(project: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image(project)
    for name in ("COLOUR", "PASSED"):
        monkeypatch.setenv(name, "yellow")
        assert needs_a_build(project), name
        assert image(project) != before, name
        monkeypatch.delenv(name)
    assert image(project) == before


def test_other_build_arguments_are_another_image(project: Stack) -> None:
    assert image(project, options.make("test", build_args={"OWN": "other"})) != image(project)


def test_a_removed_image_is_built_again(engine: Engine, project: Stack) -> None:
    before = image(project)
    engine.delete(f"/images/{before}", force=1)
    assert image(project) == before
    assert engine.get(f"/images/{before}/json")["Id"] == before


def test_an_image_whose_name_is_taken_is_built_again(engine: Engine, project: Stack) -> None:
    before = image(project)
    repository, _, tag = tags.tag(source.find(OWN, project.directory), OWN).partition(":")
    engine.post(f"/images/{base('python:3.13-slim-trixie')}/tag", repo=repository, tag=tag)
    assert image(project) == before


def test_what_no_build_sees_changes_nothing(project: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write({"README.md": "new", "src/notes.md": "new", "elsewhere.py": "new"})
    assert not needs_a_build(project)
    monkeypatch.setenv(lastbuild.OVERRIDE, "1")
    assert needs_a_build(project)


def test_a_failed_build_is_not_remembered(project: Stack) -> None:
    before = image(project)
    edit("Dockerfile", "RUN ", "RUN false; exit 1 ")(project)
    assert needs_a_build(project)
    with pytest.raises(Exception, match="could not be built"):
        image(project)
    assert needs_a_build(project)
    edit("Dockerfile", "RUN false; exit 1 ", "RUN ")(project)
    assert image(project) == before
