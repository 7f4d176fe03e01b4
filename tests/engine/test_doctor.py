"""The doctor on a machine with planted problems: it names each, and its fixes work as they are pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.support import Stack

DOCKERFILE = 'FROM python:3.13-slim-trixie AS test\nCMD ["python3", "--version"]\n'
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test"))
def test(session):
    session.run("python3", "--version")
"""


def compose(port: int, name: str = "") -> str:
    service = {"build": ".", "ports": [f"127.0.0.1:{port}:8000"], "volumes": ["./data:/data"]}
    return json.dumps({**({"name": name} if name else {}), "services": {"app": service}})


@pytest.fixture
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack(
        {"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE, "tasks.py": "from ddd_tasks import ns\n"}
    )
    yield made
    made.down()


@pytest.fixture
def env(stack: Stack) -> dict[str, str]:
    """A certificate bundle that is not there, and a nox on PATH whose Python has never heard of us."""
    stack.write({"bin/nox": "#!/bin/sh\nexit 1\n", "bin/python3": "#!/bin/sh\nexit 1\n"})
    for file in (stack.directory / "bin").iterdir():
        file.chmod(0o755)
    path = f"{stack.directory}/bin:{support.environment()['PATH']}"
    return {"SSL_CERT_FILE": str(stack.directory / "ca.pem"), "PATH": path}


def findings(said: str) -> dict[str, dict[str, Any]]:
    """What is not ok, by its check."""
    return {one["check"]: one for one in json.loads(said) if one["state"] != "ok"}


def held(stack: Stack) -> Any:
    """A program that listens on a port, which it says."""
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); s.accept()"
    )
    return stack.popen("python3", "-c", code)


def test_planted_problems_are_named_and_their_fixes_work_when_pasted(stack: Stack, env: dict[str, str]) -> None:
    holder = held(stack)
    assert holder.stdout is not None
    stack.write({"compose.yaml": compose(int(holder.stdout.readline()))})
    left = f"{stack.name}-left"
    base = support.base("python:3.13-slim-trixie")
    stack.run("docker", "create", "--name", left, "--label", "ddd-tasks.project=/nowhere/at/all", base, "true").ok()
    ran = stack.ddd("doctor", "--json", env=env)
    found = findings(ran.out)
    assert ran.status == 1
    assert {"certificates", "mounts", "ports", "leftovers", "nox"} <= found.keys(), ran.out
    assert left in found["leftovers"]["what"]
    assert str(holder.pid) in found["ports"]["what"]
    assert all(one["why"] for one in found.values())
    fixes = [found[check]["fix"] for check in ("certificates", "mounts", "ports", "leftovers", "nox")]
    again = stack.run("sh", "-c", "\n".join([*fixes, shlex.join(support.ddd_argv("doctor", "--json"))]), env=env)
    support.end_of(holder)
    assert not findings(again.out[again.out.index("[") :]), again.out
    assert again.status == 0


def test_fix_does_only_what_takes_nothing_from_anybody(stack: Stack, env: dict[str, str]) -> None:
    holder = held(stack)
    assert holder.stdout is not None
    stack.write({"compose.yaml": compose(int(holder.stdout.readline()))})
    ran = stack.ddd("doctor", "--fix", "--json", env=env)
    assert findings(ran.out).keys() >= {"certificates", "ports", "nox"}
    assert "mounts" not in findings(ran.out)
    assert (stack.directory / "data").is_dir()
    assert holder.poll() is None
    holder.kill()
    support.end_of(holder)


def test_an_engine_elsewhere_that_does_not_answer(stack: Stack) -> None:
    ran = stack.ddd("doctor", "--json", env={"DOCKER_HOST": f"unix://{stack.directory}/no.sock"})
    assert ran.status == 1
    assert findings(ran.out)["engine"]["fix"] == "unset DOCKER_HOST"


def test_a_session_without_its_stage_and_a_build_without_its_dockerfile(stack: Stack) -> None:
    stack.write({"compose.yaml": compose(support.free_port()), "noxfile.py": NOXFILE.replace('"test"', '"tset"')})
    found = findings(stack.ddd("doctor", "--json").out)
    assert "did you mean test" in found["sessions"]["what"]
    (stack.directory / "Dockerfile").unlink()
    assert "Dockerfile" in findings(stack.ddd("doctor", "--json").out)["build"]["what"]


def test_another_checkout_of_the_same_name(stack: Stack, tmp_path: Path) -> None:
    other = support.make_stack({"Dockerfile": DOCKERFILE.replace('["python3", "--version"]', '["sleep", "infinity"]')})
    try:
        other.write(
            {"compose.yaml": json.dumps({"name": stack.name, "services": {"app": {"build": ".", "init": True}}})}
        )
        other.ddd("dev.up", timeout=300).ok()
        stack.write({"compose.yaml": compose(support.free_port(), stack.name)})
        (stack.directory / "data").mkdir()
        found = findings(stack.ddd("doctor", "--json").out)
        assert str(other.directory) in found["worktree"]["what"]
        assert found["worktree"]["fix"] == "ddd dev.up --isolate"
    finally:
        other.down()


def test_a_terminal_shows_why_and_what_to_try(stack: Stack) -> None:
    stack.write({"compose.yaml": compose(support.free_port())})
    ran = stack.ddd("doctor")
    assert ran.status == 1
    assert f"try: mkdir -p {stack.directory}/data" in ran.err
    assert "why: the engine would make it, as root" in ran.err
    assert ran.out.startswith("CHECK")
