"""The `ci` collection: sessions in containers as jobs of a CI service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from invoke.context import Context

from ddd_tasks import console
from ddd_tasks.tasks.surface import task

_NOXFILE = "noxfile.py"
_SELECTION = {"noxfile": "The noxfile (default: noxfile.py).", "tags": "Only sessions with this tag; repeatable."}


def _jobs(noxfile: str, tags: list[str]) -> list[Any]:
    from ddd_tasks.ci import jobs  # what it imports is needed by no other collection

    return jobs.find(Path.cwd(), noxfile=noxfile, tags=tags)


@task(name="matrix", help={**_SELECTION, "format": "json, github or gitlab."}, iterable=["tags"])
def matrix(_c: Context, format: str = "json", noxfile: str = _NOXFILE, tags: list[str] = []) -> None:  # noqa: A002, B006
    """Print the container sessions as a matrix.

    github: one line, for `fromJSON`. gitlab: the value of `parallel:matrix`. It lists what `nox` runs.
    """
    from ddd_tasks.ci import pipelines

    console.result(pipelines.matrix(_jobs(noxfile, tags), format))


@task(
    name="workflow",
    help={
        **_SELECTION,
        "format": "github, gitlab or all.",
        "setup": "The line that installs what jobs need (default: pip install ddd-tasks; none with --prefix).",
        "prefix": "A program that runs the other lines, such as ./bootstrap or 'uv run'.",
        "force": "Replace a file that something else wrote.",
    },
    iterable=["tags"],
)
def workflow(
    _c: Context,
    format: str = "all",  # noqa: A002
    setup: str = "",
    prefix: str = "",
    noxfile: str = _NOXFILE,
    tags: list[str] = [],  # noqa: B006
    force: bool = False,
) -> None:
    """Write a pipeline for GitHub and GitLab.

    A job builds each stage and shares its layers through the registry; then a job runs each container session.
    """
    from ddd_tasks.ci import pipelines

    commands = pipelines.Commands(setup or ("" if prefix else pipelines.SETUP), prefix)
    for file in pipelines.write(Path.cwd(), _jobs(noxfile, tags), format, commands, force=force):
        console.note(f"written: {file}")


@task(
    name="build",
    help={**_SELECTION, "stage": "The stage.", "push": "Push it to DDD_BUILD_CACHE, for the builds of other jobs."},
    iterable=["tags"],
)
def build(_c: Context, stage: str, push: bool = False, noxfile: str = _NOXFILE, tags: list[str] = []) -> None:  # noqa: B006
    """Build a stage as its sessions do."""
    from ddd_tasks.ci import jobs

    for name in jobs.build(Path.cwd(), _jobs(noxfile, tags), stage, push=push):
        console.result(name)
