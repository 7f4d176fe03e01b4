"""Two profiles of a real service, the second with a function that became slower."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import speedscope_schema, support
from tests.support import Stack

# Each spins for so long on the CPU's own clock; with a file called slow, parse takes three fifths instead of a third.
PROGRAM = """\
import os
import time


def parse(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))  # the planted line


def store(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))


while True:
    parse(0.03 if os.path.exists("/app/slow") else 0.01)
    store(0.02)
"""
SERVICE = {
    "build": {"context": ".", "target": "prod"},
    "x-ddd": {"language": "python"},
    "init": True,
    "cpus": 0.4,
    "read_only": True,
    "cap_drop": ["ALL"],
    "network_mode": "none",
    "stop_grace_period": "0s",
    "volumes": ["./app:/app:ro"],
}
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS prod
COPY app /app
USER 10001:10001
CMD ["python", "/app/main.py"]
"""


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    compose = json.dumps({"services": {"api": SERVICE}})
    made = support.make_stack({"app/main.py": PROGRAM, "Dockerfile": DOCKERFILE, "compose.yaml": compose})
    try:
        made.ddd("dev.up", timeout=300).ok()
        profile_both(made)
        yield made
    finally:
        made.down()


def profile_both(stack: Stack) -> None:
    """A run as it was, and one with the regression."""
    (stack.directory / "app" / "slow").unlink(missing_ok=True)
    stack.ddd("profile.cpu", "--seconds", "5", timeout=600).ok()
    stack.write({"app/slow": ""})
    stack.ddd("profile.cpu", "--seconds", "5", timeout=600).ok()


def test_the_planted_regression_comes_first_with_its_line_here(stack: Stack) -> None:
    profile_both(stack)  # anew: on a busy machine, another try is one
    for measure in (("--absolute",), ()):
        said = json.loads(stack.ddd("profile.diff", "previous", "latest", "--json", *measure).ok().out)
        first = said["changes"][0]
        assert (first["function"], first["path"]) == ("parse", str(stack.directory / "app" / "main.py")), said
        assert first["line"] in (7, 8)
        assert not first["is_chance"]
        # In all, since sum is called in both. What waits for its part of a CPU counts as at work: each second is full.
        assert abs(first["total_before"] - 1 / 3) < 0.1, said
        assert abs(first["total_after"] - 3 / 5) < 0.1, said


def test_what_changed_is_a_table_and_a_page_with_the_later_run(stack: Stack) -> None:
    ran = stack.ddd("profile.diff", "previous", "api", cwd="app").ok()
    head, first, *_ = ran.out.splitlines()
    assert head.split() == ["CHANGE", "BEFORE", "AFTER", "FUNCTION", "WHERE"]
    assert first.startswith("+")
    assert "pt" in first
    assert "parse     main.py:" in first
    page = Path(ran.err.splitlines()[-1])
    assert page.read_text().count('"parse"') == 1
    runs = json.loads(stack.ddd("profile.list", "--json").ok().out)
    assert page.parent == Path(runs[-1]["folder"])


def test_the_file_for_speedscope_is_one(stack: Stack) -> None:
    for file in (stack.directory / ".ddd" / "profiles" / "api").glob("*/speedscope.json"):
        document = json.loads(file.read_text())
        speedscope_schema.check(document)
        assert {"parse", "store"} <= {frame["name"] for frame in document["shared"]["frames"]}


def test_a_run_that_is_none_is_refused_with_the_nearest(stack: Stack) -> None:
    newest = json.loads(stack.ddd("profile.list", "--json").ok().out)[-1]["profile"]
    ran = stack.ddd("profile.diff", "previous", newest[:-1])
    assert ran.status == 78
    assert f"did you mean: {newest}" in ran.err
    ran = stack.ddd("profile.diff", "latest", newest)
    assert (ran.status, ran.out) == (78, "")
    assert "there is nothing to compare" in ran.err
