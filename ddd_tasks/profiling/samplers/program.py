"""A profiler at work in a container beside a service: Ctrl-C ends its sampling, not its writing."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing

from ddd_tasks.debugging import target
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import EngineError
from ddd_tasks.profiling import sampled

MEANWHILE = "it was profiled"
EARLY = "ended early: what was seen until then is kept"
PID = "/tmp/profiler.pid"
_BEGIN = f'echo $$ > {PID}; exec "$@"'
_END = f'kill -INT "$(cat {PID})"'
_LOOK = 0.2
_SECONDS_TO_WRITE = 60.0
_SECONDS_TO_NOTICE = 1.0


def run(engine: Engine, found: Target, container: str, argv: Sequence[str], what: str, seconds: float) -> Captured:
    """Run it to its end, with a bar on a terminal that says what. It ends by itself after these seconds.

    A first Ctrl-C has it end early, a second one leaves it to the container's end. Raises NotRunningError where the
    service ends meanwhile, EngineError, KeyboardInterrupt where it has not begun yet.
    """
    program = _Program(container, argv)
    with sampled.meanwhile(what, seconds):
        program.thread.start()
        try:
            _wait(engine, found, program, seconds + _SECONDS_TO_WRITE)
        except KeyboardInterrupt as interruption:
            # A signal that is not Ctrl-C ends the task.
            if type(interruption) is not KeyboardInterrupt:
                raise
            if not _has_been_told(engine, container) and not program.ended.is_set():
                raise
            _wait(engine, found, program, _SECONDS_TO_WRITE)
    return program.result()


def ask(engine: Engine, found: Target, container: str, argv: Sequence[str]) -> Captured:
    """Run what answers at once. Raises NotRunningError where the service ends meanwhile, EngineError."""
    program = _Program(container, argv)
    program.thread.start()
    _wait(engine, found, program, _SECONDS_TO_WRITE)
    return program.result()


def written(engine: Engine, found: Target, container: str, file: str) -> bytes:
    """The file that it wrote. Raises NotRunningError where the service, and so this container, has just ended."""
    ran = execs.capture(engine, container, ["cat", file])
    deadline = time.monotonic() + _SECONDS_TO_NOTICE
    while ran.status:  # the engine notices the end of a container a moment later
        if gone := target.gone(engine, found, MEANWHILE):
            raise gone
        if time.monotonic() > deadline:
            what = f"what the profiler of service {found.service.name!r} wrote cannot be read"
            raise EngineError(what, cause=ran.stderr.decode(errors="replace"))
        time.sleep(_LOOK)
    return ran.stdout


class _Program:
    """Its run in a thread, so that ours is free for Ctrl-C. The thread ends with the container at the latest."""

    def __init__(self, container: str, argv: Sequence[str]) -> None:
        self.thread = threading.Thread(target=self._run, args=(container, list(argv)), daemon=True)
        # Not thread.join: a Ctrl-C in it has Python before 3.13 take the thread for ended.
        self.ended = threading.Event()
        self._problem: BaseException | None = None
        self._ran: Captured | None = None

    def result(self) -> Captured:
        """How it ended. Raises what went wrong."""
        if self._ran is None:
            raise self._problem or EngineError("the profiler has not ended")
        return self._ran

    def _run(self, container: str, argv: list[str]) -> None:
        try:
            with closing(Engine.connect()) as engine:
                self._ran = execs.capture(engine, container, ["sh", "-c", _BEGIN, "sh", *argv])
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._problem = error
        finally:
            self.ended.set()


def _wait(engine: Engine, found: Target, program: _Program, seconds: float) -> None:
    """Wait for its end. The stream of an exec may stay open when its container ends: so the service is looked at."""
    deadline = time.monotonic() + seconds
    while not program.ended.wait(_LOOK):
        if gone := target.gone(engine, found, MEANWHILE):
            raise gone
        if time.monotonic() > deadline:
            raise EngineError(
                f"the profiler of service {found.service.name!r} does not end",
                cause=f"it was waited for {seconds:.0f} s",
                hint=f"ddd debug.doctor --service {found.service.name}",
            )


def _has_been_told(engine: Engine, container: str) -> bool:
    return execs.capture(engine, container, ["sh", "-c", _END]).status == 0
