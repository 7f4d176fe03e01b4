"""The `engine` collection: install, start, stop and describe the Docker engine of this machine."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, process
from ddd_tasks.engine import info as engine_info
from ddd_tasks.engine import install as engine_install
from ddd_tasks.engine import lifecycle
from ddd_tasks.tasks.surface import JSON_HELP, task

_JSON = {"json": JSON_HELP}


@task(name="install")
def install(_c: Context) -> None:
    """Install and start Engine, Compose and Buildx.

    Only what is missing, from the distribution's packages, on Debian and Ubuntu as root; elsewhere it says which
    commands to run.
    """
    installed = engine_install.ensure()
    done = "would install" if process.is_dry() else "installed"
    console.note(f"{done}: {', '.join(installed)}" if installed else "nothing was missing")


@task(name="up")
def up(_c: Context) -> None:
    """Start the engine unless it answers already.

    systemd does it where it runs; elsewhere dockerd is started by hand, with its log in /var/log/ddd-dockerd.log.
    """
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
    """Show the engine in use and the versions of its tools."""
    facts = engine_info.collect()
    if json:
        console.result_json(facts)
    else:
        console.table(["fact", "value"], [{"fact": name, "value": str(value)} for name, value in facts.items()])


@task(name="bases", help={**_JSON, "all": "Also what Dockerfiles below docker/ need that no service is built from."})
def bases(_c: Context, json: bool = False, all: bool = False) -> None:  # noqa: A002
    """Build and list stand-ins for base images out of reach.

    An image that is here, or in a registry that answers, is used as it is.
    """
    from ddd_tasks import bases as base_images  # the Dockerfile scanner and the project: only this task needs them

    base_images.ensure(Path.cwd(), everything=all)
    recorded = base_images.stand_ins(Path.cwd())
    if json:
        console.result_json([{"official": official, "stand_in": name} for official, name in recorded.items()])
    else:
        rows = [{"official": official, "stand-in": name} for official, name in recorded.items()]
        console.table(["official", "stand-in"], rows)
