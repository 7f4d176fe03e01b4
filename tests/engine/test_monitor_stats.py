"""monitor.stats: containers that use a known share of a processor and a known amount of memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ddd_tasks.errors import ExitCode
from tests import support
from tests.support import Stack, wait_until

HELD = 100 << 20
SHARE = 0.25  # of a processor; what other tests leave free is more than that
# Killed for want of memory is a child: the service itself runs on.
GREEDY = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'bytearray(200 << 20)']); time.sleep(600)"


def compose() -> str:
    def service(code: str, **more: Any) -> dict[str, Any]:
        base = {"image": support.base("python:3.13-slim-trixie"), "init": True, "network_mode": "none"}
        return {**base, "command": ["python3", "-c", code], **more}

    services = {
        "burn": service("while True: pass", cpus=SHARE),
        "hold": service(f"import time; held = bytearray(b'x') * {HELD}; time.sleep(600)", mem_limit="256m"),
        "greedy": service(GREEDY, mem_limit="32m", memswap_limit="32m"),
        "job": service("raise SystemExit(3)"),
    }
    return json.dumps({"services": services})


@pytest.fixture(scope="module")
def measured(bases: None) -> Iterator[Stack]:
    stack = support.make_stack({"compose.yaml": compose()})
    try:
        before = stack.ddd("monitor.stats")
        assert (before.status, "try: ddd dev.up" in before.err) == (ExitCode.NOT_RUNNING, True)
        stack.run("docker", "compose", "up", "--detach", timeout=120).ok()
        yield stack
    finally:
        stack.down()


def stats(stack: Stack, *words: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(stack.ddd("monitor.stats", "--json", *words, timeout=30).ok().out)
    return {row["service"]: row for row in rows}


def test_a_known_share_of_a_processor_and_known_memory_are_shown(measured: Stack) -> None:
    wait_until(lambda: (stats(measured)["hold"]["memory_bytes"] or 0) >= HELD, what="the memory")
    about = pytest.approx(100 * SHARE, abs=3)
    found = wait_until(lambda: [now for now in [stats(measured)] if now["burn"]["cpu_percent"] == about])[0]
    assert found["burn"]["memory_limit_bytes"] is None
    assert found["hold"]["cpu_percent"] < 5
    assert HELD <= found["hold"]["memory_bytes"] < HELD + (16 << 20)
    assert found["hold"]["memory_limit_bytes"] == 256 << 20
    assert found["hold"]["container"] == f"{measured.name}-hold-1"
    assert found["hold"]["uptime_seconds"] > 0


def test_a_process_without_memory_and_an_end_are_named(measured: Stack) -> None:
    wait_until(lambda: stats(measured)["greedy"]["out_of_memory"], what="the end of the child")
    found = stats(measured)
    assert (found["greedy"]["state"], found["greedy"]["restarts"]) == ("running", 0)
    assert (found["job"]["state"], found["job"]["exit_code"], found["job"]["memory_bytes"]) == ("exited", 3, None)
    table = measured.ddd("monitor.stats").ok().out.splitlines()
    assert table[0].split()[:3] == ["CONTAINER", "CPU", "MEMORY"]
    assert [line.split()[0] for line in table[1:]] == ["burn-1", "greedy-1", "hold-1", "job-1"]
    assert table[2].endswith("out of memory")
    assert table[4].endswith("exited (3)")


def test_one_service_and_one_that_is_not_there(measured: Stack) -> None:
    assert list(stats(measured, "--service", "hold")) == ["hold"]
    ended = measured.ddd("monitor.stats", "--service", "job")
    assert (ended.status, "Exited (3)" in ended.err) == (ExitCode.NOT_RUNNING, True)
    unknown = measured.ddd("monitor.stats", "--service", "hodl")
    assert (unknown.status, "did you mean: hold" in unknown.err) == (ExitCode.CONFIG, True)


def test_a_narrow_terminal_shows_it_live_until_ctrl_c(measured: Stack) -> None:
    live = measured.spawn(*support.ddd_argv("monitor.stats"), size=(24, 60), env={"NO_COLOR": "1"})
    share = r"burn-1 +2\d\.\d %"
    live.expect(share)  # the second look: the first one has no rates
    live.expect(share)
    again = str(live.before)
    live.sendintr()
    live.expect("interrupted")
    live.wait()
    assert live.exitstatus == ExitCode.INTERRUPTED
    assert "\x1b[1A" in again  # back up to the first line: nothing scrolls
    (held,) = [line for line in again.splitlines() if line.startswith("hold-1")]
    assert re.match(r"hold-1 +\d\.\d % +10\d MiB +256 MiB ", held)
    assert len(held) <= 60
