"""Start what is running already: `ddd dev.up` beside `docker compose up`. `python bench/up.py`"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import yaml

from bench import harness, report
from bench.harness import Bench, Goal, Share
from tests import support

BASE = support.base("python:3.13-slim-trixie")


def main() -> None:
    """Start two kinds of project, each with Compose and with ours; measure; remove all four."""
    options = harness.arguments(__doc__, rounds=8)
    with ExitStack() as stack:
        # Two of each: what one tool starts, the other would want to replace, and then there is something to do.
        projects = [
            stack.enter_context(harness.project(files(build=build), suffix))
            for build, suffix in ((False, "-ours"), (False, "-compose"), (True, "-ours"), (True, "-compose"))
        ]
        for ours, theirs in (projects[:2], projects[2:]):
            ours.ddd("dev.up", timeout=600).ok()
            theirs.run("docker", "compose", "up", "--detach", "--wait", timeout=600).ok()
        bench = Bench("up")
        machine = report.Machine()
        describe(bench, "A. Nothing to do, one service with a health check", *projects[:2])
        describe(bench, "B. The same with a build section, image built", *projects[2:])
        before = [harness.containers(project) for project in projects]
        bench.measure(options.rounds, options.runs)
        if before != [harness.containers(project) for project in projects]:
            sys.exit("error: a container was replaced, so there was something to do, and the times mean nothing")
    report.publish(bench, machine)


def describe(bench: Bench, title: str, ours: support.Stack, theirs: support.Stack) -> None:
    """One table, its goal, and whose the time is."""
    table = bench.section(title, theirs.directory)
    up = ("docker", "compose", "up", "--detach")
    reference = table.program("docker compose up -d --wait", *up, "--wait")
    table.program("docker compose up -d", *up)
    table.program("docker compose up -d --build --wait", *up, "--build", "--wait")
    ddd = table.program("ddd dev.up", "ddd", "dev.up", cwd=ours.directory)
    table.program("inv dev.up", "inv", "dev.up", cwd=ours.directory)
    table.floor("floor: engine only, the list of containers", lambda: harness.containers(ours))
    table.program("start-up only: docker compose version", "docker", "compose", "version")
    start = table.program("start-up only: inv --version", "inv", "--version")
    bench.goals.append(Goal(f"{title[0]}: ddd dev.up / docker compose up -d --wait", ddd, reference, 0.6))
    bench.shares.append(Share(f"{title[0]}: ddd dev.up", ddd, start))


def files(*, build: bool) -> dict[str, str]:
    """A project with one service, from an image or from a Dockerfile."""
    source: dict[str, Any] = {"build": {"context": ".", "target": "dev"}} if build else {"image": BASE}
    check = {"test": ["CMD", "true"], "interval": "30s", "start_period": "10s", "start_interval": "200ms"}
    app = {
        **source,
        "command": ["sleep", "infinity"],
        "init": True,
        "stop_grace_period": "0s",
        "volumes": [".:/src"],
        "ports": [f"127.0.0.1:{support.free_port()}:8000"],
        "healthcheck": check,
    }
    return {
        "compose.yaml": yaml.safe_dump({"services": {"app": app}}),
        "Dockerfile": f"FROM {BASE} AS dev\nWORKDIR /src\n",
        "tasks.py": "from ddd_tasks import ns\n",
    }


if __name__ == "__main__":
    main()
