"""Go under a debugger: live in dev and in a hardened prod on scratch, in the debug stage, and where it cannot be."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks.debugging.beside import ROLE_LABEL, SIDECAR
from ddd_tasks.engine.api import Engine
from ddd_tasks.languages.go import GO
from ddd_tasks.sessions.container import PROJECT_LABEL
from tests import support
from tests.debugging import Subject, attach, broken, client, line_of, stop_of, visitors, waiting
from tests.examples import by_rename, example_of

SERVICES = """
  hardened:
    build: {context: ., target: prod}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1:%d:8080"]
  trimmed:
    build: {context: ., dockerfile: trimmed.Dockerfile, target: prod}
    ports: ["127.0.0.1:%d:8080"]
  stripped:
    build: {context: ., dockerfile: stripped.Dockerfile, target: prod}
"""
FLAGS = {"trimmed": "-trimpath", "stripped": '-ldflags="-s -w"'}
# The one line of the handler of GET /.
LINE = '"visits": visits.Add(1)'
# The one line of that file that runs only when the service ends.
IDLE = "_ = server.Close()"
# A client that is there until it is killed.
HOLDS = """\
import json, sys, time
from tests.debugging import client, stop_of
with client(json.loads(sys.argv[1])) as debugger:
    debugger.set_breakpoints(sys.argv[2], {int(sys.argv[3]): ""})
    print("set", flush=True)
    print(stop_of(debugger).reason, flush=True)
    time.sleep(60)
"""


class Project(Subject):
    """The running project of this module."""

    written = ("/root", "/go", "/tmp")

    def tracer(self, service: str) -> int:
        """The process that traces the service's first one, 0 for none."""
        pid = self.engine.get(f"/containers/{self.container(service)}/json")["State"]["Pid"]
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("TracerPid:")[2].split()[0])

    def sidecar(self) -> str | None:
        """The container that has the debugger, None where there is none."""
        labels = [f"{PROJECT_LABEL}={self.stack.directory}", f"{ROLE_LABEL}={SIDECAR}"]
        return next((row["Id"] for row in self.engine.get("/containers/json", filters={"label": labels})), None)

    def check(self, service: str, *words: str, at: str = "") -> support.Ran:
        place, url = at or f"main.go:{self.line}", self.urls[service]
        return self.stack.ddd("debug.check", "--service", service, "--break", place, "--request", url, *words)


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """Instead of the check after each test, since services are made anew here: the module's is as strict."""


@pytest.fixture(scope="module")
def project(engine: Engine, bases: None) -> Iterator[Project]:
    with example_of(GO) as example:
        stack, ports = example.stack, {name: support.free_port() for name in ("hardened", "trimmed")}
        compose, dockerfile = stack.directory / "compose.yaml", (stack.directory / "Dockerfile").read_text()
        stack.write({"compose.yaml": compose.read_text().rstrip() + SERVICES % tuple(ports.values())})
        for name, flag in FLAGS.items():
            changed = dockerfile.replace("go build -o /out", f"go build {flag} -o /out")
            assert changed != dockerfile
            stack.write({f"{name}.Dockerfile": changed})
        stack.ddd("dev.up", timeout=900).ok()
        yield Project(example, engine, ports, LINE)


def test_live_in_dev_over_a_save_and_a_restart(project: Project) -> None:
    before = project.facts("visits")
    project.check("visits").ok()
    said = attach(project.stack, "--service", "visits")
    with visitors(project.urls["visits"]):
        with client(said) as debugger:
            (told,) = debugger.set_breakpoints(project.file, {project.line: ""})
            assert (told.is_verified, told.line) == (True, project.line)
            stop = stop_of(debugger)
            assert (stop.reason, *stop.place) == ("breakpoint", project.file, project.line)
            assert int(debugger.evaluate("visits.v", stop.frames[0])) >= 0
            assert project.facts("visits") == before
            # Saved while it stands: the process ends, and a new one has the new code, one line further down.
            by_rename(project.example.source, "\n" + project.example.named("anew"))
        project.example.wait_for("anew")
        with client(said) as debugger:
            debugger.set_breakpoints(project.file, {project.line + 1: ""})
            stop = stop_of(debugger)
            assert stop.place == (project.file, project.line + 1)
            assert debugger.variables(stop.frames[0])["w"].startswith("net/http.ResponseWriter(*main.recorder)")
        project.stack.run("docker", "compose", "restart", "--timeout", "1", "visits").ok()
        with client(attach(project.stack, "--service", "visits")) as debugger:
            debugger.set_breakpoints(project.file, {project.line + 1: ""})
            assert stop_of(debugger).place == (project.file, project.line + 1)
    by_rename(project.example.source, project.example.text)
    project.stack.ddd("debug.detach", "--service", "visits").ok()
    assert not [words for words in project.processes("visits") if "sidecar" in words or words.startswith("dlv")]


def test_live_in_a_hardened_prod(project: Project) -> None:
    before, processes = project.facts("hardened"), project.processes("hardened")
    said = attach(project.stack, "--service", "hardened")
    support.wait_until(lambda: project.tracer("hardened") == 0, what="the end of tracing while no client is there")
    with visitors(project.urls["hardened"]) as answers, client(said) as debugger:
        told = debugger.set_breakpoints(project.file, {project.line: "", 999: ""})
        assert [one.is_verified for one in told] == [True, False]
        assert stop_of(debugger).place == (project.file, project.line)
        # The debugger goes while the program stands, and with clients: it goes on all the same.
        project.stack.ddd("debug.detach", "--service", "hardened").ok()
        count = len(answers)
        support.wait_until(lambda: len(answers) > count + 1, what="answers after the debugger went")
    assert (project.tracer("hardened"), project.processes("hardened")) == (0, processes)
    assert project.facts("hardened") == before
    # It can be brought again, and debug.check proves the same from the command line.
    report = json.loads(project.check("hardened", "--expect", "(visits.v >= 1) == true", "--json").ok().out)
    assert (report["hit"], report["stack"][0]["path"]) == (True, project.file)
    assert project.facts("hardened") == before

    project.stack.run("docker", "compose", "restart", "--timeout", "1", "hardened").ok()
    project.check("hardened").ok()
    project.stack.ddd("debug.detach", "--service", "hardened").ok()
    assert project.processes("hardened") == processes


def test_a_breakpoint_that_is_not_hit_stops_nobody(project: Project) -> None:
    """Clients follow each other at once: neither the one that leaves nor the one that comes may leave it standing."""
    said, idle = attach(project.stack, "--service", "hardened"), line_of(project.example.source, IDLE)
    with visitors(project.urls["hardened"]) as answers:
        for lines in ({idle: ""}, {}, {idle: ""}):
            with client(said) as debugger:
                told = debugger.set_breakpoints(project.file, lines)
                assert [one.line for one in told if one.is_verified] == [*lines]
                answers.clear()
                support.wait_until(lambda: len(answers) > 50, what="answers while a client is there")
                assert debugger.wait_for_stop(0) is None
    project.stack.ddd("debug.detach", "--service", "hardened").ok()


def test_a_process_that_is_traced_already(project: Project) -> None:
    before = project.facts("hardened")
    argv = support.ddd_argv("debug.toolbox", "--service", "hardened", "--", "strace", "-o", "/dev/null", "-p", "1")
    strace = project.stack.popen(*argv)
    try:
        support.wait_until(lambda: project.tracer("hardened"), what="strace")
        refused = project.stack.ddd("debug.attach", "--service", "hardened")
    finally:
        support.kill_group(strace)
        support.end_of(strace)
    assert refused.status == 69
    assert "error: something else debugs the process of service 'hardened'" in refused.err
    assert "cause: process 1 is traced by process " in refused.err
    assert project.sidecar() is None
    support.wait_until(lambda: project.tracer("hardened") == 0, what="the end of strace")
    attach(project.stack, "--service", "hardened")
    project.stack.ddd("debug.detach", "--service", "hardened").ok()
    assert project.facts("hardened") == before


def test_delve_is_in_the_toolbox(project: Project) -> None:
    said = project.stack.ddd("debug.toolbox", "--service", "hardened", "--", "dlv", "version").ok()
    assert said.out.startswith("Delve Debugger")


def test_a_client_and_a_sidecar_that_are_killed_leave_no_breakpoint(project: Project) -> None:
    """Either would leave the service standing, or end it at the next request."""
    before = project.facts("hardened")
    for victim in ("client", "sidecar"):
        said = json.dumps(attach(project.stack, "--service", "hardened"))
        holder = support.popen(sys.executable, "-c", HOLDS, said, project.file, str(project.line), cwd=support.REPO)
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"set\n"
            with visitors(project.urls["hardened"] if victim == "client" else project.urls["visits"]) as answers:
                if victim == "client":
                    assert holder.stdout.readline() == b"breakpoint\n"
                    support.kill_group(holder)
                else:
                    sidecar = project.sidecar()
                    project.engine.post(f"/containers/{sidecar}/kill")
                    support.wait_until(lambda: project.sidecar() is None, what="the end of the sidecar")
                support.wait_until(lambda: len(answers) > 1, what=f"answers after the {victim} was killed")
        finally:
            support.kill_group(holder)
            support.end_of(holder)
        with visitors(project.urls["hardened"]) as answers:
            support.wait_until(lambda: len(answers) > 1, what=f"answers after the {victim} was killed")
        assert project.tracer("hardened") == 0
    assert project.facts("hardened") == before
    project.stack.ddd("debug.detach", "--service", "hardened").ok()


def test_links_that_are_broken(project: Project) -> None:
    attach(project.stack, "--service", "hardened")  # not anew for each of these
    wrong = broken(project.check("hardened", "--map", ".=/srv", "--json"), "mapping")
    assert "main.go is not /srv/main.go" in wrong["error"]
    assert "the file that exists: /" in wrong["cause"]
    project.stack.ddd(*shlex.split(wrong["try"])[1:]).ok()
    new = project.example.source.with_name("new.go")
    new.write_text("package main\n\nfunc unused() int { return 1 }\n")
    try:
        missing = broken(project.check("hardened", "--json", at="new.go:3"), "line")
    finally:
        new.unlink()
    assert "new.go is not in the program" in missing["error"]
    assert "the mapping holds for others: main.go" in missing["cause"]
    blank = project.example.text.splitlines().index("") + 1
    told = broken(project.check("hardened", "--json", at=f"main.go:{blank}"), "line")
    assert f"line {blank} of main.go is not executable" in told["error"]
    assert project.stack.ddd("debug.detach", "--service", "hardened").ok().err.startswith("detached")


def test_a_program_with_the_paths_of_its_module(project: Project) -> None:
    said = attach(project.stack, "--service", "trimmed")
    assert [one["remoteRoot"] for one in said["pathMappings"]] == ["visits"]
    report = json.loads(project.check("trimmed", "--json").ok().out)
    assert report["stack"][0] == {"name": "main.newHandler.func1", "path": project.file, "line": project.line}
    project.stack.ddd("debug.detach", "--service", "trimmed").ok()


@pytest.mark.parametrize("task", [("debug.attach",), ("debug.check", "--break", "main.go:23", "--request", "/")])
def test_a_stripped_program_is_named(project: Project, task: tuple[str, ...]) -> None:
    before = project.facts("stripped")
    refused = project.stack.ddd(task[0], "--service", "stripped", *task[1:])
    assert refused.status == 65
    assert ("broken link: attach" in refused.err) == (task[0] == "debug.check")
    assert "service (process 1) is stripped" in refused.err
    assert '-ldflags "-s -w"' in refused.err
    assert "debug.up --service stripped" in refused.err
    assert project.sidecar() is None
    assert project.facts("stripped") == before


def test_the_debug_stage(project: Project) -> None:
    example = project.example
    by_rename(example.source, example.text)
    project.stack.ddd("debug.up", "--service", "visits", timeout=600).ok()
    said = attach(project.stack, "--service", "visits")
    project.check("visits").ok()
    assert project.sidecar() is None, "it has a debugger of its own"
    with visitors(project.urls["visits"]):
        with client(said) as debugger:
            (told,) = debugger.set_breakpoints(project.file, {project.line: ""})
            assert told.is_verified
            assert stop_of(debugger).place == (project.file, project.line)
            by_rename(example.source, example.text + "\nfunc broken() { return 1 }\n")
        assert example.answer()["service"] == "visits"
        by_rename(example.source, "\n" + example.named("debugged"))
        example.wait_for("debugged")
        with client(said) as debugger:
            debugger.set_breakpoints(project.file, {project.line + 1: ""})
            stop = stop_of(debugger)
            assert stop.place == (project.file, project.line + 1)
    by_rename(example.source, example.text)

    words = ("--service", "visits", "--wait")
    project.stack.ddd("debug.up", *words, timeout=600).ok()
    # Delve listens before there is a program; another debug.up leaves it as it is, and takes a moment.
    support.wait_until(lambda: "/tmp/service" in project.processes("visits"), what="the program")
    said = attach(project.stack, *words, task="debug.up")
    place = project.file, line_of(example.source, 'port := os.Getenv("PORT")')
    with waiting(said, *place) as debugger:
        assert stop_of(debugger).place == place
    example.wait_for("visits")
    project.stack.ddd("debug.down", "--service", "visits", timeout=600).ok()
