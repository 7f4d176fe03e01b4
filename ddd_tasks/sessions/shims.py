"""Programs of a container as files on the host: a folder of links to one small script, one link per program.

A session runner looks programs up on its own PATH. It finds them here first, and the script runs the one of its name
in the session's container. What the image does not have is not here, so the runner's own rules apply to it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

# Set inside the container. A path into the folder of links may be handed to a program there: run it directly then.
INSIDE = "DDD_SESSION_INSIDE"

_RUNNER = Path(__file__).with_name("runner.py")
# -E and -S: the session's PYTHONPATH and the like are for the program inside, and site costs start-up time.
_SCRIPT = """\
#!/bin/sh
# Runs the program of this name in the session's container.
if [ "${{{inside}-}}" ]; then exec "${{0##*/}}" "$@"; fi
exec {python} -E -S {runner} {state} "${{0##*/}}" "$@"
"""


def write(folder: Path, state: Path, programs: Collection[str]) -> None:
    """Give the folder a link for each program, and nothing else; state is the file that the runner reads."""
    folder.mkdir(parents=True, exist_ok=True)
    script = _script(folder)
    words = {"python": sys.executable, "runner": str(_RUNNER), "state": str(state)}
    script.unlink(missing_ok=True)
    script.write_text(_SCRIPT.format(inside=INSIDE, **{name: shlex.quote(word) for name, word in words.items()}))
    script.chmod(0o755)
    missing, target = set(programs), _target(folder)
    for entry in os.scandir(folder):
        if entry.name in missing and entry.is_symlink() and os.readlink(entry.path) == target:
            missing.remove(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    for program in missing:
        _link(folder, program)


def add(folder: Path, more: Path) -> None:
    """Link the programs of another folder too, such as those that an installation has just put into a venv."""
    known = {entry.name for entry in os.scandir(folder)}
    for entry in os.scandir(more) if more.is_dir() else ():
        if entry.name not in known:
            _link(folder, entry.name)


def _script(folder: Path) -> Path:
    return folder.with_name("shim")


def _link(folder: Path, program: str) -> None:
    os.symlink(_target(folder), folder / program)


def _target(folder: Path) -> str:
    return os.path.join("..", _script(folder).name)
