"""debug.check on a Python service in its debug stage: the hit, and each link that can be broken; and the fixtures."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ddd_tasks.debugging.clients import dap
from ddd_tasks.debugging.clients.mapped import MappedClient
from ddd_tasks.debugging.clients.transport import Program
from ddd_tasks.language import PathMapping
from ddd_tasks.languages.python import PYTHON
from tests import support
from tests.debugging import line_of, processes, stop_of
from tests.examples import SERVICE, Example, example_of
from tests.support import Ran, Stack

pytestmark = pytest.mark.usefixtures("bases")

FILE = "app/main.py"
SAID = 'return {"service"'
HARDENED = """
  hardened:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1::8000"]
  mute:
    build: {context: ., target: prod}
    command:
      - python
      - -c
      - "import socket as s; one = s.create_server(('', 5678)); [c.close() for c, _ in iter(one.accept, None)]"
    ports: ["127.0.0.1::5678"]
    healthcheck: {disable: true}
"""
# Runs under debugpy in the container until a debugger has it end.
PROGRAM = """import time

left = 10000
while left:
    left -= 1
    time.sleep(0.05)
"""
USERS_TEST = """\
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from ddd_tasks.testing import EvaluationError

FILE = str(Path("app/main.py").resolve())


def test_a_visit(debugger):
    api = debugger("visits")
    assert api.set_breakpoints(FILE, {LINE: "store is not None"})[0].is_verified
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(urlopen, "URL")
        stop = api.wait_for_stop(10)
        assert stop.place == (FILE, LINE)
        assert api.evaluate("store.visit.__name__", stop.frames[0]) == "'visit'"
        assert "MemoryStore" in api.variables(stop.frames[0])["store"]
        with pytest.raises(EvaluationError, match="nothing"):
            api.evaluate("nothing", stop.frames[0])
        api.resume(stop)
        assert answer.result().status == 200


def test_the_breakpoint_of_the_test_before_is_gone(debugger):
    debugger("visits")
    assert urlopen("URL", timeout=5).status == 200
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Example]:
    with example_of(PYTHON) as example:
        compose = example.stack.directory / "compose.yaml"
        compose.write_text(compose.read_text().rstrip() + "\n" + HARDENED)
        example.stack.write({"program.py": PROGRAM})
        for service in ("hardened", "mute"):
            example.stack.ddd("dev.up", "--service", service, timeout=600).ok()
        example.stack.ddd("debug.up", "--service", SERVICE, timeout=600).ok()
        yield example


@pytest.fixture
def line(running: Example) -> int:
    return line_of(running.source, SAID)


def check(example: Example, *words: str, **options: Any) -> Ran:
    named = () if "--service" in words else ("--service", SERVICE)
    return example.stack.ddd("debug.check", *named, *words, **options)


def refused(ran: Ran, link: str) -> dict[str, Any]:
    """What --json says of a check that failed at this link; the example answers nothing else."""
    told: dict[str, Any] = json.loads(ran.out)
    assert (ran.status, told["exit_code"], told["link"]) == (1, 1, link), ran.out
    return told


def test_a_hit_with_expectations(running: Example, line: int) -> None:
    expected = ["type(store).__name__ == 'MemoryStore'", "__name__ == app.main", '"a" + "b" == "ab"']
    words = [word for one in expected for word in ("--expect", one)]
    ran = check(running, "--break", f"main.py:{line}", "--request", "/", *words, cwd="app").ok()
    shown = ran.out.splitlines()
    assert shown[:3] == [f"hit main.py:{line}", "stack", f"  root  main.py:{line}"]
    assert any(row.startswith("  store = <app.store.MemoryStore") for row in shown)
    assert [row.strip() for row in shown[-3:]] == [f"true  {one}" for one in expected]

    ran = check(running, "--break", f"{FILE}:{line}", "--request", running.url, "--json").ok()
    told = json.loads(ran.out)
    facts = {"service": "visits", "file": str(running.source), "line": line, "hit": True, "link": None}
    assert facts.items() <= told.items()
    assert told["stack"][0] == {"name": "root", "path": str(running.source), "line": line}
    assert running.answer()["service"] == "visits"


def test_a_command_reaches_the_line_and_is_ended(running: Example, line: int) -> None:
    visit = f"import time, urllib.request as r; print(r.urlopen({running.url!r}).status, flush=True); time.sleep(60)"
    command = shlex.join([sys.executable, "-c", visit])
    ran = check(running, "--break", f"{FILE}:{line}", "--run", command, timeout=40).ok()
    assert ran.err.splitlines()[-1] == "200"
    assert not running.stack.run("pgrep", "-f", visit[:40]).out


def test_expectations_that_are_not_true(running: Example, line: int) -> None:
    words = ("--expect", "__name__ == main", "--expect", "nothing == 1", "--expect", "1 + 1 == 2")
    told = refused(check(running, "--break", f"{FILE}:{line}", "--request", "/", *words, "--json"), "expectation")
    assert told["hit"] is True
    assert "2 of 3 expectations" in told["error"]
    assert "__name__ is 'app.main', not main" in told["cause"]
    assert "nothing cannot be evaluated: NameError" in told["cause"]
    assert [one["is_true"] for one in told["expectations"]] == [False, False, True]
    assert told["expectations"][0] == {
        "expression": "__name__", "wanted": "main", "got": "'app.main'", "is_true": False}  # fmt: skip


def test_a_mapping_to_where_nothing_is(running: Example, line: int) -> None:
    wanted = ("--break", f"{FILE}:{line}", "--request", "/")
    told = refused(check(running, *wanted, "--map", ".=/srv", "--json"), "mapping")
    assert f"{FILE} is not /srv/{FILE}" in told["error"]
    assert f"the mapping in use: {running.stack.directory} is /srv" in told["cause"]
    assert f"the file that exists: /app/{FILE}" in told["cause"]
    hint = shlex.split(told["try"])
    assert hint[-2:] == ["--map", ".=/app"]
    running.stack.ddd(*hint[1:]).ok()


def test_a_mapping_to_a_copy_that_does_not_run(running: Example, line: int) -> None:
    running.stack.ddd("dev.exec", "--user", "0", "--", "cp", "-r", "/app", "/tmp/copy").ok()
    words = ("--break", f"{FILE}:{line}", "--request", "/", "--map", ".=/tmp/copy", "--timeout", "1", "--json")
    told = refused(check(running, *words), "mapping")
    assert "the program has not loaded that file" in told["cause"]
    assert f"the file that exists: /app/{FILE}" in told["cause"]


def test_lines_that_are_not_executable(running: Example, line: int) -> None:
    told = refused(check(running, "--break", f"{FILE}:{line + 1}", "--request", "/", "--json"), "line")
    assert told["hit"] is False
    assert f"line {line + 1} of {FILE} is not executable" in told["error"]
    assert f"the nearest lines with code: {line} and {line + 2}" in told["cause"]


def test_lines_that_are_not_hit_in_time(running: Example, line: int) -> None:
    words = ("--timeout", "1", "--json")
    told = refused(check(running, "--break", f"{FILE}:{line}", "--request", "/health", *words), "hit")
    assert "was not hit within 1 s" in told["error"]
    assert f"GET {running.url}health was answered with status 200" in told["cause"]

    once = line_of(running.source, "app = create_app")
    told = refused(check(running, "--break", f"{FILE}:{once}", "--request", "/nothing", *words), "hit")
    assert "was answered with status 404" in told["cause"]
    assert "runs only while its file is loaded" in told["cause"]
    assert told["try"] == "ddd debug.up --service visits --wait"

    by_hand = check(running, "--break", f"{FILE}:{line}", "--timeout", "0.5")
    assert by_hand.status == 1
    assert f"waiting up to 0.5 s for the program to reach {FILE}:{line}" in by_hand.err


def test_a_dry_run_does_nothing(running: Example, line: int) -> None:
    stack, before = running.stack, processes(f"{running.stack.name}-hardened-1")
    words = ("debug.check", "--service", "hardened", "--break", f"{FILE}:{line}", "--expect", "1 + 1 == 2")
    told = stack.ddd("--dry", *words, "--run", "touch made")
    told.ok()
    shown = told.out + told.err
    assert "docker run" in shown
    assert f"breakpoint on {FILE}:{line}" in shown
    assert "touch made" in shown
    assert "1 + 1" in shown
    assert not (stack.directory / "made").exists()
    assert processes(f"{stack.name}-hardened-1") == before
    assert "curl http://127.0.0.1:" in stack.ddd("--dry", *words, "--request", "/health").ok().err


def test_what_listens_and_is_no_debugger(running: Example, line: int) -> None:
    told = refused(check(running, "--service", "mute", "--break", f"{FILE}:{line}", "--json"), "listening")
    assert "does not answer when greeted" in told["error"]
    ran = check(running, "--service", "mute", "--break", f"{FILE}:{line}")
    assert ran.err.splitlines()[1] == "broken link: listening"


def test_an_adapter_through_docker_exec(running: Example) -> None:
    """The transport that C# needs, with a debugger that can be had here."""
    container, source = f"{running.stack.name}-{SERVICE}-1", running.stack.directory / "program.py"
    start = "until python -m debugpy --connect 127.0.0.1:7001 /app/program.py; do sleep 0.1; done 2>/dev/null"
    program = support.popen("docker", "exec", container, "sh", "-c", start)
    argv = ["docker", "exec", "-i", container, "python", "-m", "debugpy.adapter"]
    arguments = {"listen": {"host": "127.0.0.1", "port": 7001}}
    try:
        inner = dap.attach(lambda: Program(argv), arguments, timeout=20)
        with closing(MappedClient(inner, [PathMapping(running.stack.directory, "/app")])) as client:
            last = line_of(source, "time.sleep")
            assert client.set_breakpoints(str(source), {last: ""})[0].is_verified
            stop = stop_of(client)
            assert stop.place == (str(source), last)
            client.set_breakpoints(str(source), {})
            client.evaluate("globals().update(left=20)", stop.frames[0])
            client.resume(stop)
        assert support.end_of(program) == 0
    finally:
        support.kill_group(program)
    support.wait_until(lambda: "python -m debugpy.adapter" not in processes(container), what="the end of the adapter")


def test_a_file_that_no_mapping_holds(running: Example) -> None:
    ran = check(running, "--break", f"{__file__}:1", "--request", "/")
    assert ran.status == 78
    assert "is in no folder that the debugger knows" in ran.err
    assert f"valid: {running.stack.directory} (as /app)" in ran.err


def test_the_fixture_in_a_users_test(running: Example, line: int) -> None:
    text = USERS_TEST.replace("LINE", str(line)).replace("URL", running.url)
    running.stack.write({"conftest.py": 'pytest_plugins = ["ddd_tasks.testing"]\n', "test_debug.py": text})
    ran = running.stack.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_debug.py")
    assert ran.status == 0, ran.out
    assert "2 passed" in ran.out


def test_a_hardened_service_without_a_debugger_stays_as_it_was(running: Example, line: int) -> None:
    stack = running.stack
    before = _state(stack)
    words = ("--service", "hardened", "--break", f"{FILE}:{line}", "--request", "/", "--expect", "__name__ == app.main")
    check(running, *words, timeout=300).ok()
    assert _state(stack) == before
    assert stack.ddd("debug.detach").ok().err.startswith("no debugger was brought")


def _state(stack: Stack) -> tuple[str, ...]:
    """When the hardened container was started, from what image, what changed in it, and its processes."""
    name = f"{stack.name}-hardened-1"
    facts = stack.run("docker", "inspect", "--format", "{{.State.StartedAt}} {{.Image}} {{.RestartCount}}", name).ok()
    changes = stack.run("docker", "diff", name).ok()
    return facts.out, changes.out, *processes(name)
