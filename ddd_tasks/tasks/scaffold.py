"""Tasks at the top, without a collection: `ddd init`, and `ddd languages`, what it knows."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, process
from ddd_tasks.tasks.surface import JSON_HELP, task


@task(
    name="init",
    help={
        "language": "Its language (default: what the files show).",
        "name": "The service's name (default: the folder's).",
        "app": "What starts it, where the code does not say: app.main:app, server.js, ./cmd/server.",
        "port": "The port that it listens on, where the code does not say.",
        "force": "Write over files that are there.",
        "json": JSON_HELP,
    },
)
def init(
    _c: Context,
    language: str | None = None,
    name: str | None = None,
    app: str | None = None,
    port: int = 0,
    force: bool = False,
    json: bool = False,
) -> None:
    """Write what the code here needs to run in containers.

    In a folder without code, also a small service in --language. With --dry, only the plan and the diff are shown.
    """
    from ddd_tasks import scaffold

    plan = scaffold.plan(Path.cwd(), scaffold.Wanted(language, name, app, port or None), force=force)
    scaffold.show(plan, whole=process.is_dry(), json=json)
    if not process.is_dry():
        scaffold.write(plan)


@task(name="languages", help={"json": JSON_HELP})
def languages(_c: Context, json: bool = False) -> None:
    """Show the languages that `ddd init` knows."""
    from ddd_tasks.scaffold import listing

    if json:
        console.result_json([listing.as_dict(one) for one in listing.languages()])
    else:
        console.table(listing.COLUMNS, [listing.row(one) for one in listing.languages()])
        for line in listing.not_verified():
            console.note(line)
