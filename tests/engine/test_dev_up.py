"""`dev.build`, `up`, `ps`, `url`, `logs`, `restart`, `down` and `clean` on real projects."""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support import Stack, ddd_argv, end_of, free_port, wait_until

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS dev
WORKDIR /app
CMD ["python3", "-m", "http.server", "8000"]
"""
CHECK = "python3 -c 'import urllib.request as u; u.urlopen(\\\"http://127.0.0.1:8000/\\\")'"


def files(port: int, **more: str) -> dict[str, str]:
    """A web server with a health check, and a job that is done at once."""
    compose = f"""\
services:
  web:
    build: {{context: ., target: dev}}
    init: true
    volumes: [".:/app"]
    ports: ["127.0.0.1:{port}:8000"]
    healthcheck:
      test: ["CMD-SHELL", "{CHECK}"]
      start_interval: 200ms
      start_period: 10s
  job:
    build: {{context: ., target: dev}}
    command: ["true"]
"""
    return {"compose.yaml": compose, "Dockerfile": DOCKERFILE, "index.html": "hello", **more}


def answer(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        body: bytes = response.read()
        return body


@pytest.mark.usefixtures("bases")
def test_the_loop_from_up_to_clean(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    port = free_port()
    project = stack(files(port))

    up = project.ddd("dev.up").ok()
    assert up.out.split("\n")[0].split() == ["SERVICE", "STATE", "HEALTH", "URL"]
    assert f"http://127.0.0.1:{port}" in up.out
    assert answer(port) == b"hello"

    url = f"http://127.0.0.1:{port}"
    assert json.loads(project.ddd("dev.ps", "--json").ok().out) == [
        {"service": "job", "state": "exited", "health": None, "stage": "dev", "urls": []},
        {"service": "web", "state": "running", "health": "healthy", "stage": "dev", "urls": [url]},
    ]

    containers = project.run("docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={project.name}").out
    again = project.ddd("dev.up").ok()
    assert again.out == up.out
    filters = ["--filter", f"label=com.docker.compose.project={project.name}", "--filter", "status=running"]
    assert project.run("docker", "ps", "-q", *filters).out == containers

    assert project.ddd("dev.url", "--service", "web").ok().out == f"{url}\n"
    assert json.loads(project.ddd("dev.url", "--service", "web", "--json").ok().out) == [url]
    assert "GET / HTTP/1.1" in project.ddd("dev.logs", "--service", "web").ok().out
    assert "web" in project.ddd("dev.restart", "--service", "web").ok().out
    assert answer(port) == b"hello"

    project.ddd("dev.down").ok()
    assert project.ddd("dev.ps", "--json").ok().out == "[]\n"
    project.ddd("dev.clean", "--volumes").ok()
    assert project.run("docker", "images", "-q", f"{project.name}-web").out == ""
    assert not (project.directory / ".ddd" / "compose").exists()


@pytest.mark.usefixtures("bases")
def test_down_and_clean_reach_services_behind_a_profile(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    compose = "services: {tool: {build: {context: ., target: dev}, init: true, profiles: [tools]}}\n"
    project = stack({"compose.yaml": compose, "Dockerfile": DOCKERFILE})
    project.ddd("dev.up", "--service", "tool").ok()
    project.ddd("dev.down").ok()
    assert project.ddd("dev.ps", "--json").ok().out == "[]\n"
    project.ddd("dev.up", "--service", "tool").ok()
    project.ddd("dev.clean").ok()
    assert project.ddd("dev.ps", "--json").ok().out == "[]\n"
    assert project.run("docker", "images", "-q", f"{project.name}-tool").out == ""


@pytest.mark.usefixtures("bases")
def test_results_and_refusals_where_nobody_reads(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack({"compose.yaml": "services: {web: {image: none}}\n"})
    ps, shown = " ".join(ddd_argv("dev.ps")), " ".join(ddd_argv("dev.exec", "--", "true"))
    ended = project.run("bash", "-c", f"{ps} | true; echo ${{PIPESTATUS[0]}}").ok()
    assert (ended.out, ended.err) == ("141\n", "")
    project.run("sh", "-c", f"{ps} >&-").ok()
    assert project.run("sh", "-c", f"{shown} 2>&-").status == 75


@pytest.mark.usefixtures("bases")
def test_nohup_keeps_its_meaning(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(files(free_port()))
    project.ddd("dev.up").ok()
    following = project.popen("nohup", *ddd_argv("dev.logs", "--follow", "--service", "web"))
    children = Path(f"/proc/{following.pid}/task/{following.pid}/children")
    wait_until(lambda: children.exists() and children.read_text(), what="docker compose logs")
    following.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert following.poll() is None
    following.send_signal(signal.SIGTERM)
    assert end_of(following) != 0


@pytest.mark.usefixtures("bases")
def test_a_plain_compose_sees_and_keeps_what_we_started(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(files(free_port()))
    project.ddd("dev.up").ok()
    before = project.run("docker", "compose", "ps", "-q", "web").ok().out
    assert before
    project.run("docker", "compose", "up", "--detach", "--no-build", "web").ok()
    assert project.run("docker", "compose", "ps", "-q", "web").ok().out == before


@pytest.mark.usefixtures("bases")
def test_an_unhealthy_service_shows_its_check_and_its_log(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    compose = """\
services:
  web:
    build: {context: ., target: dev}
    init: true
    command: [sh, -c, "echo the reason; sleep 600"]
    healthcheck: {test: [CMD-SHELL, "echo not yet; exit 1"], interval: 100ms, retries: 2}
"""
    ran = stack({"compose.yaml": compose, "Dockerfile": DOCKERFILE}).ddd("dev.up")
    assert ran.status == 75
    assert "error: service 'web' is unhealthy" in ran.err
    assert "its health check said: not yet" in ran.err
    assert "the reason" in ran.err
    assert "try: ddd dev.logs --service web" in ran.err


@pytest.mark.usefixtures("bases")
def test_a_service_that_ends_shows_its_status_and_its_log(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    compose = """\
services:
  web: {build: {context: ., target: dev}, command: [sh, -c, "echo the reason; exit 3"]}
"""
    ran = stack({"compose.yaml": compose, "Dockerfile": DOCKERFILE}).ddd("dev.up")
    assert ran.status == 75
    assert "it ended with status 3" in ran.err
    assert "the reason" in ran.err


@pytest.mark.usefixtures("bases")
def test_json_refusals_carry_the_same_fields(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    ran = stack(files(free_port())).ddd("dev.up", "--service", "wbe", "--json")
    assert ran.status == 78
    told = json.loads(ran.out)
    assert (told["did_you_mean"], told["valid"], told["exit_code"]) == ("web", ["job", "web"], 78)


@pytest.mark.usefixtures("bases")
def test_an_interrupted_up_can_be_repeated(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack(files(free_port()))
    process = project.popen("ddd", "dev.up")
    wait_until(lambda: (project.directory / ".ddd" / "compose" / "build.yaml").exists())
    process.send_signal(2)
    assert end_of(process) == 130
    project.ddd("dev.up").ok()


def test_list_needs_no_engine_and_has_one_line_a_task(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack({"tasks.py": "from ddd_tasks import ns\n"})
    inv = str(Path(sys.executable).with_name("inv"))
    ran = project.run(inv, "--list", env={"DOCKER_HOST": "tcp://127.0.0.1:9", "PATH": "", "COLUMNS": "100"}, timeout=20)
    lines = [line for line in ran.ok().out.splitlines()[2:] if line]
    assert len(lines) >= 16
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    assert any(line.split()[0] == "dev.exec" for line in lines)


@pytest.mark.usefixtures("bases")
def test_a_base_that_a_build_argument_names(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    compose = """\
services:
  web: {build: {context: ., args: {BASE: "python:3.13-slim-trixie"}}, init: true}
"""
    dockerfile = 'ARG BASE\nFROM ${BASE} AS dev\nCMD ["sleep", "infinity"]\n'
    assert "running" in stack({"compose.yaml": compose, "Dockerfile": dockerfile}).ddd("dev.up").ok().out


@pytest.mark.usefixtures("bases")
def test_a_service_that_ends_at_once_is_not_taken_for_running(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    compose = """\
services:
  web: {build: {context: ., target: dev}, command: [sh, -c, "sleep 0.05; exit 3"]}
"""
    ran = stack({"compose.yaml": compose, "Dockerfile": DOCKERFILE}).ddd("dev.up")
    assert ran.status == 75
    assert "it ended with status 3" in ran.err
