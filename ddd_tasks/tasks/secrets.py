"""The `secrets` collection: what is declared, what is missing, and setting it. No value is ever printed."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, process
from ddd_tasks import project as projects
from ddd_tasks.errors import ConfigError
from ddd_tasks.secret import editing, listing
from ddd_tasks.tasks.surface import JSON_HELP, task

_COLUMNS = ("secret", "used by", "from", "where", "present")


@task(name="list", help={"json": JSON_HELP})
def list_(_c: Context, json: bool = False) -> None:
    """Show declared secrets, their sources, and if present.

    Also the host's configuration that Dockerfiles mount. Commands are not run: secrets.check runs them.
    """
    rows = listing.rows(projects.load(Path.cwd()))
    if json:
        console.result_json([row.as_dict() for row in rows])
    else:
        console.table(_COLUMNS, [row.cells for row in rows])


@task(help={"json": JSON_HELP})
def check(_c: Context, json: bool = False) -> None:
    """Refuse (78) when a declared secret is missing.

    It says where each was looked for, and the command that sets it.
    """
    found = listing.check(projects.load(Path.cwd()))
    if json:
        console.result_json({"present": found})
    else:
        console.note(f"all {found} declared secrets are there" if found else "no secret is declared")


@task(name="set", positional=["name"], help={"name": "The secret."})
def set_(_c: Context, name: str) -> None:
    """Set a secret from a prompt without echo, or from stdin.

    It goes where its declaration looks: into its file, or for a variable into .env.
    """
    project = projects.load(Path.cwd())
    editing.find(project, name)
    if sys.stdin is not None and sys.stdin.isatty():
        content = getpass.getpass(f"value of {name}: ").encode()
    else:
        content = editing.one_line(sys.stdin.buffer.read())
    if not content:
        hint = f"ddd secrets.set {name} < FILE"
        raise ConfigError(f"secrets.set was given no value for {name!r}", cause="its input was empty", hint=hint)
    _say(name, editing.store(project, name, content))


@task(positional=["name"], help={"name": "The secret."})
def edit(_c: Context, name: str) -> None:
    """Change a secret in $EDITOR.

    The editor gets a private file, which is overwritten and removed afterwards.
    """
    written = editing.edit(projects.load(Path.cwd()), name)
    if written:
        _say(name, written)
    else:
        console.note(f"secret {name!r} is as it was")


def _say(name: str, file: Path) -> None:
    console.note(f"secret {name!r} {'would be' if process.is_dry() else 'is'} in {file}")
