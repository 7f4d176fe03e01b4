"""ddd status of a project with services in every state: as JSON, as a table, on terminals, and while it changes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from ddd_tasks import languages
from ddd_tasks.compose import STAGE_LABEL
from ddd_tasks.errors import ExitCode
from tests import support
from tests.debugging import attach
from tests.examples import Example, example_of
from tests.proxy import Proxy
from tests.support import Stack, wait_until

_ENDS = "printf 'one\\ntwo \\033[31mred\\n'; echo 'TOKEN=hunter2' >&2; exit 3"


def services() -> dict[str, dict[str, Any]]:
    """What stands beside the example's service."""
    sleeps = {"image": support.base("python:3.13-slim-trixie"), "command": ["sleep", "infinity"], "init": True}
    sick = {"test": ["CMD-SHELL", "echo no database; false"], "interval": "1s", "retries": 1}
    return {
        "ill": {**sleeps, "healthcheck": sick, "labels": {STAGE_LABEL: "d\033[31mev"}},
        "done": {**sleeps, "command": ["sh", "-c", _ENDS.replace("$", "$$")]},
        "loop": {**sleeps, "command": ["sh", "-c", "echo again; exit 4"], "restart": "always"},
        "held": sleeps,
        "pair": {**sleeps, "scale": 2},
        "db": {**sleeps, "ports": ["127.0.0.1::5432", "127.0.0.1::9000/udp"], "expose": ["7000"]},
        "mute": {**sleeps, "command": ["sh", "-c", "exit 5"], "logging": {"driver": "none"}},
        "shown": {**sleeps, "command": ["sh", "-c", "echo on a terminal; exit 6"], "tty": True},
        "late": sleeps,
        "tools": {**sleeps, "profiles": ["extra"]},
    }


@pytest.fixture(scope="module")
def example(bases: None) -> Iterator[Example]:
    """The project: the example runs in its dev stage, `late` and `tools` have never been started."""
    with example_of(languages.get("python")) as made:
        stack = made.stack
        stack.write({"compose.override.yaml": json.dumps({"services": services()})})
        stack.ddd("dev.up", "--service", "visits", timeout=600).ok()
        others = [name for name in services() if name not in ("late", "tools")]
        stack.run("docker", "compose", "up", "--detach", "--no-build", *others, timeout=180).ok()
        stack.run("docker", "compose", "pause", "held").ok()
        wait_until(lambda: rows(stack)["ill"]["state"] == "unhealthy", seconds=60, what="an unhealthy service")
        yield made


def rows(stack: Stack) -> dict[str, dict[str, Any]]:
    """status --json by service, the first container of each."""
    found = json.loads(stack.ddd("status", "--json", timeout=60).ok().out)
    return {row["service"]: row for row in reversed(found)}


def compose(stack: Stack, *words: str) -> None:
    stack.run("docker", "compose", *words, timeout=120).ok()


def test_a_healthy_service(example: Example) -> None:
    row = rows(example.stack)["visits"]
    port = example.url.rstrip("/").rpartition(":")[2]
    assert (row["state"], row["stage"], row["reload"], row["failed"]) == ("healthy", "dev", "uvicorn", False)
    assert row["urls"] == [example.url.rstrip("/")]
    assert [one for one in row["ports"] if one.startswith(f"{port}->")]
    assert row["age_seconds"] > 0
    assert row["memory_bytes"] > 1 << 20
    assert row["cpu_percent"] is not None


def test_those_that_are_not_well(example: Example) -> None:
    found = rows(example.stack)
    ill, done = found["ill"], found["done"]
    assert (ill["state"], ill["failed"]) == ("unhealthy", True)
    assert ill["last_lines"][-1] == "health check: status 1, no database"
    assert (done["state"], done["failed"], done["age_seconds"], done["memory_bytes"]) == (
        "exited (3)",
        True,
        None,
        None,
    )
    assert sorted(done["last_lines"]) == ["TOKEN=***", "one", "two \033[31mred"]
    assert (found["held"]["state"], found["held"]["failed"]) == ("paused", False)
    assert found["held"]["age_seconds"] > 0


def test_logs_of_other_kinds(example: Example) -> None:
    found = rows(example.stack)
    assert found["shown"]["last_lines"] == ["on a terminal"]
    assert [line[:8] for line in found["mute"]["last_lines"]] == ["no log: "]


def test_one_that_is_started_again_and_again(example: Example) -> None:
    found = wait_until(lambda: _restarting(example.stack), seconds=60, what="a service between two starts")
    assert found["failed"]
    assert found["state"].endswith(("restart", "restarts"))
    assert found["last_lines"][-1] == "again"


def _restarting(stack: Stack) -> dict[str, Any] | None:
    row = rows(stack)["loop"]
    return row if row["state"].startswith("restarting (4), ") else None


def test_those_that_never_ran(example: Example) -> None:
    found = rows(example.stack)
    assert (found["late"]["state"], found["late"]["container"]) == ("not started", None)
    assert found["tools"]["state"] == "not started (profile extra)"


def test_ports_that_are_not_http(example: Example) -> None:
    row = rows(example.stack)["db"]
    assert sorted(url.partition(":")[0] for url in row["urls"]) == ["postgresql", "udp"]
    assert sorted(port.rpartition(">")[2] for port in row["ports"]) == ["5432", "7000", "9000/udp"]
    assert "7000" in row["ports"]


def test_elsewhere_it_is_one_plain_table(example: Example) -> None:
    """--watch as well: nothing there can be drawn anew."""
    out = example.stack.ddd("status", "--watch", timeout=60).ok().out
    head, *lines = out.splitlines()
    assert head.split()[:5] == ["SERVICE", "STATE", "AGE", "URL", "PORTS"]
    names = [line.split()[0] for line in lines[: lines.index("")]]
    assert sorted(names) == sorted({*services(), "visits", "pair-1", "pair-2"} - {"pair"})
    assert "\033[31mev" not in out.partition("\n\n")[0]


def test_a_debugger_that_was_brought(example: Example) -> None:
    attach(example.stack, "--service", "visits")
    assert rows(example.stack)["visits"]["debugger"] == "attached"
    example.stack.ddd("debug.detach", "--service", "visits", timeout=120).ok()
    assert rows(example.stack)["visits"]["debugger"] is None


def test_a_prometheus_that_scrapes(example: Example) -> None:
    example.stack.ddd("monitor.up", timeout=400).ok()
    try:
        wait_until(lambda: rows(example.stack)["visits"]["metrics"] == "up", seconds=90, what="a scrape")
    finally:
        example.stack.ddd("monitor.down", "--volumes", timeout=120).ok()
    assert rows(example.stack)["visits"]["metrics"] is None


@contextmanager
def watching(stack: Stack, columns: int, **env: str) -> Iterator[pexpect.spawn[str]]:
    """status --watch on a terminal of so many columns."""
    live = stack.spawn(
        *support.ddd_argv("status", "--watch"), size=(50, columns), env={"NO_COLOR": "1", **env}, timeout=60
    )
    try:
        yield live
    finally:
        live.close(force=True)


def _plain(line: str) -> str:
    """Without what moves the cursor."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line).rstrip()


@pytest.mark.parametrize(
    ("columns", "head"),
    [(60, "service state url cpu"), (120, "service state age url stage reload debugger metrics cpu memory")],
)
def test_a_terminal_of_some_columns(example: Example, columns: int, head: str) -> None:
    with watching(example.stack, columns) as live:
        live.expect(r"visits +healthy[^\n]* \d+\.\d %")  # a second look: the first one has no rates
        live.expect(r"service[^\n]*state")  # bold, word by word
        head_of_a_screen = str(live.after)
        live.expect(r"service[^\n]*state")  # bold, word by word
        lines = (head_of_a_screen + str(live.before)).replace("\r", "").splitlines()
        live.sendintr()
        live.expect("interrupted")
        live.wait()
    assert live.exitstatus == ExitCode.INTERRUPTED
    shown = [_plain(line) for line in lines]
    assert head.split() == shown[0].split()
    assert [line for line in shown if len(line) > columns] == []
    assert "health check: status 1, no database" in "\n".join(shown)
    assert "\033[31m" not in "\n".join(lines)
    assert "two \\x1b[31mred" in "\n".join(shown)


def test_json_again_and_again(example: Example) -> None:
    watching = example.stack.popen(*support.ddd_argv("status", "--watch", "--json"), stdout=subprocess.PIPE)
    try:
        assert watching.stdout
        lines = [watching.stdout.readline() for _ in range(2)]
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    assert watching.returncode == ExitCode.INTERRUPTED
    for line in lines:
        found = {row["service"]: row["state"] for row in json.loads(line)}
        assert (found["visits"], found["late"]) == ("healthy", "not started")


def test_services_come_and_go(example: Example) -> None:
    with watching(example.stack, 120) as live:
        live.expect(r"late +not started")
        compose(example.stack, "up", "--detach", "--no-build", "--no-deps", "late")
        live.expect(r"late +running")
        compose(example.stack, "rm", "--stop", "--force", "late")
        live.expect(r"late +not started")
        assert live.isalive()


def test_the_engine_ends(example: Example, tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    proxy = Proxy(path)
    with watching(example.stack, 120, DOCKER_HOST=f"unix://{path}") as live:
        live.expect(r"visits +healthy[^\n]* \d+\.\d %")
        proxy.end()
        live.expect("error: ")
        live.expect(pexpect.EOF)
        said = str(live.before)
        live.wait()
    assert live.exitstatus == ExitCode.ENGINE
    assert "Traceback" not in said


def test_an_engine_that_says_nothing(example: Example, tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen(64)
        refusal = example.stack.ddd("status", env={"DOCKER_HOST": f"unix://{path}"}, timeout=60)
    assert refusal.status == ExitCode.ENGINE
    assert f"the engine at unix://{path} does not answer" in refusal.err
    assert "it has said nothing for 10 s" in refusal.err
