"""Started by a shim on the host: runs one program in its session's container and ends with that program's status.

Arguments: the session's state file, the program, its arguments. It starts with every command of a session, so it
imports only what it uses, and runs without site-packages.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # as in typing, whose import would cost every command 5 ms
if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ddd_tasks.sessions.state import State
else:
    import _signal as signal  # what the module of that name wraps in enums, for 4 ms of every command

_CTRL_C = b"\x03"
# How long after Ctrl-C the end of a program still counts as its answer to it.
_SECONDS_TO_INTERRUPT = 5.0
_SECONDS_TO_START = 60.0


def main(argv: Sequence[str]) -> int:
    """Run it. Returns its status, or our own exit code with a message when it could not be started."""
    from ddd_tasks.errors import DddError, NotRunningError, StoppedError

    try:
        return _run(argv[1], list(argv[2:]))
    except DddError as error:
        from ddd_tasks import console  # only a refusal needs it

        if isinstance(error, (NotRunningError, StoppedError)):
            error.hint = _again()  # a session's container comes with the session, not with dev.up
        console.error(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(file: str, argv: list[str]) -> int:
    from ddd_tasks.engine import exec as execution
    from ddd_tasks.engine import quickjson as json
    from ddd_tasks.engine.api import Engine
    from ddd_tasks.errors import NotRunningError
    from ddd_tasks.sessions import state as states

    state = states.read(file)
    if state is None:
        raise _no_session(file)
    engine = Engine.connect()
    asked = {"forward": [], "unset": [], "path": []} | json.loads(os.environ.get(states.COMMAND, "{}"))
    env = _environment(state, asked)
    interrupt = _Interrupt()
    words = [*(() if _is_pip(argv) else state.wrapper), *_without(argv, asked["unset"], state)]
    command = execution.Exec(state.container, words, _workdir(state), state.user, env)

    def run() -> int:
        if not state.has_pip and _is_pip(argv):
            _add_pip(engine, state, env)
        return execution.run(engine, command, on_input=interrupt.see)

    try:
        status = run()
    except NotRunningError:
        if not _has_started_since(engine, state.container):
            raise
        status = run()
    if status != 0 and interrupt.was_typed():
        # On a terminal Ctrl-C goes to the program alone. Whoever runs the session has to stop as well.
        os.kill(os.getppid(), signal.SIGINT)
    return status


def _has_started_since(engine: Any, container: str) -> bool:
    """Whether the container, which did not run, was still starting: the first program may be faster than the engine."""
    from ddd_tasks.errors import EngineError

    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            status = engine.get(f"/containers/{container}/json")["State"]["Status"]  # waits while the engine starts it
        except EngineError:
            return False
        if status != "created":
            return bool(status == "running")
        time.sleep(0.005)
    return False


def _no_session(file: str) -> Exception:
    from ddd_tasks.errors import NotRunningError

    return NotRunningError(f"no session is described in {file}", hint="nox --list")


def _again() -> str:
    """The command line that runs this session anew, in a new container."""
    import shlex

    name = os.environ.get("NOX_CURRENT_SESSION", "")
    return f"nox --session {shlex.quote(name)}" if name else "nox --list"


class _Interrupt:
    """Remembers when Ctrl-C was typed."""

    def __init__(self) -> None:
        self._typed = float("-inf")

    def see(self, data: bytes) -> None:
        if _CTRL_C in data:
            self._typed = time.monotonic()

    def was_typed(self) -> bool:
        return time.monotonic() - self._typed < _SECONDS_TO_INTERRUPT


def _workdir(state: State) -> str:
    """Our own directory, which is the same inside. Raises UnsupportedError where it is not shared."""
    here = os.getcwd()
    if any(here == place or here.startswith(f"{place}/") for place in state.shared):
        return here
    from ddd_tasks.errors import UnsupportedError

    raise UnsupportedError(
        f"{here} is not in the session's container",
        cause=f"only {' and '.join(state.shared)} and the stage's volumes= are; session.create_tmp() is there too",
        hint=f"stage({state.stage!r}, volumes=[{here + ':' + here!r}])",
    )


def _environment(state: State, asked: Mapping[str, Any]) -> dict[str, str]:
    """The session's variables and what this command gets beside them."""
    env = {**state.env, **{name: os.environ[name] for name in asked["forward"] if name in os.environ}}
    # Directories that the session has put on PATH count where the container has them too.
    shared = tuple(f"{place}/" for place in state.shared)
    ahead = [entry for entry in asked["path"] if entry.startswith(shared) and entry != state.shims]
    return {**env, "PATH": ":".join([*ahead, state.env["PATH"]])}


def _without(argv: list[str], unwanted: Sequence[str], state: State) -> list[str]:
    """The command without variables of the image that the session does not want: exec can add, not remove."""
    words = [word for name in unwanted if name in state.image_env for word in ("-u", name)]
    return ["env", *words, *argv] if words else argv


def _is_pip(argv: list[str]) -> bool:
    return argv[0] in ("pip", "pip3") or (argv[0].startswith("python") and argv[1:3] == ["-m", "pip"])


def _add_pip(engine: Any, state: State, env: Mapping[str, str]) -> None:
    """Put pip into the venv from the wheel that Python brings along. Raises UnsupportedError where it has none."""
    from ddd_tasks.engine import exec as execution
    from ddd_tasks.errors import UnsupportedError

    said = b""
    for argv in (["python", "-c", "import pip"], ["python", "-m", "ensurepip"], ["python", "-c", "import pip"]):
        done = execution.capture(engine, state.container, argv, user=state.user, env=env)
        said += done.stderr
        if argv[1] == "-c" and done.status == 0:
            return
    raise UnsupportedError(
        f"stage {state.stage!r} has nothing to install packages with",
        cause=f"neither pip nor uv is in its image, and ensurepip did not help:\n{said.decode(errors='replace')}",
        hint="nox --no-install",
    )


if __name__ == "__main__":
    # In place of this folder: its files must not pass for top-level modules.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.exit(main(sys.argv))
