"""Canaries in every secret and every configuration of the host appear nowhere but where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests import support
from tests.engine.leaks.planted import HEX, TOKEN, Planted, canary
from tests.engine.leaks.search import Search
from tests.support import Stack

pytestmark = pytest.mark.usefixtures("bases")

Make = Callable[[Mapping[str, str]], Stack]
# Those that others build on are in them, layer by layer.
STAGES = ("build", "dev", "debug", "test", "lint", "prod")


def images_of(engine: Engine, project: Stack) -> list[str]:
    """The names of the images that belong to a project."""
    tags = [tag for image in engine.get("/images/json") for tag in image["RepoTags"] or ()]
    return sorted(tag for tag in tags if project.name in tag)


def test_every_kind_of_secret_arrives_and_stays_nowhere(
    engine: Engine, stack: Make, planted: Planted, search: Search
) -> None:
    project = stack(planted.files)
    before = (project.directory / "compose.yaml").read_bytes()
    with search.watching(planted.env):
        for words in (("dev.up",), ("dev.up",), ("secrets.list",), ("secrets.check",), ("-e", "dev.ps")):
            search.ran(project.ddd(*words, env=planted.env, timeout=300)).ok()
        ran = project.ddd(
            "dev.run", "--service", "web", "--", "sh", "-c", "cat /run/secrets/* | wc -c", env=planted.env
        )
        assert int(search.ran(ran).ok().out) == len("".join(_delivered().values()))
        search.ran(project.nox("-s", "look", env=planted.env, timeout=300)).ok()
    web = f"{project.name}-web-1"
    for kind, text in _delivered().items():
        assert project.run("docker", "exec", web, "cat", f"/run/secrets/run-{kind}").out == text
    search.container(engine, web)
    names = images_of(engine, project)
    assert len(names) >= 2, "the service's image and the session's"
    search.images(engine, names)
    search.files(project.directory / ".ddd")
    search.files(project.directory / ".nox")
    search.files(Path(planted.env["XDG_CACHE_HOME"]))
    search.ran(project.ddd("dev.clean", "--volumes", env=planted.env))
    assert (project.directory / "compose.yaml").read_bytes() == before
    assert not search.unexpected
    assert search.places > 1000


def test_the_stages_of_the_example_keep_nothing(engine: Engine, stack: Make, planted: Planted, search: Search) -> None:
    dockerfile = (support.REPO / "docker/python/Dockerfile").read_text()
    fresh = dockerfile.replace(" AS base\n", f" AS base\nENV LEAK_TEST={HEX}\n", 1)
    assert fresh != dockerfile, "an earlier build's layers would say nothing about this one's canaries"
    example = support.REPO / "examples/python"
    files = {str(path.relative_to(example)): path.read_text() for path in example.rglob("*") if _is_source(path)}
    services = "".join(f"  {name}: {{build: {{context: ., target: {name}}}}}\n" for name in STAGES)
    project = stack({**files, "Dockerfile": fresh, "compose.yaml": f"services:\n{services}"})
    with search.watching(planted.env):
        search.ran(project.ddd("dev.build", env=planted.env, timeout=500)).ok()
    names = images_of(engine, project)
    assert len(names) == len(STAGES)
    search.images(engine, names)
    search.files(project.directory / ".ddd")
    assert not search.unexpected
    assert search.places > 5000


CARELESS = {
    "Dockerfile": """\
FROM python:3.13-slim-trixie AS dev
ARG KEPT
ENV KEPT=$KEPT
RUN --mount=type=secret,id=netrc,target=/root/.netrc cp /root/.netrc /kept && cat /root/.netrc
RUN echo $KEPT > /dev/null
CMD ["sh", "-c", "cat /kept; exec sleep 600"]
""",
    "compose.yaml": """\
services:
  web:
    build: {context: ., target: dev, args: [KEPT]}
    init: true
    environment: [CLIENT_TOKEN]
""",
}


def test_the_search_finds_a_canary_in_each_kind_of_place(engine: Engine, stack: Make, planted: Planted) -> None:
    project, search = stack(CARELESS), Search()
    kept = {**planted.env, "KEPT": canary("argument")}
    with search.watching(planted.env):
        search.ran(project.ddd("dev.up", env=kept, timeout=300)).ok()
        web = f"{project.name}-web-1"
        project.run("docker", "exec", web, "sh", "-c", "sleep 1; :", canary("word")).ok()
    search.container(engine, web)
    search.images(engine, images_of(engine, project))
    project.write({".ddd/note": canary("note")})
    search.files(project.directory / ".ddd")
    found = search.kinds()
    assert {"image layer", "image configuration", "image history", "inspect", "container log"} <= found
    assert {"output", "command line", "environment of a process", "file of ours"} <= found
    assert TOKEN in "".join(find.canary for find in search.unexpected)


def _delivered() -> dict[str, str]:
    """The end of the name of a service's secret -> its value."""
    names = {"file": "run-file", "variable": "runtime-variable", "command": "run-command"}
    return {kind: canary(name) for kind, name in names.items()}


def _is_source(path: Path) -> bool:
    return path.is_file() and path.suffix in (".py", ".toml", ".lock", ".md") and not path.parts[-1].startswith(".")
