"""A client of the Debug Adapter Protocol, as an editor is one: debugpy, Delve, and netcoredbg, which is not tested.

Debuggers of this protocol translate paths by themselves: the mappings are among the arguments of attach.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ddd_tasks.debugging.clients import dapgreeting, dapsources
from ddd_tasks.debugging.clients.base import Breakpoint, Frame, Stop
from ddd_tasks.debugging.clients.dapsession import ENDED, Message, Session
from ddd_tasks.debugging.clients.dialects import spoken
from ddd_tasks.debugging.clients.errors import DebuggerError, DebuggerTimeoutError, EvaluationError
from ddd_tasks.debugging.clients.transport import Tcp, Transport
from ddd_tasks.language import PathMapping

_MOST_FRAMES = 50


def connect(
    host: str,
    port: int,
    arguments: Mapping[str, Any],
    mappings: Sequence[PathMapping] = (),  # noqa: ARG001 - clients of other protocols translate by themselves
    *,
    timeout: float = 10.0,
) -> DapClient:
    """Attach to the program behind a debugger. arguments: as Language.debug.arguments gives them.

    timeout: seconds for each answer. Raises NotListeningError and AttachError.
    """
    return attach(lambda: Tcp(host, port, timeout), arguments, timeout=timeout)


def attach(dial: Callable[[], Transport], arguments: Mapping[str, Any], *, timeout: float = 10.0) -> DapClient:
    """The same over any transport, such as the streams of a Program."""
    client = DapClient(timeout)
    try:
        client.add(dial(), arguments)
        client.wait_for_children()
    except BaseException:
        client.close()
        raise
    return client


class DapClient:
    """An attached debugger, with a session for each process of the program that it reports; see base.Client."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._sessions: list[Session] = []
        self._breakpoints: dict[str, Mapping[int, str]] = {}
        self._stops: queue.SimpleQueue[tuple[Session, Message]] = queue.SimpleQueue()
        self._stopped: dict[tuple[int, int], Session] = {}
        self._children: list[threading.Thread] = []
        self._failures: list[DebuggerError] = []
        self._lock = threading.Lock()
        self._made = 0
        self._is_closed = False

    def add(self, transport: Transport, arguments: Mapping[str, Any]) -> None:
        """Open a session: greet, attach, set the breakpoints that there are, let go. Raises DebuggerError."""
        with self._lock:
            self._made += 1
            session = Session(transport, self._on_event, number=self._made)
            session.arguments = arguments
        try:
            dapgreeting.greet(session, seconds=self._timeout)
            attaching = session.begin("attach", {"request": "attach", **arguments})
            dapgreeting.wait_until_initialized(session, attaching, seconds=self._timeout)
            with self._lock:  # a set_breakpoints at this moment reaches the session here or there
                for path, lines in self._breakpoints.items():
                    self._send_breakpoints(session, path, lines)
                if self._is_closed:
                    raise DebuggerError("the client has left meanwhile")
                self._sessions.append(session)
            session.request("setExceptionBreakpoints", {"filters": []}, seconds=self._timeout)
            session.request("configurationDone", seconds=self._timeout)
            session.answer(attaching, seconds=self._timeout)
            # Children that run already are reported before the next answer.
            session.request("threads", seconds=self._timeout)
        except DebuggerError as error:
            self._drop(session)
            raise dapgreeting.attach_error(error) from error

    def wait_for_children(self) -> None:
        """Wait until every process that was reported by now has a session."""
        deadline = time.monotonic() + self._timeout
        while (waiting := next((one for one in self._children if one.is_alive()), None)) is not None:
            waiting.join(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                return

    def set_breakpoints(self, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        """See base.Client. Of several processes, the answer is that of the one that likes the breakpoint best."""
        with self._lock:
            self._breakpoints[path] = dict(lines)
            answers = []
            for session in self._open():
                try:
                    answers.append(self._send_breakpoints(session, path, lines))
                except DebuggerError:
                    if session.is_open:  # else a process that ended at this moment
                        raise
        if not answers:
            raise self._end()
        return [max(said, key=lambda one: one.is_verified) for said in zip(*answers, strict=True)]

    def wait_for_stop(self, seconds: float) -> Stop | None:
        """See base.Client. Raises DebuggerError when the debugger has ended."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                session, body = self._stops.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if not self._open():
                self._stops.put((session, body))  # it is so at the next call as well
                raise self._end()
            with contextlib.suppress(DebuggerError):  # of a process, or a thread, that has ended since
                if body and session.is_open:
                    return self._stop(session, body)

    def variables(self, frame: Frame) -> dict[str, str]:
        """See base.Client."""
        session, number = self._session_of(frame.id)
        scopes = session.request("scopes", {"frameId": number}, seconds=self._timeout).get("scopes", [])
        if not scopes:
            return {}
        reference = {"variablesReference": scopes[0]["variablesReference"]}
        found = session.request("variables", reference, seconds=self._timeout).get("variables", [])
        return {one["name"]: one["value"] for one in found if not _is_group(one)}

    def evaluate(self, expression: str, frame: Frame) -> str:
        """See base.Client."""
        session, number = self._session_of(frame.id)
        asked = {"expression": expression, "frameId": number, "context": spoken(session.arguments).values}
        try:
            return str(session.request("evaluate", asked, seconds=self._timeout).get("result", ""))
        except DebuggerTimeoutError:
            raise
        except DebuggerError as error:
            raise EvaluationError(f"{expression!r} has no value here", cause=error.cause or error.what) from error

    def resume(self, stop: Stop) -> None:
        """See base.Client."""
        session, thread = self._session_of(stop.thread)
        self._stopped.pop((session.number, thread), None)
        session.request("continue", {"threadId": thread}, seconds=self._timeout)

    def sources(self) -> list[str]:
        """See base.Client. No request of the protocol does it in both debuggers; debugpy even dies of loadedSources."""
        found: dict[str, None] = {}
        for session in self._open():
            with contextlib.suppress(DebuggerError):
                standing = any(number == session.number for number, _ in self._stopped)
                forget = partial(self._forget_stops, session)
                told = dapsources.ask(session, forget, is_standing=standing, seconds=self._timeout)
                found.update(dict.fromkeys(told))
        return list(found)

    def close(self) -> None:
        """See base.Client."""
        if self._is_closed:
            return
        self.wait_for_children()  # one that we had turned to would wait for us for ever
        with self._lock:
            self._is_closed = True
            sessions = self._open()
        for session in reversed(sessions):
            with contextlib.suppress(DebuggerError):
                self._free(session)
            with contextlib.suppress(DebuggerError):
                session.disconnect(seconds=self._timeout)
        time.sleep(max((spoken(session.arguments).pause for session in sessions), default=0))

    def _forget_stops(self, session: Session) -> None:
        self._stopped = {key: value for key, value in self._stopped.items() if key[0] != session.number}

    def _send_breakpoints(self, session: Session, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        wanted = [{"line": line, **({"condition": when} if when else {})} for line, when in lines.items()]
        asked = {"source": {"path": path}, "breakpoints": wanted, "lines": list(lines)}
        told = session.request("setBreakpoints", asked, seconds=self._timeout).get("breakpoints", [])
        return [
            Breakpoint(path, int(said.get("line") or line), bool(said.get("verified")), str(said.get("message") or ""))
            for line, said in zip(lines, told, strict=True)
        ]

    def _stop(self, session: Session, body: Message) -> Stop:
        thread = int(body["threadId"])
        asked = {"threadId": thread, "startFrame": 0, "levels": _MOST_FRAMES}
        rows = session.request("stackTrace", asked, seconds=self._timeout).get("stackFrames", [])
        frames = tuple(_frame(session, row) for row in rows)
        return Stop(str(body.get("reason", "")), frames, f"{session.number}:{thread}")

    def _on_event(self, session: Session, name: str, body: Message) -> None:
        """Runs on the session's reader: nothing here waits."""
        if name == "stopped" and body.get("reason") == "pause":
            session.paused.set()
        elif name == "stopped":
            self._stopped[session.number, int(body.get("threadId") or 0)] = session
            self._stops.put((session, body))
        elif name == "continued":
            for key in [key for key in self._stopped if key[0] == session.number]:
                if body.get("allThreadsContinued", True) or key[1] == body.get("threadId"):
                    self._stopped.pop(key, None)
        elif name == "debugpyAttach":
            child = threading.Thread(target=self._adopt, args=(body,), daemon=True)
            self._children.append(child)
            child.start()
        elif name in ("terminated", ENDED):
            self._stops.put((session, {}))

    def _adopt(self, arguments: Message) -> None:
        """A session of its own for a process that the program has started."""
        address = arguments["connect"]
        try:
            self.add(Tcp(address["host"], address["port"], self._timeout), arguments)
        except DebuggerError as error:  # it may have ended meanwhile; what it was is told by nobody
            self._failures.append(error)

    def _free(self, session: Session) -> None:
        """Let the program go on without breakpoints: Delve would keep it halted, others too when they are not told."""
        for path in self._breakpoints:
            self._send_breakpoints(session, path, {})
        for (number, thread), _ in list(self._stopped.items()):
            if number == session.number:
                session.request("continue", {"threadId": thread}, seconds=self._timeout)

    def _drop(self, session: Session) -> None:
        """Leave a session that did not come about; a debugger that still attaches must not wait for us."""
        with contextlib.suppress(DebuggerError):
            session.disconnect(seconds=1)
        with self._lock:
            self._sessions = [one for one in self._sessions if one is not session]

    def _end(self) -> DebuggerError:
        return DebuggerError("the debugger ended", cause=next((one.why_ended for one in self._sessions), ""))

    def _open(self) -> list[Session]:
        return [session for session in self._sessions if session.is_open]

    def _session_of(self, place: str) -> tuple[Session, int]:
        """The session and the debugger's own number in the id of a frame or thread."""
        number, _, own = place.partition(":")
        return next(one for one in self._sessions if one.number == int(number)), int(own)


def _frame(session: Session, row: Message) -> Frame:
    source = row.get("source") or {}
    path = str(source.get("path") or source.get("name") or "")
    return Frame(str(row.get("name", "")), path, int(row.get("line", 0)), f"{session.number}:{row['id']}")


def _is_group(variable: Message) -> bool:
    """debugpy lists groups such as 'special variables' among the variables."""
    return variable["name"].endswith(" variables") and not variable.get("value") and not variable.get("type")
