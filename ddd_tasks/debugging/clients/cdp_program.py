"""A JavaScript program under its inspector: breakpoints that outlive a restart, and where it stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddd_tasks.debugging.clients.base import Breakpoint, Frame, Stop
from ddd_tasks.debugging.clients.cdp_scripts import Script, Scripts
from ddd_tasks.debugging.clients.cdp_session import Session, SessionEndedError, open_session
from ddd_tasks.debugging.clients.errors import DebuggerError, NotListeningError
from ddd_tasks.debugging.clients.urls import pattern_of, to_local, to_remote
from ddd_tasks.language import PathMapping

# How often a port is tried again: while a reloader starts the program anew, nothing listens for a moment.
_PAUSE = 0.05
_REASONS = {"Break on start": "entry", "exception": "exception", "promiseRejection": "exception"}
_READ = "try { require('fs').readFileSync(%s, 'utf8') } catch { '' }"


class Program:
    """The program behind a port; everything but `stops` belongs to one event loop.

    stops: filled with each Stop, or with what kept one from being told. restart: whether to connect, with the same
    breakpoints, to the process that a reloader starts instead of one that ended.
    """

    def __init__(self, host: str, port: int, mappings: Sequence[PathMapping], *, restart: bool) -> None:
        self._host, self._port, self._mappings, self._restart = host, port, tuple(mappings), restart
        self.stops: queue.Queue[Stop | Exception] = queue.Queue()
        self._wanted: dict[str, dict[int, str]] = {}
        self._ids: dict[str, list[str]] = {}
        self._frames: dict[str, Mapping[str, Any]] = {}
        self._binding = asyncio.Lock()
        self._connected = asyncio.Event()
        self._events: asyncio.Queue[tuple[str, Mapping[str, Any]]] = asyncio.Queue()
        self._scripts = Scripts(self._read)
        self._session: Session | None = None
        self._context = 0
        self._is_closed = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, grace: float) -> None:
        """Connect, and stay so until close(). grace: seconds in which a refused connection is tried again.

        Raises NotListeningError.
        """
        deadline = asyncio.get_running_loop().time() + grace
        while True:
            try:
                reading = await self._attach()
                break
            except (NotListeningError, SessionEndedError):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_PAUSE)
        self._tasks = [asyncio.create_task(self._stay(reading)), asyncio.create_task(self._handle())]

    async def set_breakpoints(self, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        """See base.Client; waits while the program is being restarted."""
        self._wanted[path] = dict(lines)
        while True:
            await self._connected.wait()
            with contextlib.suppress(SessionEndedError):
                return await self._bind(path)
            await asyncio.sleep(_PAUSE)

    async def sources(self) -> list[str]:
        """See base.Client."""
        return await self._scripts.sources()

    async def scopes(self, frame: Frame) -> list[Mapping[str, Any]]:
        """The variables of a frame's local scopes, the innermost first: Runtime.PropertyDescriptor."""
        found: list[Mapping[str, Any]] = []
        for index, scope in enumerate(self._call_frame(frame)["scopeChain"]):
            if index and scope["type"] not in ("local", "block", "catch"):
                break
            object_id = scope["object"]["objectId"]
            answer = await self.request(
                "Runtime.getProperties", objectId=object_id, ownProperties=True, generatePreview=True
            )
            found += answer["result"]
            if scope["type"] == "local":
                break
        return found

    async def evaluate(self, expression: str, frame: Frame) -> dict[str, Any]:
        """The answer of Debugger.evaluateOnCallFrame."""
        self._call_frame(frame)
        return await self.request(
            "Debugger.evaluateOnCallFrame", callFrameId=frame.id, expression=expression, generatePreview=True
        )

    async def resume(self, stop: Stop) -> None:
        """Let the program go on, unless it is gone or runs already."""
        if not stop.frames or stop.frames[0].id not in self._frames:
            return
        self._frames = {}
        with contextlib.suppress(DebuggerError):
            await self.request("Debugger.resume")

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """A request to the connected program. Raises DebuggerError."""
        if self._session is None:
            raise SessionEndedError(f"{method} could not be sent", cause="the program is not running now")
        return await self._session.request(method, **params)

    async def close(self) -> None:
        """Detach. Debugger.disable removes the breakpoints and lets a stopped program go on."""
        self._is_closed = True
        if self._session is not None:
            with contextlib.suppress(DebuggerError):
                await self._session.request("Debugger.disable")
            await self._session.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the connection ---

    async def _attach(self) -> asyncio.Task[None]:
        """A new connection with all breakpoints set; the task reads from it until it ends."""
        self._scripts, self._ids, self._frames, self._context = Scripts(self._read), {}, {}, 0
        session = await open_session(self._host, self._port, self._on_event)
        self._session = session
        reading = asyncio.create_task(session.run())
        try:
            await session.request("Runtime.enable")
            await session.request("Debugger.enable")
            for path in list(self._wanted):
                await self._bind(path)
            await session.request("Runtime.runIfWaitingForDebugger")
        except BaseException:
            reading.cancel()
            self._session = None
            raise
        self._connected.set()
        return reading

    async def _stay(self, reading: asyncio.Task[None]) -> None:
        """Connect again whenever the connection ends, as editors do."""
        while True:
            await reading
            self._connected.clear()
            self._session, self._frames = None, {}
            while not self._connected.is_set():
                if self._is_closed or not self._restart:
                    return
                try:
                    reading = await self._attach()
                except DebuggerError:
                    await asyncio.sleep(_PAUSE)

    # --- events ---

    def _on_event(self, method: str, params: Mapping[str, Any]) -> None:
        """Called between two messages: what needs answers of the program waits for its turn."""
        if method == "Debugger.scriptParsed":
            script = Script(params["scriptId"], params["url"], params.get("sourceMapURL") or "")
            self._scripts.add(script)
            if script.map_url and self._wanted and self._connected.is_set():
                self._events.put_nowait((method, {"script": script}))
        elif method == "Debugger.paused":
            self._events.put_nowait((method, {**params, "session": self._session}))
        elif method == "Runtime.executionContextCreated":
            self._context = self._context or params["context"]["id"]
        elif method == "Runtime.executionContextDestroyed" and params["executionContextId"] == self._context:
            # The program has ended, but Node.js waits until its debugger has gone.
            self._events.put_nowait((method, {"session": self._session}))

    async def _handle(self) -> None:
        while True:
            method, params = await self._events.get()
            try:
                if method == "Debugger.scriptParsed":
                    await self._bind_again(params["script"])
                elif params["session"] is not self._session or self._session is None:
                    continue  # of a program that has ended since
                elif method == "Debugger.paused":
                    self.stops.put(await self._stop_of(params))
                else:
                    await self._session.close()
            except SessionEndedError:
                continue
            except Exception as error:  # noqa: BLE001 - raised where a stop is waited for
                self.stops.put(error)

    async def _stop_of(self, params: Mapping[str, Any]) -> Stop:
        self._frames = {frame["callFrameId"]: frame for frame in params["callFrames"]}
        reason = "breakpoint" if params.get("hitBreakpoints") else _REASONS.get(params["reason"], "pause")
        return Stop(reason, tuple([await self._frame_of(frame) for frame in params["callFrames"]]), "main")

    async def _frame_of(self, frame: Mapping[str, Any]) -> Frame:
        place = frame["location"]
        path, line = await self._scripts.original(place["scriptId"], place["lineNumber"], place.get("columnNumber", 0))
        name = frame["functionName"] or "(anonymous)"
        return Frame(name, to_local(self._mappings, path) or path, line + 1, frame["callFrameId"])

    def _call_frame(self, frame: Frame) -> Mapping[str, Any]:
        if frame.id not in self._frames:
            raise DebuggerError(f"{frame.name} is no frame any more", cause="the program has gone on since")
        return self._frames[frame.id]

    # --- breakpoints ---

    async def _bind_again(self, script: Script) -> None:
        """Breakpoints that were set by the line of a source, before it was known that a script was made from it."""
        for path in list(self._wanted):
            remote = to_remote(self._mappings, path)
            if remote and await self._scripts.concerns(script, remote):
                await self._bind(path)

    async def _bind(self, path: str) -> list[Breakpoint]:
        """Replace the breakpoints of a host file by those that are wanted."""
        async with self._binding:
            for old in self._ids.pop(path, []):
                await self.request("Debugger.removeBreakpoint", breakpointId=old)
            remote = to_remote(self._mappings, path)
            if remote is None:
                message = "no path mapping holds this file"
                return [Breakpoint(path, line, False, message) for line in self._wanted[path]]
            return [
                await self._bind_line(path, remote, line, condition) for line, condition in self._wanted[path].items()
            ]

    async def _bind_line(self, path: str, remote: str, line: int, condition: str) -> Breakpoint:
        is_loaded = await self._scripts.is_loaded(remote)
        places = await self._scripts.places(remote, line - 1)
        if not places and is_loaded:
            return Breakpoint(path, line, False, _no_code(line, remote))
        lines = []
        for where in [place.as_parameters() for place in places] or [_pending(remote, line)]:
            answer = await self.request("Debugger.setBreakpointByUrl", condition=condition, **where)
            self._ids.setdefault(path, []).append(answer["breakpointId"])
            for found in answer["locations"]:
                place = await self._scripts.original(found["scriptId"], found["lineNumber"], found["columnNumber"])
                lines.append(place[1] + 1)
        if lines:
            return Breakpoint(path, lines[0], True)
        why = _no_code(line, remote) if is_loaded else f"the program has not loaded {remote}"
        return Breakpoint(path, line, False, why)

    async def _read(self, path: str) -> str:
        """A file as the host has it, or else as the program sees it."""
        local = to_local(self._mappings, path)
        if local:
            with contextlib.suppress(OSError, ValueError):
                return Path(local).read_text()
        expression = _READ % json.dumps(path)
        answer = await self.request("Runtime.evaluate", expression=expression, includeCommandLineAPI=True)
        return str(answer["result"].get("value", ""))


def _pending(path: str, line: int) -> dict[str, Any]:
    """A breakpoint for whenever a script of this path is loaded."""
    return {"urlRegex": pattern_of(path), "lineNumber": line - 1, "columnNumber": 0}


def _no_code(line: int, path: str) -> str:
    return f"no code at or after line {line} of {path}"
