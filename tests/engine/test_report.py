"""ddd report of a project that has a secret in every corner: none of them is in it, and what a maintainer needs is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import support
from tests.support import Stack

CANARY = "c4n4ry"
# The user's own words are told apart from those of the tests: nobody is called so.
USER = "adalovelace"
PROXY = f"http://me:{CANARY}-proxy@127.0.0.1:9"
SAYS = """\
import os, sys, time
print("connecting with", open("/run/secrets/key").read())
print("and with", os.environ["DATABASE"], os.environ["PLAIN"], sys.argv[1], flush=True)
print("cannot reach the database", file=sys.stderr)
sys.exit(3)
"""
ENVIRONMENT = {
    "PROXY_TEST": PROXY,
    "HTTP_PROXY": PROXY,
    "http_proxy": PROXY,
    "NO_PROXY": "127.0.0.1",
    "API_TOKEN": f"{CANARY}-host",
    "FROM_HOST": f"{CANARY}-from-host",
    "USER": USER,
    "LOGNAME": USER,
}


def compose(image: str) -> str:
    """Two services: one with secrets wherever Compose lets one be, which fails, and one that sleeps."""
    api = {
        "build": {"context": ".", "target": "dev", "args": {"ARG": f"{CANARY}-arg"}, "labels": {"a": f"{CANARY}-l1"}},
        "command": ["python3", "/app/says.py", f"{CANARY}-word"],
        "environment": {
            "DATABASE": f"postgres://shop:{CANARY}-url@db/shop",
            "PLAIN": f"{CANARY}-plain",
            "FROM_HOST": "${FROM_HOST}",
        },
        "env_file": ["hidden.env"],
        "healthcheck": {"test": ["CMD", "curl", "-H", f"Authorization: {CANARY}-health"]},
        "labels": {"owner": f"{CANARY}-label"},
        "logging": {"driver": "json-file", "options": {"tag": f"{CANARY}-option"}},
        "secrets": ["key", "pin"],
        "volumes": [".:/app"],
        "x-own": {"deep": [f"{CANARY}-extension"]},
    }
    idle = {"image": image, "command": ["sleep", "infinity"], "init": True, "ports": ["127.0.0.1::8000"]}
    secrets = {"key": {"file": "key.txt"}, "pin": {"environment": "API_TOKEN"}}
    return json.dumps({"services": {"api": api, "idle": idle}, "secrets": secrets, "x-all": f"{CANARY}-top"})


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    image = support.base("python:3.13-slim-trixie")
    made = support.make_stack(
        {
            "Dockerfile": f"FROM python:3.13-slim-trixie AS dev\nARG ARG\nLABEL of={CANARY}-image\nWORKDIR /app\n",
            "compose.yaml": compose(image),
            "says.py": SAYS,
            "key.txt": f"{CANARY}-file",
            "hidden.env": f"HIDDEN={CANARY}-env-file\n",
            ".env": f"UNUSED={CANARY}-dotenv\n",
        }
    )
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def report(stack: Stack) -> str:
    """After a start that failed and a command for a service that is not there."""
    started = stack.ddd("dev.up", env=ENVIRONMENT, timeout=300)
    assert started.status != 0
    wrong = stack.ddd("exec", "--service", "appi", "--", "login", f"{CANARY}-typed", env=ENVIRONMENT)
    assert wrong.status == 78
    return stack.ddd("report", env=ENVIRONMENT, timeout=180).ok().out


def test_no_secret_is_in_it(report: str) -> None:
    assert [line for line in report.splitlines() if CANARY in line] == []


def test_its_logs_were_read(report: str) -> None:
    """Else nothing would have been hidden in them."""
    assert "api: exited (3), stage dev" in report
    assert "connecting with ***" in report
    assert "and with *** *** ***" in report
    assert "cannot reach the database" in report


def test_what_a_maintainer_needs_is_there(report: str, stack: Stack) -> None:
    for words in ("ddd-tasks 0.", "Python 3.", "invoke ", "ok       engine: ", "compose: ", f"name: {stack.name}"):
        assert words in report, words
    for words in ("target: dev", "DATABASE: '***'", "- python3", "driver: json-file", "PLAIN: '***'"):
        assert words in report, words
    assert "idle: running, stage -, http://127.0.0.1:" in report


def test_the_last_errors_are_there(report: str, stack: Stack) -> None:
    last = report[report.index("### Last errors") :]
    assert "ddd dev.up\nerror: " in last
    assert "ddd exec\nerror: " in last
    assert "did you mean: api" in last
    assert CANARY not in (stack.directory / ".ddd" / "refusals.json").read_text()


def test_the_user_is_not_in_it(stack: Stack) -> None:
    home = stack.directory / USER
    service = {"image": "none", "volumes": [".:/a"]}
    stack.write({f"{USER}/shop/compose.yaml": json.dumps({"services": {"a": service}})})
    ran = stack.ddd("report", cwd=f"{USER}/shop", env={**ENVIRONMENT, "HOME": str(home)}, timeout=180).ok()
    assert USER not in ran.out
    assert "source: ~/shop" in ran.out


def test_a_file_that_compose_refuses_is_told_without_its_values(stack: Stack) -> None:
    service = {"image": "none", "environment": {"A": f"${{oops {CANARY}-broken"}}
    stack.write({"broken/compose.yaml": json.dumps({"services": {"a": service}})})
    ran = stack.ddd("report", cwd="broken", env=ENVIRONMENT, timeout=180).ok()
    assert "services.a.environment" in ran.out
    assert CANARY not in ran.out
