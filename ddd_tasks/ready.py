"""Whether a checkout can be used as it is, and the way there: what ./bootstrap does once it has found a Python.

The check runs before every command, so it imports little, starts nothing and asks the engine one question. It runs
without site-packages: nothing outside the standard library may be imported before the virtual environment exists.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

from ddd_tasks.engine import tools
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import CommandError, ConfigError, DddError, ExitCode

_PATIENCE = 5.0  # seconds that an engine may take to answer before it counts as hanging


def main(arguments: Sequence[str]) -> NoReturn:
    """Called by ./bootstrap with the checkout, "yes" or "no" for an engine, and the command, which replaces us."""
    root, engine, command = Path(arguments[0]), arguments[1] == "yes", arguments[2:]
    with _refusals():
        if not is_ready(root, engine=engine):
            make_ready(root, engine=engine)
        become(root, command)


def is_ready(root: Path, *, engine: bool = True) -> bool:
    """Whether nothing has to be done for this checkout; engine=False asks for the virtual environment only."""
    return venv_is_current(root) and (not engine or (not tools.missing() and bases_are_current(root)))


def make_ready(root: Path, *, engine: bool = True) -> None:
    """Do what is missing; a second run at the same time waits for the first. Raises DddError."""
    from ddd_tasks import process, venv  # not needed when all is ready
    from ddd_tasks.engine import lock

    try:
        (root / ".ddd").mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{root} cannot be written to", cause=str(error), hint=f"ls -ld {root}") from error
    with lock.held(root / ".ddd" / "bootstrap.lock", waiting="another bootstrap is at work here: waiting for it"):
        if not venv_is_current(root):
            venv.make(root, stamp=venv_inputs(root))
        if engine and not is_ready(root):
            # The rest needs our dependencies, which only the virtual environment's Python has.
            python = str(root / ".venv" / "bin" / "python")
            status = process.run([python, "-I", "-m", "ddd_tasks.ready", str(root)], check=False, quiet=True)
            if status != 0:
                sys.exit(status)


def make_machine_ready(root: Path) -> None:
    """Make sure of an engine with its tools, then of the base images. Raises DddError."""
    from ddd_tasks import bases
    from ddd_tasks.engine import install

    install.ensure()
    if not bases_are_current(root):
        bases.ensure(root)
        _bases_stamp(root).write_text(bases_inputs(root), encoding="utf-8")


def become(root: Path, command: Sequence[str]) -> NoReturn:
    """Turn this process into the command, with .venv first on PATH. Raises CommandError 127 or 126 as a shell does."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    environment["VIRTUAL_ENV"] = str(root / ".venv")
    environment["PATH"] = os.pathsep.join([str(root / ".venv" / "bin"), environment.get("PATH", os.defpath)])
    # Python ignores these two, and what is ignored stays so in the program: `yes | head -1` would complain.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environment)
    except FileNotFoundError as error:
        raise CommandError(f"the command {command[0]!r} was not found", 127, hint="./bootstrap inv --list") from error
    except OSError as error:
        raise CommandError(f"the command {command[0]!r} cannot be run", 126, cause=str(error)) from error


def venv_is_current(root: Path) -> bool:
    """Whether .venv was made from today's uv.lock, in this place."""
    has_python = os.access(root / ".venv" / "bin" / "python", os.X_OK)
    return has_python and _read(root / ".venv" / ".ddd-stamp") == venv_inputs(root)


def venv_inputs(root: Path) -> str:
    """What .venv is made from, as lines: its place (scripts name it), this Python's version, a hash of the lock."""
    version = "{}.{}".format(*sys.version_info)  # a new release of the system may have brought another Python
    return "\n".join([str(root), version, _hash([root / "uv.lock", root / "pyproject.toml"])])


def bases_are_current(root: Path) -> bool:
    """Whether an engine answers and has each stand-in that was built for today's Dockerfiles."""
    stand_ins = _stand_ins(root)
    found = _ask_for_images(stand_ins)
    return found is not None and stand_ins <= found and _read(_bases_stamp(root)) == bases_inputs(root)


def bases_inputs(root: Path) -> str:
    """A hash of the files that name base images: docker/, compose/, and Dockerfiles and Compose files beside them."""
    beside = [path for path in root.iterdir() if _names_images(path.name)]
    below = [path for folder in ("docker", "compose") for path in (root / folder).rglob("*") if _is_source(path)]
    return _hash(sorted([*beside, *below]))


def _is_source(path: Path) -> bool:
    return path.is_file() and path.parent.name != "__pycache__"  # tests import what is in docker/toolbox


def _names_images(name: str) -> bool:
    starts = name.startswith(("Dockerfile", "compose.", "docker-compose"))
    return starts or name.endswith((".Dockerfile", ".dockerfile"))


def _bases_stamp(root: Path) -> Path:
    return root / ".ddd" / "bases.stamp"


def _stand_ins(root: Path) -> set[str]:
    try:
        return set(json.loads(_read(root / ".ddd" / "bases.json") or "{}").values())
    except (ValueError, AttributeError):
        return set()


def _ask_for_images(names: set[str]) -> set[str] | None:
    """Those of these images that the engine has; None when no engine answers."""
    socket.setdefaulttimeout(_PATIENCE)
    try:
        with closing(Engine.connect()) as engine:
            images = engine.get("/images/json", filters={"reference": sorted(names or {"ddd-base/none"})})
    except (DddError, OSError):
        return None
    finally:
        socket.setdefaulttimeout(None)
    return {tag for image in images for tag in image.get("RepoTags") or ()}


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"\0{path.name}\0".encode())
        try:
            digest.update(path.read_bytes())
        except OSError:
            continue  # a directory of that name, or a file that has just gone
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal becomes its message and exit status, Ctrl-C becomes 130."""
    try:
        yield
    except DddError as problem:
        from ddd_tasks import console

        console.error(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    with _refusals():
        make_machine_ready(Path(sys.argv[1]))
