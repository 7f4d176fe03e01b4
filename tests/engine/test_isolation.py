"""Two checkouts of one project: names, ports, and never each other's containers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import Stack, free_port, run_ddd

pytestmark = pytest.mark.usefixtures("bases")


def compose(port: int, name: str = "") -> str:
    return f"""\
{f"name: {name}" if name else ""}
services:
  web:
    image: python:3.13-slim-trixie
    command: [python3, -m, http.server, "8000", --directory, /code]
    init: true
    stop_grace_period: 0s
    volumes: [".:/code:ro", "data:/data"]
    ports: ["127.0.0.1:{port}:8000"]
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/')"]
      start_interval: 200ms
      start_period: 10s
volumes:
  data:
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of this test's own; the caches of package managers are not used here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def git(stack: Stack, *words: str) -> str:
    """The output of a git command in the folder."""
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    return stack.run("git", *who, *words).ok().out


def commit(stack: Stack) -> None:
    git(stack, "init", "--quiet")
    git(stack, "add", "--force", "--all", "--", ":!.ddd")
    git(stack, "commit", "--quiet", "--message", "start")


def checkout(stack: Stack, folder: str) -> Stack:
    """A linked worktree beside the project, in a folder whose name carries the run's."""
    other = Stack(stack.directory.with_name(f"{stack.directory.name}-{folder}"))
    git(stack, "worktree", "add", "--quiet", str(other.directory))
    shutil.copytree(stack.directory / ".ddd", other.directory / ".ddd", dirs_exist_ok=True)
    return other


@pytest.fixture
def named(stack: Callable[[Mapping[str, str]], Stack]) -> Iterator[Stack]:
    """A git checkout whose Compose file names the project and a port."""
    main = stack({"index.html": "main"})
    main.write({"compose.yaml": compose(free_port(), main.name)})
    commit(main)
    yield main
    for beside in main.directory.parent.glob(f"{main.directory.name}-*"):
        Stack(beside).down()


def url(stack: Stack) -> str:
    return stack.ddd("dev.url").ok().out.strip()


def body(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as response:
        text: str = response.read().decode()
        return text


def plain_ps(stack: Stack) -> list[str]:
    """What a plain `docker compose ps` in the folder shows: names of containers."""
    lines = stack.run("docker", "compose", "ps", "--format", "json").ok().out.splitlines()
    return [json.loads(line)["Name"] for line in lines]


def test_two_worktrees_run_side_by_side(named: Stack) -> None:
    other = checkout(named, "feature")
    other.write({"index.html": "feature"})
    named.ddd("dev.up").ok()
    told = other.ddd("dev.up").ok().err
    assert f"this checkout is the project '{named.name}-feature' from now on" in told
    assert (body(url(named)), body(url(other))) == ("main", "feature")
    assert plain_ps(named) == [f"{named.name}-web-1"]
    assert plain_ps(other) == [f"{named.name}-feature-web-1"]
    assert url(other) in other.ddd("dev.ps").ok().out
    assert git(other, "status", "--porcelain", "--", ".env") == ""

    volumes = named.run("docker", "volume", "ls", "--format", "{{.Name}}").out.split()
    assert {f"{named.name}_data", f"{named.name}-feature_data"} <= set(volumes)

    before = url(other)
    other.ddd("dev.down").ok()
    assert plain_ps(named) == [f"{named.name}-web-1"]
    other.ddd("dev.up").ok()
    assert url(other) == before, "the port is remembered"


def test_a_plain_checkout_is_refused_and_told_what_to_do(named: Stack) -> None:
    copy = Stack(named.directory.with_name(f"{named.directory.name}-copy"))
    git(named, "clone", "--quiet", str(named.directory), str(copy.directory))
    shutil.copytree(named.directory / ".ddd", copy.directory / ".ddd", dirs_exist_ok=True)
    named.ddd("dev.up").ok()
    before = plain_ps(named)
    tasks = (("dev.up",), ("dev.down",), ("dev.ps",), ("dev.logs",), ("dev.restart",), ("dev.clean",), ("dev.build",))
    for words in (*tasks, ("dev.exec", "--", "true"), ("exec", "--", "true"), ("dev.url",)):
        ran = copy.ddd(*words)
        assert ran.status == 78, words
        assert f"project {named.name!r} already runs from {named.directory}, not from {copy.directory}" in ran.err
        assert "try: ddd dev.up --isolate" in ran.err
    assert plain_ps(named) == before

    copy.ddd("dev.up", "--isolate").ok()
    assert plain_ps(copy) == [f"{named.name}-copy-web-1"]
    assert plain_ps(named) == before
    assert git(copy, "status", "--porcelain", "--", ".env") == ""
    assert copy.ddd("dev.exec", "--", "true").status == 0
    copy.ddd("dev.clean", "--volumes").ok()
    assert plain_ps(named) == before


def test_a_tracked_env_file_is_not_touched(named: Stack) -> None:
    named.write({".env": "COLOUR=red\n"})
    git(named, "add", ".env")
    git(named, "commit", "--quiet", "--message", "env")
    other = checkout(named, "feature")
    ran = other.ddd("dev.up")
    assert ran.status == 78
    assert f"{other.directory / '.env'} is tracked by git" in ran.err
    assert f"try: export COMPOSE_PROJECT_NAME={named.name}-feature" in ran.err
    assert git(other, "status", "--porcelain", "--", ".env") == ""
    mine = {"COMPOSE_PROJECT_NAME": f"{named.name}-feature"}
    other.ddd("dev.up", "--ports", "auto", env=mine).ok()


def test_containers_of_a_folder_that_is_gone_are_named(named: Stack) -> None:
    named.ddd("dev.up").ok()
    moved = named.directory.with_name(f"{named.directory.name}-moved")
    shutil.move(named.directory, moved)
    ran = Stack(moved).ddd("dev.up")
    assert ran.status == 78
    assert "that directory is gone, but its containers are not" in ran.err
    assert f"try: docker compose --project-name {named.name} down" in ran.err
    Stack(moved).run("docker", "compose", "--project-name", named.name, "down").ok()
    Stack(moved).ddd("dev.up").ok()


def test_ports_are_free_ones_only_where_asked(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    port = free_port()
    files = {"compose.yaml": compose(port), "index.html": "x"}
    first, second = stack(files), stack(files)
    first.ddd("dev.up").ok()
    ran = second.ddd("dev.up")
    assert ran.status == 73
    assert f"container {first.name}-web-1 of project {first.name} listens on it" in ran.err

    told = second.ddd("dev.up", "--ports", "auto").ok()
    chosen = url(second)
    assert chosen in told.out
    assert chosen != url(first) == f"http://127.0.0.1:{port}"
    assert f"port {port} of service 'web' is {chosen.rpartition(':')[2]} in this checkout" in told.err
    assert (body(chosen), plain_ps(second)) == ("x", [f"{second.name}-web-1"])

    first.ddd("dev.down").ok()
    second.ddd("dev.up").ok()
    assert url(second) == chosen, "chosen ports are kept as long as they are free"
    second.ddd("dev.up", "--ports", "declared").ok()
    assert url(second) == f"http://127.0.0.1:{port}"

    ran = second.ddd("dev.up", "--ports", "atuo")
    assert (ran.status, "did you mean: auto" in ran.err) == (78, True)


def test_a_worktree_that_only_runs_something_has_its_own_name_too(named: Stack) -> None:
    other = checkout(named, "feature")
    other.ddd("dev.run", "--service", "web", "--", "true").ok()
    assert f"COMPOSE_PROJECT_NAME={named.name}-feature" in (other.directory / ".env").read_text()
    other.ddd("dev.up").ok()
    named.ddd("dev.up").ok()
    assert (plain_ps(named), plain_ps(other)) == ([f"{named.name}-web-1"], [f"{named.name}-feature-web-1"])


def test_a_taken_udp_port_is_named_with_its_holder(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        project = stack({"compose.yaml": compose(port).replace(':8000"]', ':8000/udp"]'), "index.html": "x"})
        ran = project.ddd("dev.up")
        assert ran.status == 73
        assert f"process {os.getpid()} (" in ran.err
        project.ddd("dev.up", "--ports", "auto").ok()
        assert json.loads((project.directory / ".ddd/ports.json").read_text())["chosen"]


def test_a_dry_run_changes_nothing(named: Stack) -> None:
    other = checkout(named, "feature")
    run_ddd("--dry", "dev.up", cwd=other.directory).ok()
    assert not (other.directory / ".env").exists()
    assert not (other.directory / ".ddd" / "ports.json").exists()
