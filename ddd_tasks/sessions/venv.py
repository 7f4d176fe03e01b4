"""A session's venv: made inside its container at the session's own folder, on top of the stage's packages."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddd_tasks.engine import exec as execution
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, UnsupportedError
from ddd_tasks.sessions import tree
from ddd_tasks.sessions.memory import Memory

_INSIDE = Path(__file__).with_name("inside.py")
# What is in a session's folder beside the venv.
_OURS = ".ddd"


class PythonNotFoundError(DddError):
    """The stage has no Python of the version that a session asks for."""

    exit_code = UnsupportedError.exit_code


@dataclass(frozen=True)
class Venv:
    """A venv: its Python's full version, and whether `python -m pip` works in it."""

    version: str
    pip: bool


def make(
    engine: Engine,
    container: str,
    *,
    python: str,
    location: Path,
    user: str,
    params: Sequence[str],
    env: dict[str, str],
) -> Venv:
    """Make the venv with the stage's python. Raises UnsupportedError where that Python cannot make one."""
    request = json.dumps({"location": str(location), "params": list(params)})
    argv = [python, "-c", _INSIDE.read_text(), request]
    done = execution.capture(engine, container, argv, user=user, env=env)
    said = done.stderr.decode(errors="replace")
    answer: dict[str, Any] = json.loads(done.stdout) if done.status == 0 else {"status": done.status, "said": said}
    if answer["status"] != 0:
        raise UnsupportedError(
            f"{python} of the stage cannot make a venv in {location}",
            cause=answer["said"],
            hint=f"docker exec {container[:12]} {python} -m venv /tmp/venv",
        )
    return Venv(answer["version"], answer["pip"])


def remember(memory: Memory, made: Venv, location: Path, question: Sequence[Any]) -> None:
    """Keep a venv that was just made, to be made again from memory. question: all that it came from."""
    if entries := tree.pack(location, without=_OURS):
        memory.recall(_what(location, question), lambda: [made.version, made.pip, entries])


def recall(memory: Memory, location: Path, question: Sequence[Any]) -> Venv | None:
    """Make the venv that was remembered, in an empty folder; None where there is none."""
    known = memory.known(_what(location, question))
    if known is None:
        return None
    version, pip, entries = known
    location.mkdir(parents=True, exist_ok=True)
    tree.unpack(location, entries)
    return Venv(version, pip)


def _what(location: Path, question: Sequence[Any]) -> str:
    return json.dumps(["venv", _INSIDE.read_text(), str(location), *question])


def choose(interpreter: str | None, programs: Collection[str]) -> str | None:
    """The stage's program for a session's python=: None where the stage has no Python and none was asked for.

    Takes what Nox takes: 3.13, 3.13.5, python3.13, pypy3.11, 3.13t. Raises PythonNotFoundError.
    """
    if interpreter is None:
        return next((name for name in ("python3", "python") if name in programs), None)
    numbers = re.match(r"(\d+(?:\.\d+)?)(?:\.\d+)*(t?)$", interpreter)
    name = f"python{numbers[1]}{numbers[2]}" if numbers else interpreter.replace("pypy-", "pypy")
    if name not in programs:
        raise not_found(interpreter, programs)
    return name


def not_found(interpreter: str, programs: Collection[str]) -> PythonNotFoundError:
    """The refusal for a Python that the stage lacks."""
    pythons = [name for name in programs if re.fullmatch(r"(python|pypy)\d*(\.\d+)?t?", name)]
    return PythonNotFoundError(f"no Python {interpreter}", given=interpreter, valid=pythons)


def fits(interpreter: str | None, version: str) -> bool:
    """Whether a Python of this full version is what python= asked for: 3.13.5 asks for more than its program's name."""
    numbers = re.match(r"\d+(\.\d+)*", interpreter or "")
    return numbers is None or f"{version}.".startswith(f"{numbers[0]}.")
