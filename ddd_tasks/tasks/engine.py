"""The `engine` collection: install, start, stop and describe the Docker engine of this machine."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console
from ddd_tasks.engine import info as engine_info
from ddd_tasks.engine import install as engine_install
from ddd_tasks.engine import lifecycle
from ddd_tasks.tasks.surface import JSON_HELP, task

_JSON = {"json": JSON_HELP}


@task(name="install")
def install(_c: Context) -> None:
    """Install what is missing of Engine, Compose and Buildx (Debian, Ubuntu; as root), and start the engine."""
    installed = engine_install.ensure()
    console.note(f"installed: {', '.join(installed)}" if installed else "nothing was missing")


@task(name="up")
def up(_c: Context) -> None:
    """Start the engine unless it answers: by systemd where it runs, else by hand."""
    console.note("the engine is up" if lifecycle.up() else "the engine was up already")


@task(name="down")
def down(_c: Context) -> None:
    """Stop the engine, if it was started by ddd-tasks."""
    left = lifecycle.down()
    if left:
        console.warning(f"still running: {', '.join(left)}")
    else:
        console.note("no engine is running")


@task(name="info", help=_JSON)
def info(_c: Context, json: bool = False) -> None:
    """Show the engine that is used: version, address, Compose, Buildx, storage, and whether we started it."""
    facts = engine_info.collect()
    if json:
        console.result_json(facts)
    else:
        console.table(["fact", "value"], [{"fact": name, "value": str(value)} for name, value in facts.items()])


@task(name="bases", help=_JSON)
def bases(_c: Context, json: bool = False) -> None:
    """Build a stand-in for each base image that is neither here nor in a registry, and list the stand-ins in use."""
    from ddd_tasks import bases as base_images  # the Dockerfile scanner and the project: only this task needs them

    base_images.ensure(Path.cwd())
    recorded = engine_info.stand_ins(Path.cwd())
    if json:
        console.result_json([{"official": official, "stand_in": name} for official, name in recorded.items()])
    else:
        rows = [{"official": official, "stand-in": name} for official, name in recorded.items()]
        console.table(["official", "stand-in"], rows)
