"""What a stage's image offers to a session: its PATH, and the programs on it."""

from __future__ import annotations

from dataclasses import dataclass

from ddd_tasks.engine import exec as execution
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, NotRunningError, StoppedError, UnsupportedError

# Builtins of any sh. The PATH comes first, then a program a line.
_LIST = """\
printf '%s\\n' "$PATH"
IFS=:
for folder in $PATH; do
  for file in "${folder:-.}"/*; do
    [ -f "$file" ] && [ -x "$file" ] && printf '%s\\n' "${file##*/}"
  done
done
:
"""

# The status of a shell, and of Docker's init, for a program that does not exist.
_NOT_FOUND = 127


@dataclass(frozen=True)
class Offer:
    """The PATH inside and the names of the programs on it."""

    path: str
    programs: frozenset[str]


def look(engine: Engine, container: str, *, user: str, stage: str) -> Offer:
    """Ask a running container. Raises UnsupportedError where the image has no sh to ask with."""
    try:
        done = execution.capture(engine, container, ["sh", "-c", _LIST], user=user)
    except (NotRunningError, CommandError, ApiError) as error:
        raise _no_shell(stage, error.cause) from error
    except StoppedError as error:
        if f"status {_NOT_FOUND}" not in error.what:
            raise
        raise _no_shell(stage, error.what) from error  # the first process of the container is sh, too
    if done.status != 0:
        raise _no_shell(stage, done.stderr.decode(errors="replace"))
    path, *programs = done.stdout.decode(errors="surrogateescape").splitlines()
    return Offer(path, frozenset(programs))


def _no_shell(stage: str, cause: str) -> UnsupportedError:
    return UnsupportedError(
        f"stage {stage!r} cannot hold a session: there is no sh in its image",
        cause=f"{cause}\na session needs a POSIX sh, as every Debian or Alpine base has it",
        hint="nox --list",
    )
