"""What people see while they wait: redrawn on a terminal, plain lines in CI, and nothing with --quiet."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Mapping

import pexpect
import pytest

from tests import support
from tests.support import Stack

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS dev
ARG AGAIN
RUN echo "a line that is much longer than a terminal of sixty columns is wide: $AGAIN"; sleep 2
FROM dev AS broken
RUN echo out of words; exit 3
FROM dev AS endless
RUN sleep 600
"""
CHECK = {"test": ["CMD-SHELL", "test -e /tmp/ok || { touch /tmp/ok; false; }"], "interval": "1s", "retries": 30}
SERVICE = {"command": ["sleep", "600"], "init": True, "stop_grace_period": "0s"}
COMPOSE = {
    "services": {
        "api": {**SERVICE, "build": {"context": ".", "target": "dev"}, "healthcheck": CHECK},
        "broken": {**SERVICE, "build": {"context": ".", "target": "broken"}, "profiles": ["broken"]},
    }
}
REDRAWN = ("\033[1A", "\033[2K", "\033[?25l")
COLOUR = re.compile(r"\033\[(?:[0-9;]*;)?[34][0-7]m")


@pytest.fixture
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack({"Dockerfile": DOCKERFILE, "compose.yaml": json.dumps(COMPOSE)})
    try:
        yield made
    finally:
        made.down()


def said(stack: Stack, *words: str, status: int = 0, env: Mapping[str, str] | None = None) -> str:
    """All that a terminal of 20 lines and 60 columns gets."""
    terminal = stack.spawn(*support.ddd_argv(*words), size=(20, 60), env={"CI": "", **(env or {})}, timeout=300)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == status, terminal.before
    return str(terminal.before)


def drawn(text: str) -> list[str]:
    """The lines that were drawn, without what moves the cursor."""
    return [re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", text)]


def test_up_shows_each_service_to_healthy_within_the_width(stack: Stack) -> None:
    text = said(stack, "dev.up")
    rows = [line for line in drawn(text) if re.fullmatch(r"api +(starting|healthy) +[0-9.]+ s", line)]
    assert rows[0].split()[1] == "starting"
    assert rows[-1].split()[1] == "healthy"
    assert max(len(line) for line in drawn(text)) <= 60
    assert "\033[2J" not in text  # the whole screen is never cleared
    assert text.rindex("\033[?25h") > text.rindex("\033[?25l")  # the cursor is back


def test_a_build_shows_the_step_that_runs_and_leaves_one_line(stack: Stack) -> None:
    text = said(stack, "stage.build", "--service", "api", "--stage", "dev", "--no-cache")
    lines = drawn(text)
    assert any(re.match(r" => +[0-9.]+ s +\[dev \d/\d\] RUN echo .*…$", line) for line in lines), text
    assert any(line.startswith("            a line that is much longer") and line.endswith("…") for line in lines), text
    last = text[text.rindex("\033[?25h") :]
    assert re.search(r"stage dev: \d steps, [01] cached, [0-9.]+ s", last)
    assert max(len(line) for line in lines) <= 60
    assert "\033[2J" not in text


def test_ci_gets_plain_lines(stack: Stack) -> None:
    text = said(stack, "dev.up", env={"CI": "true"})
    assert not any(sign in text for sign in REDRAWN), text
    assert re.search(r"^api: healthy after [0-9.]+ s", text, re.MULTILINE)
    built = said(stack, "stage.build", "--service", "api", "--stage", "dev", env={"CI": "true"})
    assert not any(sign in built for sign in REDRAWN), built


def test_no_color_has_no_colours(stack: Stack) -> None:
    text = said(stack, "dev.up", env={"NO_COLOR": "1"})
    assert "starting" in text
    assert not COLOUR.search(text), text


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_quiet_says_results_alone(stack: Stack, way: str) -> None:
    text = said(stack, "--quiet", "dev.up") if way == "flag" else said(stack, "dev.up", env={"DDD_QUIET": "1"})
    assert [line.split()[0] for line in drawn(text) if line.strip()] == ["service", "api"]


def test_a_quiet_build_that_fails_says_why(stack: Stack) -> None:
    ran = stack.ddd("--quiet", "dev.build", "--service", "broken", timeout=300)
    assert ran.status == 1
    assert "out of words" in ran.err
    assert "exit code: 3" in ran.err
    assert "building broken failed" in ran.err


def test_a_build_that_fails_on_a_terminal_says_why(stack: Stack) -> None:
    text = said(stack, "stage.build", "--service", "api", "--stage", "broken", status=1)
    last = text[text.rindex("\033[?25h") :]
    assert "out of words" in last
    assert "exit code: 3" in last


def test_ctrl_c_ends_a_build_and_gives_the_cursor_back(stack: Stack) -> None:
    words = support.ddd_argv("stage.build", "--service", "api", "--stage", "endless")
    terminal = stack.spawn(*words, size=(20, 60), env={"CI": ""}, timeout=120)
    terminal.expect(r"RUN sleep 600")
    terminal.kill(signal.SIGINT)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 128 + signal.SIGINT
    assert "\033[?25h" in str(terminal.before)
