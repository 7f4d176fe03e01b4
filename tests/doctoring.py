"""What the tests of the doctor share: a project that is well, its findings, and fixes pasted into a shell."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import support
from tests.support import Ran, Stack

DOCKERFILE = 'FROM python:3.13-slim-trixie AS test\nCMD ["python3", "--version"]\n'
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test"))
def test(session):
    session.run("python3", "--version")
"""
TASKS = "from ddd_tasks import ns\n"

Finding = dict[str, Any]


def compose(**service: Any) -> str:
    """A Compose file with one service, app."""
    return json.dumps({"services": {"app": {"build": ".", "init": True, **service}}})


def findings(ran: Ran) -> dict[str, list[Finding]]:
    """What `ddd doctor --json` says, by check. Its exit status has to fit: 1 with a problem, else 0."""
    rows = json.loads(ran.out[ran.out.index("[\n") :])
    assert ran.status == int(any(row["state"] == "problem" for row in rows)), ran.out
    by_check: dict[str, list[Finding]] = {}
    for row in rows:
        by_check.setdefault(row["check"], []).append(row)
    return by_check


def look(stack: Stack, *words: str, env: Mapping[str, str] | None = None, cwd: str = "") -> dict[str, list[Finding]]:
    """The findings of a doctor that is started in the folder."""
    return findings(stack.ddd("doctor", "--json", *words, env=env, cwd=cwd))


def only(found: Mapping[str, Sequence[Finding]], check: str, state: str) -> Finding:
    """The one finding of a check, which has this state, and where it is not ok says why and what to do."""
    (one,) = found[check]
    assert one["state"] == state, one
    assert state == "ok" or one["why"], one
    return one


def pasted(stack: Stack, *fixes: str, env: Mapping[str, str] | None = None) -> dict[str, list[Finding]]:
    """The findings of a doctor that is started in the shell into which the fixes were pasted."""
    return findings(stack.run("sh", "-c", "\n".join([*fixes, "ddd doctor --json"]), env=env, timeout=600))


def listener(stack: Stack, host: str = "127.0.0.1", *words: str) -> tuple[Any, int]:
    """A program that listens on a port and takes connections, with these words for arguments, and that port."""
    code = (
        f"import socket; s = socket.create_server(({host!r}, 0)); print(s.getsockname()[1], flush=True)\n"
        "while True: s.accept()[0].close()"
    )
    started = stack.popen(sys.executable, "-c", code, *words)
    assert started.stdout is not None
    return started, int(started.stdout.readline())


def stop(program: Any) -> None:
    """End a program of listener."""
    support.kill_group(program)
    support.end_of(program)


def make(files: Mapping[str, str]) -> Stack:
    """A project in which the doctor finds nothing, but for what these files change."""
    well = {"Dockerfile": DOCKERFILE, "compose.yaml": compose()}
    return support.make_stack({**well, **files})


def program(path: Path, text: str) -> None:
    """A file that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
