"""Profiles of what a session runs: `nox -s test -- --profile`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.support import Stack

WORK = """\
import sys
import time


def hot():
    end = time.thread_time() + 1.2
    while time.thread_time() < end:
        sum(range(100))  # the planted line


print("arguments:", sys.argv[1:])
hot()
sys.exit(3 if "--fail" in sys.argv else 0)
"""
WORK_JS = """\
function hot() {
  const end = performance.now() + 1200;
  while (performance.now() < end) for (let i = 0; i < 50000; i++) Math.sqrt(i);
}
hot();
"""
NOXFILE = """\
import nox
from ddd_tasks.nox import stage


@nox.session(venv_backend=stage("test", dockerfile="Dockerfile", cache=True))
def test(session):
    session.run("python", "work.py", *session.posargs)


@nox.session(venv_backend=stage("test", dockerfile="node/Dockerfile"))
def node(session):
    session.run("node", "node/work.js")


@nox.session(venv_backend=stage("test", dockerfile="other/Dockerfile"))
def other(session):
    session.run("true")
"""
PYTHON = "FROM python:3.13-slim-trixie AS test\n"


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Instead of conftest's check after each test, since images of sessions stay: the module's is as strict."""


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack(
        {
            "work.py": WORK,
            "pyproject.toml": '[project]\nname = "work"\nversion = "1"\n',
            "Dockerfile": PYTHON,
            "noxfile.py": NOXFILE,
            "node/work.js": WORK_JS,
            "node/package.json": "{}",
            "node/Dockerfile": "FROM node:24-trixie-slim AS test\n",
            "other/Dockerfile": PYTHON,
        }
    )
    yield made
    made.down()


def profiles(stack: Stack, session: str) -> list[Path]:
    return sorted((stack.directory / ".ddd" / "profiles" / session).glob("*"))


def meta(folder: Path) -> Any:
    return json.loads((folder / "meta.json").read_text())


def test_a_session_is_profiled_and_keeps_its_arguments_and_status(stack: Stack) -> None:
    ran = stack.nox("-s", "test", "--", "--profile", "--fail", "--profile", timeout=600)
    assert ran.status == 1
    assert "arguments: ['--fail', '--profile']" in ran.out
    assert "exit code 3" in ran.err
    line = next(line for line in ran.out.splitlines() if " hot " in line)
    assert "work.py:" in line
    assert float(line.split("%")[0]) > 70, ran.out
    (folder,) = profiles(stack, "test")
    assert {file.name for file in folder.iterdir()} >= {"flamegraph.html", "speedscope.json", "folded.txt", "meta.json"}
    assert 0.5 < meta(folder)["seconds"] < 60


def test_a_remembered_success_is_run_again_to_be_profiled(stack: Stack) -> None:
    before = profiles(stack, "test")
    assert "arguments: []" in stack.nox("-s", "test").ok().out
    ran = stack.nox("-s", "test", "--", "--profile").ok()
    assert "arguments: []" in ran.out
    assert len(profiles(stack, "test")) == len(before) + 1


def test_a_session_of_node(stack: Stack) -> None:
    ran = stack.nox("-s", "node", "--", "--profile", timeout=300).ok()
    line = next(line for line in ran.out.splitlines() if " hot " in line)
    assert "node/work.js:" in line
    (folder,) = profiles(stack, "node")
    assert meta(folder)["weight"] < 150 * meta(folder)["seconds"]  # one program, 100 times a second


def test_a_language_without_a_profiler_is_refused_before_anything_runs(stack: Stack) -> None:
    ran = stack.nox("-s", "other", "--", "--profile")
    assert ran.status == 1
    assert "--profile is not supported for session 'other'" in ran.err
    assert "valid: node, python" in ran.err
    assert not profiles(stack, "other")
