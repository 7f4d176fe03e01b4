"""Bad input, as data: each gets the shape of a refusal and its own exit code, and leaves nothing half made."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pytest

from ddd_tasks.engine.api import Engine
from tests.support import Stack, free_port, leftovers

pytestmark = pytest.mark.usefixtures("bases")

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS base
FROM base AS dev
CMD ["sleep", "infinity"]
"""
SERVICE = "services: {api: {build: {context: ., target: dev}, init: true, %s}}\n"


def compose(more: str = "") -> str:
    return SERVICE % (more or "read_only: false")


class Case(NamedTuple):
    """What a user has and types, and what has to come of it."""

    name: str
    files: Mapping[str, str]
    words: tuple[str, ...]
    status: int
    said: tuple[str, ...]
    env: Mapping[str, str] = {}


PROJECT = {"compose.yaml": compose(), "Dockerfile": DOCKERFILE}
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}

CASES = [
    Case("engine-down", PROJECT, ("dev.up",), 69, ("no engine answers at unix:///nowhere", "ddd engine.up"), NO_ENGINE),
    Case("engine-down-exec", PROJECT, ("dev.exec", "--", "true"), 69, ("no engine answers", "cause:"), NO_ENGINE),
    Case("engine-down-ps", PROJECT, ("dev.ps",), 69, ("no engine answers",), NO_ENGINE),
    Case(
        "engine-address", PROJECT, ("dev.ps",), 78, ("is no engine address", "unix://PATH"), {"DOCKER_HOST": "/x.sock"}
    ),
    Case("context", PROJECT, ("dev.ps",), 78, ("context 'nope'", "docker context ls"), {"DOCKER_CONTEXT": "nope"}),
    Case("no-compose-file", {}, ("dev.up",), 78, ("no Compose file in", "valid:", "compose.yaml")),
    Case("compose-file-named", PROJECT, ("dev.ps",), 78, ("there is no Compose file",), {"COMPOSE_FILE": "no.yaml"}),
    Case(
        "broken-yaml", {"compose.yaml": "services: {api: [\n"}, ("dev.up",), 78, ("is not a valid Compose file", "yaml")
    ),
    Case("compose-unknown-key", {"compose.yaml": compose("imaeg: x")}, ("dev.up",), 78, ("imaeg", "cause:")),
    Case("x-ddd-key", {"compose.yaml": compose("x-ddd: {langauge: go}")}, ("dev.up",), 78, ("did you mean: language",)),
    Case("no-services", {"compose.yaml": "services: {}\n"}, ("dev.exec", "--", "true"), 78, ("has no service",)),
    Case("unknown-service", PROJECT, ("dev.up", "--service", "apo"), 78, ("'apo'", "did you mean: api", "valid: api")),
    Case("unknown-service-exec", PROJECT, ("dev.exec", "--service", "web", "--", "true"), 78, ("'web'", "valid: api")),
    Case(
        "not-started",
        PROJECT,
        ("dev.exec", "--", "true"),
        75,
        ("'api' is not running", "not been started", "ddd dev.up"),
    ),
    Case("not-started-restart", PROJECT, ("dev.restart",), 75, ("has been started", "ddd dev.up")),
    Case("not-started-url", PROJECT, ("dev.url",), 75, ("'api' is not running",)),
    Case("no-command", PROJECT, ("dev.exec",), 78, ("no command", "ddd dev.exec -- pwd")),
    Case("missing-dockerfile", {"compose.yaml": compose()}, ("dev.up",), 78, ("Dockerfile",)),
    Case(
        "missing-context",
        {"compose.yaml": "services: {api: {build: ./srvices}}\n", "services/Dockerfile": DOCKERFILE},
        ("dev.build",),
        78,
        ("build context of service 'api'", "did you mean: services"),
    ),
    Case(
        "unknown-stage",
        {**PROJECT, "compose.yaml": compose().replace("target: dev", "target: dve")},
        ("dev.build",),
        78,
        ("no stage named 'dve'", "did you mean: dev", "base"),
    ),
    Case(
        "missing-mount",
        {**PROJECT, "compose.yaml": compose("volumes: ['./scr:/app']"), "src/x": ""},
        ("dev.up",),
        78,
        ("mounts at /app, does not exist", "did you mean: src", "mkdir -p"),
    ),
    Case(
        "image-cannot-be-pulled",
        {"compose.yaml": "services: {api: {image: 'registry.invalid/nothing:1'}}\n"},
        ("dev.up",),
        69,
        ("'registry.invalid/nothing:1' of service 'api' cannot be pulled", "cause:", "ddd engine.bases"),
    ),
    Case(
        "base-cannot-be-pulled",
        {**PROJECT, "Dockerfile": "FROM registry.invalid/base:1 AS dev\n"},
        ("dev.build",),
        69,
        ("'registry.invalid/base:1' of service 'api' cannot be pulled",),
    ),
    Case(
        "build-step-fails",
        {**PROJECT, "Dockerfile": DOCKERFILE.replace("CMD", "RUN echo the reason >&2; exit 3\nCMD")},
        ("dev.build",),
        1,
        ("building api failed", "the reason"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refusal(case: Case, engine: Engine, stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(case.files)
    ran = project.ddd(*case.words, env=case.env)
    assert ran.status == case.status, ran.err
    assert "error: " in ran.err
    for words in case.said:
        assert words in ran.err
    assert "Traceback" not in ran.err
    kinds = {item.kind for item in leftovers(engine, project.name)}
    assert kinds <= {"images"}, "a refused command has left something running"


@pytest.mark.parametrize("case", [case for case in CASES if case.words[0] in ("dev.up", "dev.ps", "dev.url")][:8])
def test_the_same_as_json(case: Case, stack: Callable[[Mapping[str, str]], Stack]) -> None:
    ran = stack(case.files).ddd(*case.words, "--json", env=case.env)
    told = json.loads(ran.out)
    assert told["exit_code"] == ran.status == case.status
    assert told["error"]


def test_a_stopped_service_is_told_from_an_unknown_one(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(PROJECT)
    project.ddd("dev.up").ok()
    project.run("docker", "compose", "stop", "--timeout", "1", "api").ok()
    ran = project.ddd("dev.exec", "--", "true")
    assert ran.status == 75
    assert "its container is exited" in ran.err
    assert "try: ddd dev.up" in ran.err


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine that a process of ours listens on."""
    with socketserver.TCPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def test_a_port_that_a_process_holds_is_named_with_it(
    listener: int, engine: Engine, stack: Callable[[Mapping[str, str]], Stack]
) -> None:
    project = stack({**PROJECT, "compose.yaml": compose(f"ports: ['127.0.0.1:{listener}:80']")})
    ran = project.ddd("dev.up")
    assert ran.status == 73
    assert f"port {listener} of service 'api' is taken" in ran.err
    assert "pytest" in ran.err
    assert "try: kill " in ran.err
    assert not leftovers(engine, project.name)


def test_a_port_that_another_project_holds_is_named_with_it(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    port = free_port()
    mapped = {**PROJECT, "compose.yaml": compose(f"ports: ['127.0.0.1:{port}:80']")}
    first, second = stack(mapped), stack(mapped)
    first.ddd("dev.up").ok()
    ran = second.ddd("dev.up")
    assert ran.status == 73
    assert f"container {first.name}-api-1 of project {first.name} listens on it" in ran.err


def test_a_project_that_runs_from_elsewhere_is_not_taken_over(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    first, second = stack(PROJECT), stack(PROJECT)
    first.ddd("dev.up").ok()
    before = first.run("docker", "compose", "ps", "-q").out
    ran = second.ddd("dev.up", env={"COMPOSE_PROJECT_NAME": first.name})
    assert ran.status == 78
    assert f"already runs from {first.directory}" in ran.err
    assert first.run("docker", "compose", "ps", "-q").out == before
