"""What every task has in common: -e and --dry reach our programs, a refusal becomes its message and exit code."""

from __future__ import annotations

import functools
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from ddd_tasks import console, process
from ddd_tasks.engine import terminal
from ddd_tasks.errors import ConfigError, DddError, ExitCode, Terminated
from ddd_tasks.tasks import completing

JSON_HELP = "Print the result as JSON."
SERVICE_HELP = "Service of the Compose file (default: the one whose code is here, or the only one that is built)."

completing.install()


def task(*args: Any, **kwargs: Any) -> Callable[[Callable[..., None]], Task[Any]]:
    """invoke's @task with our boundary around the body; a task with a json flag reports refusals as JSON, too."""

    def decorate(body: Callable[..., None]) -> Task[Any]:
        @functools.wraps(body)
        def guarded(c: Context, *words: Any, **flags: Any) -> None:
            with boundary(c, as_json=bool(flags.get("json"))):
                body(c, *words, **flags)

        made: Task[Any] = invoke_task(*args, **kwargs)(guarded)
        return made

    return decorate


@contextmanager
def boundary(c: Context, *, as_json: bool = False) -> Iterator[None]:
    """Turn what goes wrong in the block into a message and the exit code of errors.py."""
    terminal.reserve_standard_streams()
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP on purpose
                signal.signal(number, _terminate)
        with process.mode(echo=bool(c.config.run.echo), dry=bool(c.config.run.dry)):
            yield
    except DddError as error:
        from ddd_tasks import refusals  # only a refusal needs it

        refusals.remember(error)
        if as_json:
            console.result_json(error.as_dict())
        else:
            console.error(error)
        leave(error.exit_code)
    except KeyboardInterrupt as interruption:
        console.note("interrupted")
        leave(128 + getattr(interruption, "number", signal.SIGINT))
    except Exit:
        raise
    except BrokenPipeError:  # whoever read our output has gone: no word would be read either
        os.dup2(os.open(os.devnull, os.O_WRONLY), terminal.STDOUT)
        leave(128 + signal.SIGPIPE)
    except Exception as error:  # noqa: BLE001 - the last place where a bug of ours can be told as one
        console.note(traceback.format_exc())
        console.error(DddError(f"a bug of ddd-tasks: {type(error).__name__}: {error}", cause="the traceback above"))
        leave(ExitCode.BUG)


def _terminate(number: int, _: object) -> NoReturn:
    raise Terminated(number)


def checked_tail(tail: str, name: str) -> str:
    """What --tail of the task of that name was given: a number of lines, or all. Raises ConfigError."""
    if tail != "all" and not tail.isdecimal():
        cause = "it has to be a number of lines, or all"
        raise ConfigError(f"--tail was given {tail!r}", cause=cause, hint=f"ddd {name} --tail 100")
    return tail


def leave(status: int) -> None:
    """End the program with this exit status and no further word; with 0 the next task of the line has its turn."""
    if status:
        raise Exit(code=status)


def words(c: Context) -> list[str]:
    """The words after `--`, exactly as typed.

    Invoke joins them with blanks and so loses the quoting; they are taken from the command line itself where its join
    is the same. Returns [] when there was no `--`.
    """
    joined = getattr(c, "remainder", None)  # since Invoke 3.0
    typed = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if joined is None or " ".join(typed) == joined:
        return typed
    return shlex.split(joined)
