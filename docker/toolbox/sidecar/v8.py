"""The profilers of V8, through the inspector of a Node.js program that is opened for as long as they work.

The commands write one JSON document to a file: `cpu` a .cpuprofile, `heap` a .heapprofile with what was allocated
meanwhile and is still in use, `dump` the calls of the main thread. SIGINT ends the first two early, SIGTERM all of them
without a document. The first line on stdout is {"error": kind, "cause": text} where it could not be done.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sidecar import proc
from sidecar.arms import ArmError, Options, node
from sidecar.inspector import Session
from sidecar.proc import Process

_PORT = 9229
_SECONDS_TO_ANSWER = 30.0  # a large heap is walked for its garbage
_SECONDS_TO_PAUSE = 0.5
_BYTES_APART = 32768  # V8's own default
_LONGEST = 200  # characters of a value


def main(words: list[str] | None = None) -> int:
    """Run the command of the command line; the exit status is 1 where it could not be done."""
    given = _arguments().parse_args(words)
    signal.signal(signal.SIGTERM, _terminate)
    # One is waited for: a handler would come between the answers of the inspector. The other one waits until there is
    # something to close.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        with _inspected(given.pid) as session:
            document = _COMMANDS[given.command](session, given)
    except ArmError as error:
        return _failed(error.kind, error.cause)
    except (OSError, ValueError) as error:
        return _failed("failed", str(error) or type(error).__name__)
    given.to.write_text(json.dumps(document))
    return 0


def cpu(session: Session, given: argparse.Namespace) -> dict[str, Any]:
    """What runs on the main thread for so many seconds, as a .cpuprofile."""
    session.result("Profiler.enable")
    session.result("Profiler.setSamplingInterval", interval=round(1e6 / given.rate))
    session.result("Profiler.start")
    # Of code that was optimized before, V8 knows no lines, and not what was inlined. This has it forget that code, and
    # what is optimized from now on is known.
    session.result("Profiler.startPreciseCoverage")
    session.result("Profiler.stopPreciseCoverage")
    signal.sigtimedwait([signal.SIGINT], given.seconds)
    return dict(session.result("Profiler.stop", _SECONDS_TO_ANSWER)["profile"])


def heap(session: Session, given: argparse.Namespace) -> dict[str, Any]:
    """What is allocated in so many seconds and still in use then, as a .heapprofile."""
    session.result("HeapProfiler.enable")
    session.result("HeapProfiler.startSampling", samplingInterval=_BYTES_APART)
    signal.sigtimedwait([signal.SIGINT], given.seconds)
    # What nobody uses any more would be told as if it were in use.
    session.result("HeapProfiler.collectGarbage", _SECONDS_TO_ANSWER)
    return dict(session.result("HeapProfiler.stopSampling", _SECONDS_TO_ANSWER)["profile"])


def dump(session: Session, given: argparse.Namespace) -> dict[str, Any]:
    """{"calls": those of the main thread, the innermost first}: none where it waits, and so cannot be paused.

    It stands still until its calls are read; the end of the session, whatever ends it, lets it go on.
    """
    session.result("Debugger.enable")
    session.result("Debugger.pause")
    paused = session.event("Debugger.paused", _SECONDS_TO_PAUSE)
    frames = paused["callFrames"] if paused else []
    urls = {one["scriptId"]: one["url"] for one in session.events("Debugger.scriptParsed")}
    return {"calls": [_call(session, frame, urls, with_locals=given.locals) for frame in frames]}


_COMMANDS = {"cpu": cpu, "heap": heap, "dump": dump}


def _call(session: Session, frame: dict[str, Any], urls: dict[str, str], *, with_locals: bool) -> dict[str, Any]:
    place = frame["location"]
    return {
        "functionName": frame["functionName"],
        "url": urls.get(place["scriptId"], ""),
        "lineNumber": place["lineNumber"],
        "columnNumber": place.get("columnNumber", 0),
        "locals": _locals(session, frame) if with_locals else {},
    }


def _locals(session: Session, frame: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for scope in frame["scopeChain"]:
        if scope["type"] in ("local", "block", "catch"):
            said = session.result("Runtime.getProperties", objectId=scope["object"]["objectId"], ownProperties=True)
            for one in said["result"]:
                found.setdefault(one["name"], _shown(one.get("value", {})))
    return found


def _shown(value: dict[str, Any]) -> str:
    if "value" in value:
        return json.dumps(value["value"], ensure_ascii=False)[:_LONGEST]
    return str(value.get("description") or value.get("unserializableValue") or value.get("type", ""))[:_LONGEST]


@contextmanager
def _inspected(pid: int) -> Iterator[Session]:
    """A session with the inspector of the service's process, which is closed again unless it is in use elsewhere."""
    process = proc.process(pid)
    if process is None:
        raise ArmError("gone", f"process {pid} has ended")
    armed = node.arm(process, Options("node", _PORT))
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        with _session(int(armed.endpoint[1])) as session:
            yield session
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # closing is not to be disturbed
        if not _is_used_elsewhere():
            node.disarm(armed)


def _session(port: int) -> Session:
    try:
        return Session(port)
    except (OSError, ValueError) as error:
        cause = f"what listens on its port {port} does not answer as an inspector does: {error}"
        raise ArmError("failed", cause) from error


def _is_used_elsewhere() -> bool:
    """Whether another program of ours works with the inspector: a debugger that is attached, another profiler."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return any((one := proc.process(pid)) and _is_ours(one) for pid in numbers if pid != os.getpid())


def _is_ours(process: Process) -> bool:
    return process.argv[1:4] == ("-m", "sidecar", "serve") or process.argv[1:3] == ("-m", "sidecar.v8")


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise ArmError("terminated", "SIGTERM")


def _failed(kind: str, cause: str) -> int:
    sys.stdout.write(json.dumps({"error": kind, "cause": cause}) + "\n")
    return 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sidecar.v8")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--pid", type=int, required=True)
        command.add_argument("--to", type=Path, required=True)
        command.add_argument("--seconds", type=float, default=0.0)
        command.add_argument("--rate", type=int, default=100)
        command.add_argument("--locals", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
