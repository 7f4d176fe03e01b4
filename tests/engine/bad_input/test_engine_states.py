"""States of the engine that no file describes: stopped services, ports that are taken, projects of the same name."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.bad_input.case import PROJECT, compose
from tests.support import Stack, free_port, leftovers

pytestmark = pytest.mark.usefixtures("bases")


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
