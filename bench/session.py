"""Run a command in a fresh container of a stage: a Nox session beside `docker run`. `python bench/session.py`"""

from __future__ import annotations

from contextlib import ExitStack

import yaml

from bench import harness, report
from bench.harness import Bench, Goal, Section, Share, Variant
from ddd_tasks.engine.api import Engine
from tests import support

DOCKERFILE = f"""\
FROM {support.base("python:3.13-slim-trixie")} AS base
WORKDIR /src

FROM base AS test
CMD ["true"]
"""
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test"))
def inside(session):
    session.run("true")
"""
# The session that people write without us, in a noxfile.py that knows nothing of us.
PEER = """\
import nox

@nox.session(venv_backend="none")
def inside(session):
    session.run("docker", "compose", "run", "--rm", "-T", "test", "true", external=True)

@nox.session(venv_backend="none")
def nothing(session):
    pass
"""


def main() -> None:
    """Make one project with its image built; measure; remove both."""
    options = harness.arguments(__doc__, rounds=5)
    with ExitStack() as stack:
        project = stack.enter_context(harness.project(files()))
        project.run("docker", "compose", "build", timeout=600).ok()
        engine = Engine.connect()
        stack.callback(engine.close)
        bench = Bench("session")
        machine = report.Machine()
        describe(bench, engine, project)
        bench.measure(options.rounds, options.runs)
    report.publish(bench, machine)


def describe(bench: Bench, engine: Engine, project: support.Stack) -> None:
    """The table, the goal, and whose the time is."""
    table = bench.section("`true` in a fresh container of the test stage, image built", project.directory)
    image = f"{project.name}-test"
    compose = table.program("docker compose run --rm -T", "docker", "compose", "run", "--rm", "-T", "test", "true")
    mount = ("--volume", f"{project.directory}:/src")
    table.program("docker run --rm (same mount)", "docker", "run", "--rm", *mount, image, "true")
    ours = table.program('nox, venv_backend=stage("test")', "nox", "-s", "inside")
    table.program('nox -R, venv_backend=stage("test")', "nox", "-R", "-s", "inside")
    by_run = table.program('nox, venv_backend="none", docker compose run', "nox", "-f", "peer.py", "-s", "inside")
    table.program("inv dev.run", "inv", "dev.run", "--", "true")
    table.program("ddd run", "ddd", "run", "--", "true")
    table.floor("floor: engine only, from a client that is there", lambda: engine_only(engine, image, project))
    start = starts(table)
    bench.goals.append(Goal("container session / docker compose run", ours, compose, 1.1))
    bench.shares += [
        Share("container session", ours, start),
        Share("nox that starts docker compose run", by_run, start),
    ]


def starts(table: Section) -> Variant:
    """Add what the programs cost before they do anything; that of Nox is returned."""
    table.program("start-up only: docker compose version", "docker", "compose", "version")
    table.program("start-up only: docker buildx version", "docker", "buildx", "version")
    table.program("start-up only: inv --version", "inv", "--version")
    table.program("start-up only: nox --version", "nox", "--version")
    # With a session to run, Nox asks uv for its version as well, whatever the session's backend is.
    return table.program("start-up only: nox, a session that does nothing", "nox", "-f", "peer.py", "-s", "nothing")


def engine_only(engine: Engine, image: str, project: support.Stack) -> None:
    """create, start, wait and remove: what is left when the client costs nothing."""
    labels = {"com.docker.compose.project": project.name}
    body = {"Image": image, "Cmd": ["true"], "Labels": labels, "HostConfig": {"Binds": [f"{project.directory}:/src"]}}
    container = engine.post("/containers/create", body)["Id"]
    engine.post(f"/containers/{container}/start")
    ended = engine.post(f"/containers/{container}/wait")
    engine.delete(f"/containers/{container}")
    if ended["StatusCode"] != 0:
        raise RuntimeError("`true` did not end with status 0")


def files() -> dict[str, str]:
    """A project with one service, built from the stage `test`."""
    test = {"build": {"context": ".", "target": "test"}, "volumes": [".:/src"]}
    return {
        "compose.yaml": yaml.safe_dump({"services": {"test": test}}),
        "Dockerfile": DOCKERFILE,
        "tasks.py": "from ddd_tasks import ns\n",
        "noxfile.py": NOXFILE,
        "peer.py": PEER,
    }


if __name__ == "__main__":
    main()
