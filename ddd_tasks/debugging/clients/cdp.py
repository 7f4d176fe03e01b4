"""A client of the Chrome DevTools Protocol, which the inspector of Node.js speaks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from ddd_tasks.debugging.clients.base import Breakpoint, Frame, Stop
from ddd_tasks.debugging.clients.cdp_program import Program
from ddd_tasks.debugging.clients.cdp_values import show
from ddd_tasks.debugging.clients.errors import DebuggerTimeoutError, EvaluationError
from ddd_tasks.language import PathMapping

_T = TypeVar("_T")
# A refused connection is tried again for so long: a reloader may be about to start the program.
_GRACE = 1.0


class CdpClient:
    """A base.Client; made by connect(). Its own thread reads events, and connects again after a restart."""

    def __init__(self, host: str, port: int, mappings: Sequence[PathMapping], *, restart: bool, timeout: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"inspector of {host}:{port}", daemon=True)
        self._thread.start()
        self._is_closed = False
        try:
            self._program = self._call(_made(host, port, mappings, restart), f"the inspector on {host}:{port}")
        except BaseException:
            self._end_loop()
            raise

    def set_breakpoints(self, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        """Replace the breakpoints of a host file: line -> condition, "" for none."""
        return self._call(self._program.set_breakpoints(path, lines), "setting breakpoints")

    def wait_for_stop(self, seconds: float) -> Stop | None:
        """The next stop, or None when the time is over."""
        try:
            found = self._program.stops.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def variables(self, frame: Frame) -> dict[str, str]:
        """The local variables of a frame; what is not initialised yet has no value to show."""
        found: dict[str, str] = {}
        for one in self._call(self._program.scopes(frame), "reading variables"):
            if "value" in one:
                found.setdefault(one["name"], show(one["value"]))
        return found

    def evaluate(self, expression: str, frame: Frame) -> str:
        """The value of an expression in a frame. Raises EvaluationError with the engine's words."""
        answer = self._call(self._program.evaluate(expression, frame), f"evaluating {expression!r}")
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            words = details.get("exception", {}).get("description") or details["text"]
            raise EvaluationError(f"{expression!r} has no value in {frame.name}", cause=words.split("\n")[0])
        return show(answer["result"])

    def resume(self, stop: Stop) -> None:
        """Let the program go on; a stop that is over changes nothing."""
        self._call(self._program.resume(stop), "resuming")

    def sources(self) -> list[str]:
        """The paths in the container of the files that were loaded, and of those that they were compiled from."""
        return self._call(self._program.sources(), "listing sources")

    def close(self) -> None:
        """Detach: the program goes on, without breakpoints. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._call(self._program.close(), "detaching")
        finally:
            self._end_loop()

    def _call(self, work: Coroutine[Any, Any, _T], what: str) -> _T:
        """Run work in the thread. Raises what it raises, or DebuggerTimeoutError."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(self._timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise DebuggerTimeoutError(f"{what}: no answer after {self._timeout:g} s") from None

    def _end_loop(self) -> None:
        self._call(_nothing_left(), "detaching")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._timeout)
        self._loop.close()


async def _made(host: str, port: int, mappings: Sequence[PathMapping], restart: bool) -> Program:
    """A connected program; made in the loop that it belongs to."""
    program = Program(host, port, mappings, restart=restart)
    await program.open(_GRACE)
    return program


async def _nothing_left() -> None:
    """End what still runs in the loop, such as an attempt to connect."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def connect(
    host: str, port: int, arguments: Mapping[str, Any], mappings: Sequence[PathMapping], *, timeout: float = 10.0
) -> CdpClient:
    """Attach to the inspector on a port. arguments: of an editor's; restart says whether to connect to a new process.

    timeout: seconds that each call may take. Raises NotListeningError, or DebuggerTimeoutError of a silent port.
    """
    return CdpClient(host, port, mappings, restart=bool(arguments.get("restart", True)), timeout=timeout)
