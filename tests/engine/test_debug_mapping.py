"""Path mappings of whole projects: what Compose, the Dockerfile and the base images say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from ddd_tasks import languages
from ddd_tasks import project as projects
from ddd_tasks.debugging import mapping
from tests.support import Stack

pytestmark = pytest.mark.usefixtures("bases")

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS dev
ARG PLACE=/app
WORKDIR $PLACE
COPY . .
COPY --from=shared . ./shared
FROM python:3.13-slim-trixie AS debug
WORKDIR /debug
COPY --from=dev /app ./
"""
FILES = {
    "deploy/compose.yaml": """\
services:
  api:
    build:
      context: ../services/api
      dockerfile: ../../docker/api.Dockerfile
      target: dev
      args: {PLACE: /srv/code}
      additional_contexts: {shared: ../shared}
    volumes: [data:/srv/code/data, /srv/code/shared/cache]
  worker:
    build: {context: ../services/api, dockerfile: ../../docker/api.Dockerfile, additional_contexts: {shared: ../shared}}
    volumes: ["..:/repo", "../shared:/debug/shared"]
  ready: {image: someone/else}
  mounted: {image: someone/else, volumes: ["../services:/code:ro", "/etc/hosts:/etc/hosts"]}
volumes: {data: {}}
""",
    "docker/api.Dockerfile": DOCKERFILE,
    "services/api/main.py": "",
    "shared/tool.py": "",
}


def test_a_repository_with_several_folders(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(FILES)
    known = projects.load(project.directory / "deploy")

    def mapped(service: str, stage: str | None = None) -> list[tuple[str, str]]:
        found = mapping.mappings(known, known.service(service), languages.get("python"), stage)
        return [(one.local.relative_to(project.directory).as_posix(), one.remote) for one in found]

    assert mapped("api") == [("shared", "/srv/code/shared"), ("services/api", "/srv/code")]
    assert mapped("worker") == [("shared", "/debug/shared"), ("services/api", "/debug"), (".", "/repo")]
    assert mapped("worker", "dev") == [
        ("shared", "/app/shared"),
        ("services/api", "/app"),
        ("shared", "/debug/shared"),
        (".", "/repo"),
    ]
    assert mapped("ready") == []
    assert mapped("mounted") == [("services", "/code")]
