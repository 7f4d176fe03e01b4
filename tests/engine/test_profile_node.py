"""Profiles of a Node.js service as it runs in production: without rights, and without a profiler in its image."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from tests import profiling, speedscope_schema, support
from tests.support import Stack

# Both spin for so long on the CPU's own clock: hot has three quarters of the time.
PROGRAM = """\
const kept = [];
let sum = 0; // what nobody reads is not computed

function spent() {
  const { user, system } = process.cpuUsage(); // the kernel is exact about both together only
  return (user + system) / 1000;
}

function hot(milliseconds) {
  for (const end = spent() + milliseconds; spent() < end; ) {
    for (let i = 0; i < 300000; i++) sum = (sum + (i ^ sum)) | 0; // the planted line
  }
}

function mild(milliseconds) {
  for (const end = spent() + milliseconds; spent() < end; ) {
    for (let i = 0; i < 300000; i++) sum = (sum + (i ^ sum)) | 0;
  }
}

function leak() {
  kept.push(new Array(1000).fill(kept.length));
}

setInterval(() => {
  const secret = 42;
  hot(30);
  mild(10);
  if (process.argv.includes("--leak")) leak();
}, 0);
"""
PLANTED = 0.75
# What tsc makes of src/typed.ts, whose third line spins; the map has one segment for each line.
TYPED = (
    "interface Wanted { ms: number }\nfunction spin(wanted: Wanted): void {\n  const end = Date.now() + wanted.ms;\n"
)
TYPED += "  while (Date.now() < end) ;\n}\nsetInterval(() => spin({ ms: 40 }), 0);\n"
COMPILED = "function spin(wanted) {\n  const end = Date.now() + wanted.ms;\n  while (Date.now() < end) ;\n}\n"
COMPILED += "setInterval(() => spin({ ms: 40 }), 0);\n//# sourceMappingURL=typed.js.map\n"
MAP = {"version": 3, "sources": ["../src/typed.ts"], "names": [], "mappings": "AACA;EACE;EACA;AACF;AACA"}
DOCKERFILE = """\
FROM node:24-trixie-slim AS prod
WORKDIR /app
COPY src ./src
COPY dist ./dist
USER 10001:10001
CMD ["node", "/app/src/main.js", "--password=hunter2"]
"""
HARDENED = {**profiling.HARDENED, "x-ddd": {"language": "node"}}


def running(*words: str) -> dict[str, Any]:
    return {**HARDENED, "command": ["node", *words]}


SERVICES = {
    "api": {**HARDENED, "cpus": 0.5},
    "typed": {**running("dist/typed.js"), "cpus": 0.2},
    "leaky": {**running("src/main.js", "--leak"), "cpus": 0.2, "mem_limit": "512m"},
    "idle": running("-e", "setInterval(() => {}, 1 << 30)"),
    "deaf": running("--disable-sigusr1", "-e", "setInterval(() => {}, 1 << 30)"),
    "open": {**running("--inspect", "src/main.js"), "cpus": 0.2},
    "taken": running("-e", "require('node:net').createServer().listen(9229, '127.0.0.1')"),
    "beside": {**running("-e", "setInterval(() => {}, 1 << 30)"), "network_mode": "service:taken"},
    "brief": running("-e", "setInterval(() => {}, 100)"),
}
INSPECTOR = ":240D"  # port 9229 in /proc/net/tcp


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    made = support.make_stack(
        {
            "src/main.js": PROGRAM,
            "src/typed.ts": TYPED,
            "dist/typed.js": COMPILED,
            "dist/typed.js.map": json.dumps(MAP),
            "Dockerfile": DOCKERFILE,
            "compose.yaml": json.dumps({"services": SERVICES}),
        }
    )
    try:
        made.ddd("dev.up", timeout=300).ok()
        yield made
    finally:
        made.down()


def profiled(stack: Stack, service: str, *words: str, task: str = "profile.cpu") -> Any:
    return json.loads(stack.ddd(task, "--service", service, *words, "--json", timeout=600).ok().out)


def state(stack: Stack, engine: Engine, service: str = "api") -> tuple[Any, Any, bool]:
    return (*profiling.state(stack, engine, service), listens(stack, service))


def listens(stack: Stack, service: str) -> bool:
    """Whether an inspector listens in the service's network namespace."""
    rows = stack.run("docker", "exec", f"{stack.name}-{service}-1", "cat", "/proc/net/tcp", "/proc/net/tcp6").ok()
    return any(f"{INSPECTOR} " in row and " 0A " in row for row in rows.out.splitlines())


def test_the_planted_function_comes_first_with_its_line_here(stack: Stack, engine: Engine) -> None:
    before = state(stack, engine)
    said = profiled(stack, "api", "--seconds", "6")
    first = said["hottest"][0]
    assert (first["function"], first["path"]) == ("hot", str(stack.directory / "src" / "main.js"))
    assert first["line"] in (10, 11)
    assert abs(first["total"] - PLANTED) < 0.1, said["hottest"]
    assert state(stack, engine) == before
    assert profiling.beside(stack) == []
    folder = Path(said["folder"])
    names = {"profile.cpuprofile", "speedscope.json", "folded.txt", "flamegraph.html", "meta.json"}
    assert {file.name for file in folder.iterdir()} == names
    assert "hunter2" not in "".join(file.read_text() for file in folder.iterdir())
    assert said["command"][-1] == "--password=***"
    speedscope_schema.check(json.loads((folder / "speedscope.json").read_text()))


def test_typescript_is_told_by_its_source(stack: Stack) -> None:
    first = profiled(stack, "typed", "--seconds", "2")["hottest"][0]
    assert (first["function"], first["path"]) == ("spin", str(stack.directory / "src" / "typed.ts"))
    assert first["line"] == 4


def test_what_holds_on_to_memory_comes_first(stack: Stack) -> None:
    said = profiled(stack, "leaky", "--seconds", "3", task="profile.memory")
    assert any(one["function"] == "leak" for one in said["hottest"][:2]), said
    assert said["unit"] == "bytes"
    assert not listens(stack, "leaky")


def test_the_calls_of_this_moment(stack: Stack) -> None:
    said = stack.ddd("profile.dump", "--service", "api", "--locals").ok().out
    assert f"({stack.directory}/src/main.js:" in said
    assert "secret = 42" in said
    assert "thread main: waits" in stack.ddd("profile.dump", "--service", "idle").ok().out


def test_an_inspector_that_is_in_use_stays(stack: Stack) -> None:
    """One that the program itself has opened, and one of a debugger that is attached."""
    profiled(stack, "open", "--seconds", "1")
    assert listens(stack, "open")
    stack.ddd("debug.attach", "--service", "api", timeout=300).ok()
    profiled(stack, "api", "--seconds", "1")
    assert listens(stack, "api")
    stack.ddd("debug.detach", "--service", "api").ok()
    assert not listens(stack, "api")


def test_ctrl_c_ends_it_early_and_keeps_what_was_sampled(stack: Stack) -> None:
    before = profiling.folders(stack, "api")
    terminal = stack.spawn(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"), size=(24, 100))
    terminal.expect("sample api, 120 s at 100 Hz.*━")
    time.sleep(3)
    terminal.kill(signal.SIGINT)
    terminal.expect(r"hot +src/main\.js:(10|11)")
    terminal.wait()
    assert terminal.exitstatus == 0
    (made,) = set(profiling.folders(stack, "api")) - set(before)
    assert 0 < json.loads((made / "meta.json").read_text())["seconds"] < 30
    assert (profiling.beside(stack), listens(stack, "api")) == ([], False)


def test_sigterm_ends_it_and_closes_the_inspector(stack: Stack) -> None:
    before = profiling.folders(stack, "api")
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"))
    support.wait_until(lambda: listens(stack, "api"), what="the inspector")
    process.terminate()
    assert support.end_of(process) == 128 + 15
    assert (profiling.folders(stack, "api"), listens(stack, "api")) == (before, False)
    support.wait_until(lambda: not profiling.beside(stack), what="the end of its container")


def test_a_task_that_is_killed_leaves_the_inspector_closed(stack: Stack) -> None:
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"))
    support.wait_until(lambda: listens(stack, "api"), what="the inspector")
    support.kill_group(process)
    support.end_of(process)
    support.wait_until(
        lambda: not listens(stack, "api") and not profiling.beside(stack), what="the end of what it has begun"
    )


@pytest.mark.parametrize(
    ("service", "words", "status", "said"),
    [
        ("idle", ("--seconds", "1"), 75, "nothing was sampled: service 'idle' was idle"),
        ("deaf", ("--seconds", "1"), 65, "--disable-sigusr1"),
        ("taken", ("--seconds", "1"), 65, "does not answer as an inspector does"),
        ("beside", ("--seconds", "1"), 65, "9229"),
        ("api", ("--native",), 65, "--native is not supported for node"),
    ],
)
def test_a_refusal_leaves_no_folder(stack: Stack, service: str, words: tuple[str, ...], status: int, said: str) -> None:
    before = profiling.folders(stack, service)
    ran = stack.ddd("profile.cpu", "--service", service, *words)
    assert (ran.status, profiling.folders(stack, service)) == (status, before)
    assert said in ran.err


def test_a_service_that_ends_meanwhile_leaves_no_folder(stack: Stack) -> None:
    profiling.ends_meanwhile(stack, "brief")
