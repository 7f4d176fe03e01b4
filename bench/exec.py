"""Run a command in a running service: `ddd exec` beside the ways people use today. `python bench/exec.py`"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import yaml

from bench import harness, report
from bench.harness import Bench, Goal, Section, Share, Variant
from ddd_tasks.engine.api import Engine
from tests import support

SIZE = 2_000_000
# Fails unless every byte has arrived.
RECEIVE = f'test "$(wc -c)" = {SIZE}'

TASKS = "from ddd_tasks import ns\n"
# The task that people write without us, in a tasks.py that knows nothing of us.
PEER = """\
from invoke import task

@task
def ex(c):
    c.run("docker compose exec -T app true")
"""
BARE = str(Path(__file__).with_name("bare.py"))
DEVCONTAINER = ".devcontainer/devcontainer.json"


def main() -> None:
    """Make one service, and one among forty; measure; remove both."""
    options = harness.arguments(__doc__)
    with ExitStack() as stack:
        one = stack.enter_context(harness.project(files(1)))
        forty = stack.enter_context(harness.project(files(40), "-40"))
        for project in (one, forty):
            label(project)
            project.run("docker", "compose", "up", "--detach", "--wait", "app").ok()
        engine = Engine.connect()
        stack.callback(engine.close)
        bench = Bench("exec")
        machine = report.Machine()
        describe(bench, engine, one, forty)
        bench.measure(options.rounds, options.runs)
    report.publish(bench, machine)


def describe(bench: Bench, engine: Engine, one: support.Stack, forty: support.Stack) -> None:
    """The tables, the goals, and whose the time is."""
    a = bench.section("A. `true`, one service (bind mount, one published port)", one.directory)
    docker, ours, task = clients(a, one, ["true"])
    by_run = a.program("Invoke task with c.run(docker compose exec -T)", "inv", "-c", "peer", "ex")
    a.program("devcontainer exec", devcontainer(one), "exec", "--workspace-folder", ".", "true")
    container = harness.containers(one)["app"]
    bare = (sys.executable, "-S", "-E", BARE, engine.endpoint.host.removeprefix("unix://"), container)
    a.program("the least in Python: bare.py, python3 -S -E", *bare)
    floor = a.floor("floor: engine only, from a client that is there", lambda: engine_only(engine, container))
    invoke = starts(a)

    b = bench.section(f"B. {SIZE // 1_000_000} MB piped to stdin, each byte counted", one.directory)
    clients(b, one, ["sh", "-c", RECEIVE], before=["sh", "-c", 'cat data | "$@"', "sh"])
    c = bench.section("C. `true`, a Compose file of 40 services, one running", forty.directory)
    _, ours_of_40, task_of_40 = clients(c, forty, ["true"])

    bench.goals += [
        Goal("ddd exec / docker exec", ours, docker, 0.75),
        Goal("inv dev.exec / Invoke task with c.run", task, by_run, 0.65),
        Goal("ddd exec: 40 services / 1 service", ours_of_40, ours, 1.1),
        Goal("inv dev.exec: 40 services / 1 service", task_of_40, task, 1.1),
    ]
    bench.shares += [Share("docker exec", docker, floor), Share("ddd exec", ours, floor)]
    bench.shares += [Share("inv dev.exec", task, invoke), Share("Invoke task with c.run", by_run, invoke)]


def clients(
    section: Section, project: support.Stack, command: list[str], before: list[str] | None = None
) -> tuple[Variant, Variant, Variant]:
    """Add the clients that every table has; docker exec, ddd exec and inv dev.exec are returned."""
    first = before or []
    feed = ["--interactive"] if before else []
    container = harness.containers(project)["app"]
    docker = section.program("docker exec", *first, "docker", "exec", *feed, container, *command)
    section.program("docker compose exec -T", *first, "docker", "compose", "exec", "-T", "app", *command)
    ours = section.program("ddd exec", *first, "ddd", "exec", "--service", "app", "--", *command)
    task = section.program("inv dev.exec", *first, "inv", "dev.exec", "--service", "app", "--", *command)
    return docker, ours, task


def starts(section: Section) -> Variant:
    """Add what the programs cost before they do anything; that of Invoke is returned."""
    section.program("start-up only: python3 -S -E -c pass", sys.executable, "-S", "-E", "-c", "pass")
    section.program("start-up only: python -c pass (venv)", sys.executable, "-c", "pass")
    section.program("start-up only: docker --version", "docker", "--version")
    section.program("start-up only: docker compose version", "docker", "compose", "version")
    section.program("start-up only: nox --version", "nox", "--version")
    return section.program("start-up only: inv --version", "inv", "--version")


def engine_only(engine: Engine, container: str) -> None:
    """create, start and inspect: what is left when the client costs nothing."""
    body = {"Cmd": ["true"], "AttachStdout": True, "AttachStderr": True}
    made = engine.post(f"/containers/{container}/exec", body)["Id"]
    with engine.stream(f"/exec/{made}/start", {"Detach": False, "Tty": False}) as stream:
        while stream.recv(65536):
            pass
    if engine.get(f"/exec/{made}/json")["ExitCode"] != 0:
        raise RuntimeError("`true` did not end with status 0")


def files(count: int) -> dict[str, str]:
    """A project of that many services, all alike but for the port and mount of `app`."""
    image = support.base("python:3.13-slim-trixie")
    service = {"image": image, "command": ["sleep", "infinity"], "init": True, "stop_grace_period": "0s"}
    app = {**service, "working_dir": "/src", "volumes": [".:/src"], "ports": [f"127.0.0.1:{support.free_port()}:8000"]}
    others = {f"worker{number}": {**service, "environment": {"NUMBER": str(number)}} for number in range(1, count)}
    return {
        "compose.yaml": yaml.safe_dump({"services": {"app": app, **others}}),
        "tasks.py": TASKS,
        "peer.py": PEER,
        "data": "x" * SIZE,
        DEVCONTAINER: json.dumps({"dockerComposeFile": "../compose.yaml", "service": "app", "workspaceFolder": "/src"}),
    }


def label(project: support.Stack) -> None:
    """Give `app` the labels of `devcontainer up`, by which `devcontainer exec` finds it."""
    path = project.directory / "compose.yaml"
    model = yaml.safe_load(path.read_text())
    model["services"]["app"]["labels"] = {
        "devcontainer.local_folder": str(project.directory),
        "devcontainer.config_file": str(project.directory / DEVCONTAINER),
    }
    path.write_text(yaml.safe_dump(model))


def devcontainer(project: support.Stack) -> str:
    """The newest devcontainer CLI, installed into the project's folder; its bare name where that is not possible."""
    if shutil.which("npm"):
        flags = ["--silent", "--no-audit", "--no-fund", "--prefix", "tools"]
        project.run("npm", "install", *flags, "@devcontainers/cli")
    program: Path = project.directory / "tools/node_modules/.bin/devcontainer"
    return str(program) if program.exists() else "devcontainer"


if __name__ == "__main__":
    main()
