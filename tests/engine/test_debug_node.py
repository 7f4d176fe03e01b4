"""Node.js under a debugger: live in dev and in a hardened prod, in the debug stage, in JavaScript and TypeScript."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks import resources
from ddd_tasks.engine.api import Engine
from ddd_tasks.languages.node import NODE
from ddd_tasks.scaffold.rendering import set_knobs, splice
from tests import support
from tests.debugging import Subject, attach, broken, client, line_of, stop_of, visitors
from tests.examples import by_rename, example_of
from tests.support import Stack

SERVICES = """
  hardened:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1:%d:8000"]
  npm:
    build: {context: ., dockerfile: npm.Dockerfile, target: debug}
    init: true
    volumes: ["./:/app"]
    ports: ["127.0.0.1:%d:8000"]
  deaf:
    build: {context: ., target: prod}
    command: [node, --disable-sigusr1, src/server.js]
  handling:
    build: {context: ., target: prod}
    command: [node, -e, "process.on('SIGUSR1', () => {}); setInterval(() => {}, 1000)"]
    healthcheck: {disable: true}
  taken:
    build: {context: ., target: prod}
    command: [node, --inspect, -e, "child_process.spawn('node', ['src/server.js'], { stdio: 'inherit' })"]
"""
# Every request comes by here.
LINE = 'send(response, status, { type: "application/json"'
INSPECTOR = ":240D"  # port 9229 in /proc/net/tcp


class Project(Subject):
    """The running project of this module."""

    def listens(self, service: str) -> bool:
        """Whether an inspector listens in the service's network namespace."""
        rows = self.stack.run("docker", "exec", self.container(service), "cat", "/proc/net/tcp", "/proc/net/tcp6").ok()
        return any(f"{INSPECTOR} " in row and " 0A " in row for row in rows.out.splitlines())

    def check(self, service: str, *words: str, at: str = "") -> support.Ran:
        place = at or f"src/app.js:{self.line}"
        return self.stack.ddd("debug.check", "--service", service, "--break", place, "--request", "/", *words)


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Instead of conftest's check after each test, since services are made anew here: the module's is as strict."""


@pytest.fixture(scope="module")
def project(engine: Engine, bases: None) -> Iterator[Project]:
    with example_of(NODE) as example:
        stack, ports = example.stack, {name: support.free_port() for name in ("hardened", "npm")}
        compose = stack.directory / "compose.yaml"
        stack.write({"compose.yaml": compose.read_text().rstrip() + SERVICES % tuple(ports.values())})
        variant = (resources.docker() / "node" / "command.Dockerfile").read_text()
        made = splice((stack.directory / "Dockerfile").read_text(), variant)
        stack.write({"npm.Dockerfile": set_knobs(made, {"DEV_APP": "npm run --silent serve"})})
        package = json.loads((stack.directory / "package.json").read_text())
        package["scripts"]["serve"] = "nodemon --exec 'node --enable-source-maps' src/server.js"
        stack.write({"package.json": json.dumps(package)})
        stack.ddd("dev.up", timeout=600).ok()
        yield Project(example, engine, ports, LINE)


def test_live_in_dev_over_a_save_and_a_restart(project: Project) -> None:
    before = project.facts("visits")
    project.check("visits").ok()
    said = attach(project.stack, "--service", "visits")
    with visitors(project.urls["visits"]) as answers, client(said) as debugger:
        (told,) = debugger.set_breakpoints(project.file, {project.line: ""})
        assert (told.is_verified, told.line) == (True, project.line)
        stop = stop_of(debugger)
        assert (stop.reason, *stop.place) == ("breakpoint", project.file, project.line)
        assert debugger.variables(stop.frames[0])["status"] == "200"
        assert project.facts("visits") == before
        # The process that the reloader starts has the breakpoint before its first request.
        debugger.set_breakpoints(project.file, {project.line: 'value.service === "anew"'})
        debugger.resume(stop)
        by_rename(project.example.source, project.example.named("anew"))
        stop = stop_of(debugger)
        assert debugger.evaluate("value.service", stop.frames[0]) == '"anew"'
        debugger.set_breakpoints(project.file, {})
        debugger.resume(stop)
        support.wait_until(lambda: b"anew" in answers[-1], what="an answer of the program after the breakpoint")

    project.stack.run("docker", "compose", "restart", "--timeout", "1", "visits").ok()
    said = attach(project.stack, "--service", "visits")
    with visitors(project.urls["visits"]), client(said) as debugger:
        debugger.set_breakpoints(project.file, {project.line: ""})
        assert stop_of(debugger).place == (project.file, project.line)
    assert project.listens("visits")
    assert [argv for argv in project.processes("visits") if "sidecar" in argv]
    project.stack.ddd("debug.detach", "--service", "visits").ok()
    assert not project.listens("visits")
    assert not [argv for argv in project.processes("visits") if "sidecar" in argv]


def test_live_in_a_hardened_prod(project: Project) -> None:
    before, processes = project.facts("hardened"), project.processes("hardened")
    assert not project.listens("hardened")
    said = attach(project.stack, "--service", "hardened")
    with visitors(project.urls["hardened"]) as answers, client(said) as debugger:
        told = debugger.set_breakpoints(project.file, {project.line: "", 999: ""})
        assert [one.is_verified for one in told] == [True, False]
        stop = stop_of(debugger)
        assert stop.place == (project.file, project.line)
        assert debugger.variables(stop.frames[0])["value"].startswith("{service: ")
        assert debugger.evaluate("value.visits >= 1 && status", stop.frames[0]) == "200"
        # The debugger goes while the program stands, and with clients: it goes on all the same.
        project.stack.ddd("debug.detach", "--service", "hardened").ok()
        count = len(answers)
        support.wait_until(lambda: len(answers) > count + 1, what="answers after the debugger went")
    assert not project.listens("hardened")
    assert project.processes("hardened") == processes
    assert project.facts("hardened") == before
    # It can be opened again, and debug.check proves the same from the command line.
    project.check("hardened", "--expect", "status == 200").ok()
    assert not project.listens("hardened")
    assert project.facts("hardened") == before


def test_links_that_are_broken(project: Project) -> None:
    attach(project.stack, "--service", "hardened")  # not anew for each of these
    wrong = broken(project.check("hardened", "--map", ".=/srv", "--json"), "mapping")
    assert "src/app.js is not /srv/src/app.js" in wrong["error"]
    assert "/srv" in wrong["cause"]
    project.stack.ddd(*shlex.split(wrong["try"])[1:]).ok()
    new = project.example.source.with_name("new.js")
    new.write_text("export const value = 1;\n")
    try:
        missing = broken(project.check("hardened", "--timeout", "1", "--json", at="src/new.js:1"), "line")
    finally:
        new.unlink()
    assert "src/new.js is not in the container" in missing["error"]
    assert "the mapping holds for others: app.js" in missing["cause"]
    blank = project.example.text.splitlines().index("") + 1
    told = broken(project.check("hardened", "--json", at=f"src/app.js:{blank}"), "line")
    assert f"line {blank} of src/app.js is not executable" in told["error"]
    assert project.stack.ddd("debug.detach", "--service", "hardened").ok().err.startswith("detached")


@pytest.mark.parametrize(("service", "reason"), [("visits", "entry"), ("npm", "pause")])
def test_the_debug_stage(project: Project, service: str, reason: str) -> None:
    """npm has the inspector in the program that serves, though npm and the reloader are programs of Node.js, too."""
    example, source = project.example, project.example.source
    project.stack.ddd("debug.up", "--service", service, timeout=600).ok()
    said = attach(project.stack, "--service", service)
    project.check(service).ok()
    assert not [argv for argv in project.processes(service) if "sidecar" in argv], "it has a debugger of its own"
    try:
        with visitors(project.urls[service]), client(said) as debugger:
            (told,) = debugger.set_breakpoints(project.file, {project.line: ""})
            assert told.is_verified
            stop = stop_of(debugger)
            assert stop.place == (project.file, project.line)
            # The new code is one line further down.
            debugger.set_breakpoints(project.file, {project.line + 1: 'value.service.startsWith("debugged")'})
            debugger.resume(stop)
            by_rename(source, "\n" + example.named(f"debugged by {service}"))
            stop = stop_of(debugger)
            assert stop.place == (project.file, project.line + 1)
            assert debugger.evaluate("value.service", stop.frames[0]) == f'"debugged by {service}"'
    finally:
        by_rename(source, example.text)  # for another try, too
    stops_before_it_serves(project, service, reason)
    project.stack.ddd("debug.down", "--service", service, timeout=600).ok()


def stops_before_it_serves(project: Project, service: str, reason: str) -> None:
    """--wait: before the first line of visits, and of npm's program before it listens: only then it is known which."""
    project.stack.ddd("debug.up", "--service", service, "--wait", timeout=600).ok()
    server = project.example.source.with_name("server.js")
    line = line_of(server, "const signal of")
    with client(attach(project.stack, "--service", service)) as debugger:
        stop = stop_of(debugger)
        assert stop.reason == reason
        debugger.set_breakpoints(str(server), {line: ""})
        debugger.resume(stop)
        assert stop_of(debugger).place == (str(server), line)


@pytest.mark.parametrize(
    ("service", "cause"),
    [
        ("deaf", "--disable-sigusr1"),
        ("handling", "handles that signal itself"),
        ("taken", "on port 9229, which process 1"),
    ],
)
def test_a_program_whose_inspector_cannot_be_opened(project: Project, service: str, cause: str) -> None:
    before = project.facts(service)
    refused = project.stack.ddd("debug.attach", "--service", service)
    assert refused.status in (65, 69)
    assert cause in refused.err
    if service == "deaf":
        words = ("--service", service, "--break", f"src/app.js:{project.line}", "--json")
        assert cause in broken(project.stack.ddd("debug.check", *words), "attach", status=refused.status)["cause"]
    assert not [argv for argv in project.processes(service) if "sidecar" in argv]
    assert project.facts(service) == before


TYPESCRIPT = {
    "package.json": json.dumps(
        {
            "name": "delay",
            "private": True,
            "type": "module",
            "scripts": {"build": "node build.mjs", "start": "node dist/server.js"},
        }
    ),
    "src/server.ts": """\
import { createServer } from "node:http";

enum Delay { Long = 5 }

interface Visit {
  path: string;
  count: number;
}

let count = 0;

createServer((request, response) => {
  const made: Visit = { path: request.url ?? "", count: ++count };
  response.end(`${Delay.Long} ${made.path}`); // here
}).listen(process.env.PORT ?? 8000);
""",
    # The map is in the image only, beside what was compiled, as compilers have it.
    "build.mjs": """\
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

mkdirSync("dist", { recursive: true });
const options = { mode: "transform", sourceMap: true, sourceUrl: "../src/server.ts" };
const [code, map] = stripTypeScriptTypes(readFileSync("src/server.ts", "utf8"), options).split("//# sourceMappingURL=");
writeFileSync("dist/server.js", `${code}//# sourceMappingURL=server.js.map`);
writeFileSync("dist/server.js.map", Buffer.from(map.split("base64,")[1], "base64"));
""",
    "prod.yaml": """
  prod:
    build: {context: ., target: prod}
    ports: ["127.0.0.1:%d:8000"]
""",
}


@pytest.fixture(scope="module")
def typescript(engine: Engine, bases: None) -> Iterator[tuple[Stack, dict[str, str]]]:
    """The stack with the URLs of its services: delay runs the sources in dev, prod what was compiled."""
    stack, ports = support.make_stack(TYPESCRIPT), {name: support.free_port() for name in ("delay", "prod")}
    try:
        stack.ddd("init", "--name", "delay").ok()
        compose = stack.directory / "compose.yaml"
        stack.write({"compose.yaml": compose.read_text().rstrip() + TYPESCRIPT["prod.yaml"] % ports["prod"]})
        stack.write({".env": f"DELAY_PORT={ports['delay']}\n"})
        stack.ddd("dev.up", timeout=600).ok()
        yield stack, {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
    finally:
        stack.down()


@pytest.mark.parametrize("service", ["delay", "prod"])
def test_typescript_by_the_line_of_its_source(typescript: tuple[Stack, dict[str, str]], service: str) -> None:
    stack, urls = typescript
    source: Path = stack.directory / "src" / "server.ts"
    line = line_of(source, "// here")
    with visitors(urls[service]), client(attach(stack, "--service", service)) as debugger:
        told = debugger.set_breakpoints(str(source), {line: "", line_of(source, "count: number;"): "", 99: ""})
        # An interface has no code: the next line that has some takes its breakpoint.
        assert [one.is_verified for one in told] == [True, True, False]
        debugger.set_breakpoints(str(source), {line: "made.count > 1"})
        stop = stop_of(debugger)
        assert stop.place == (str(source), line)
        assert debugger.variables(stop.frames[0])["made"].startswith('{path: "/", count: ')
        assert debugger.evaluate("made.count > 1", stop.frames[0]) == "true"
    stack.ddd("debug.detach", "--service", service).ok()
