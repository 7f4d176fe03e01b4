"""debug.up and debug.down: a service under the debugger of its debug stage, and back."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.engine.api import Engine
from tests import support
from tests.debugging import attach, client, line_of, stop_of, visitors, waiting
from tests.examples import SERVICE, Example, example_of
from tests.support import Stack

pytestmark = pytest.mark.usefixtures("bases")


LINES = {"python": 'return {"service"', "node": "JSON.stringify(value)"}
# A line that runs once, at the start, and its file.
ONCE = {"python": ("app/main.py", "app = create_app("), "node": ("src/server.js", "const signal of")}


def debug_up(stack: Stack, *words: str) -> dict[str, Any]:
    return attach(stack, *words, task="debug.up")


def state(stack: Stack, service: str = SERVICE) -> dict[str, Any]:
    rows = json.loads(stack.ddd("dev.ps", "--json").ok().out)
    return next((dict(row) for row in rows if row["service"] == service), {})


def container(stack: Stack, service: str = SERVICE) -> str:
    return stack.run("docker", "compose", "ps", "--all", "--quiet", service).ok().out.strip()


@pytest.mark.parametrize("name", LINES)
def test_up_and_back(name: str, engine: Engine) -> None:
    with example_of(languages.get(name)) as example:
        stack = example.stack
        stack.ddd("dev.up", timeout=600).ok()
        said = debug_up(stack)
        there = container(stack)
        _is_published_here_alone(example, engine, said)
        assert said["pathMappings"] == [{"localRoot": str(stack.directory), "remoteRoot": "/app"}]
        assert stack.ddd("dev.exec", "--", "pwd").ok().out == "/app\n"
        _stops_at(example, LINES[name], said)
        assert container(stack) == there

        assert f"would bring back from the debug stage: {SERVICE}" in stack.ddd("--dry", "debug.down").ok().err
        assert container(stack) == there
        assert f"\nback from the debug stage: {SERVICE}" in f"\n{stack.ddd('debug.down').ok().err}"
        _is_back(example)
        assert stack.run("docker", "images", "--quiet", f"{stack.name}-{SERVICE}:debug").out == ""
        assert "no service here" in stack.ddd("debug.down").ok().err

        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            taken = holder.getsockname()[1]
            stack.write({".ddd/debug.json": json.dumps({"ports": {SERVICE: taken}})})
            said = debug_up(stack, "--wait")
            assert said["port"] != taken
        assert debug_up(stack, "--wait") == said, "it stands, and is left as it is"
        source = stack.directory / ONCE[name][0]
        place = str(source), line_of(source, ONCE[name][1])
        with waiting(said, *place) as debugger:
            assert stop_of(debugger).place == place
        example.wait_for(SERVICE)

        stack.ddd("dev.up").ok()
        _is_back(example)
        stack.ddd("dev.clean").ok()
        assert stack.run("docker", "images", "--quiet", f"{stack.name}-{SERVICE}").out == ""


def _is_published_here_alone(example: Example, engine: Engine, said: Mapping[str, Any]) -> None:
    shown = state(example.stack)
    assert (shown["stage"], shown["health"], shown["urls"]) == ("debug", "healthy", [example.url.rstrip("/")])
    info = engine.get(f"/containers/{container(example.stack)}/json")
    debug = languages.get(said["language"]).debug
    assert debug
    bound = [{"HostIp": "127.0.0.1", "HostPort": str(said["port"])}]
    assert info["NetworkSettings"]["Ports"][f"{debug.port}/tcp"] == bound


def _stops_at(example: Example, text: str, said: dict[str, Any]) -> None:
    """A breakpoint by host path is hit; a program that stands still is left as it is."""
    line = line_of(example.source, text)
    with client(said) as debugger, visitors(example.url):
        debugger.set_breakpoints(str(example.source), {line: ""})
        stop = stop_of(debugger)
        assert stop.place == (str(example.source), line)
        assert debug_up(example.stack) == said
        debugger.set_breakpoints(str(example.source), {})
        debugger.resume(stop)


def _is_back(example: Example) -> None:
    assert state(example.stack)["stage"] == "dev"
    assert example.answer()["service"] == SERVICE
    assert not (example.stack.directory / ".ddd" / "compose" / "debug.yaml").exists()


def test_csharp_is_debugged_through_docker_exec(engine: Engine) -> None:
    """The debug stage is one without netcoredbg, which GitHub has: what starts it is said, and was not run."""
    with example_of(languages.get("csharp")) as example:
        stack, compose = example.stack, example.stack.directory / "compose.yaml"
        more = 'target: dev\n      args: {NETCOREDBG: ""}\n    read_only: true\n    tmpfs: [/tmp]'
        stack.write({"compose.yaml": compose.read_text().replace("target: dev", more)})
        refused = stack.ddd("debug.up", "--wait")
        assert refused.status == 65
        assert "--wait is not supported for csharp" in refused.err

        up = stack.ddd("debug.up", timeout=600).ok()
        assert f"which builds the program: read_only of service {SERVICE!r}" in up.err
        info = engine.get(f"/containers/{container(stack)}/json")
        assert not info["HostConfig"]["ReadonlyRootfs"]
        name = info["Name"].lstrip("/")
        program = "/opt/netcoredbg/netcoredbg"
        assert up.out == f"{SERVICE}: coreclr through `docker exec -i {name} {program} --interpreter=vscode`\n"
        said = debug_up(stack)
        assert (said["host"], said["port"], said["protocol"]) == (name, 0, "dap")
        assert said["pathMappings"] == [{"localRoot": str(stack.directory), "remoteRoot": "/app"}]
        assert example.answer()["service"] == SERVICE
        stack.ddd("debug.down").ok()
        assert container(stack) == ""


FILES = {
    "compose.yaml": """\
services:
  api:
    build: {context: ., target: dev}
    x-ddd: {language: python}
    command: [sleep, "1001"]
    depends_on: [db]
    init: true
    stop_grace_period: 0s
  lame:
    build: {context: ., target: dev, dockerfile: Lame}
    x-ddd: {language: python}
  db:
    image: IMAGE
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
""",
    "Dockerfile": """\
FROM python:3.13-slim-trixie AS dev
WORKDIR /app
COPY . .
FROM dev AS debug
CMD ["python3", "-m", "listener", "a b"]
""",
    "Lame": "FROM python:3.13-slim-trixie AS dev\nFROM dev AS test\n",
    "listener.py": """\
import socket, sys
listener = socket.create_server(("0.0.0.0", 5678))
__import__("time").sleep(1000)
""",
}


def test_the_debug_stages_command_and_what_cannot_be_debugged(
    stack: Callable[[Mapping[str, str]], Stack], engine: Engine
) -> None:
    image = support.base("python:3.13-slim-trixie")
    project = stack({**FILES, "compose.yaml": FILES["compose.yaml"].replace("IMAGE", image)})
    up = project.ddd("debug.up", "--service", "api").ok()
    assert "not in force while the debug stage runs" in up.err
    assert "command of service 'api' in compose.yaml" in up.err
    assert "api: debugpy on 127.0.0.1:" in up.out
    words = engine.get(f"/containers/{container(project, 'api')}/json")["Config"]["Cmd"]
    assert words == ["python3", "-m", "listener", "a b"]
    db = container(project, "db")

    refused = project.ddd("debug.up", "--service", "api", "--wait")
    assert refused.status == 65
    assert "python3 -m listener a b" in refused.err
    assert "try: ddd debug.up --service api\n" in refused.err
    assert state(project, "api")["stage"] == "debug"

    refused = project.ddd("debug.up", "--service", "lame")
    assert refused.status == 78
    assert "valid: dev, test" in refused.err
    assert "try: ddd debug.attach --service lame\n" in refused.err
    refused = project.ddd("debug.up", "--service", "db")
    assert refused.status == 65
    assert "it is not built here" in refused.err

    # It did not run before: it goes again, and what it depends on stays.
    project.ddd("debug.down", "--service", "api").ok()
    assert container(project, "api") == ""
    assert container(project, "db") == db
    project.ddd("dev.clean").ok()
