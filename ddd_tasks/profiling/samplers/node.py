"""Node.js: V8's own profilers, through the inspector, which is opened from beside the service and closed again.

Of a program with worker threads it is the main thread. What is compiled from TypeScript is told by its source.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from ddd_tasks import process
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import DddError, EngineError, NotRunningError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling import v8
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.dumping import Call, Thread
from ddd_tasks.profiling.samplers import program, subject
from ddd_tasks.profiling.samplers.sourcemapped import Originals
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

_PROGRAM = ("python3", "-m", "sidecar.v8")
_FILE = "/tmp/v8.json"
# program.run has noted the number of what it runs. It closes the inspector, which takes a moment: longer where the main
# thread is busy.
_END = f'pid=$(cat {program.PID}) && kill "$pid" && timeout 20 tail --pid="$pid" -f /dev/null'
# The engine kills what is left when the main program ends, as it does when we are killed.
_MAIN = ("sh", "-c", f"cat; {_END}")
_SECONDS_TO_DUMP = 0.5


def cpu(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the main thread does on the CPU for so long; None in a dry run.

    Ctrl-C ends it early, and what was sampled counts. Raises NotRunningError where nothing was at work or the service
    ended, UnsupportedError where its inspector cannot be opened, EngineError.
    """
    if wanted.native:
        raise UnsupportedError(
            f"--native is not supported for {language.name}",
            cause="V8's profiler sees JavaScript; what runs in C++ it shows as (program)",
            hint=f"ddd profile.cpu --service {found.service.name}",
        )
    what = f"sample {found.service.name}, {wanted.seconds} s at {wanted.rate} Hz"
    words = ["cpu", "--seconds", str(wanted.seconds), "--rate", str(wanted.rate)]
    said = _ran(engine, project, found, language, words, what, wanted.seconds)
    if said is None:
        return None
    content, document = said
    seconds = _seconds(document, wanted)
    seen = _framed(engine, found, _read(found, v8.of_cpu, document))
    if not any(frame.file for stack in seen for frame in stack):
        raise subject.idle(found, wanted, seconds, "its main thread ran no JavaScript")
    profile = Profile("node", SAMPLES, wanted.rate, seconds, 0, seen)
    return subject.recorded(found, "cpu", profile, ("profile.cpuprofile", content))


def memory(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What is allocated in so many seconds and still in use then; None in a dry run. Raises as cpu does.

    V8 samples one allocation in 32 KiB. At the end it collects its garbage, and the program stands still meanwhile.
    """
    what = f"follow the memory of {found.service.name}, {wanted.seconds} s"
    words = ["heap", "--seconds", str(wanted.seconds)]
    began = time.monotonic()
    said = _ran(engine, project, found, language, words, what, wanted.seconds)
    if said is None:
        return None
    content, document = said
    seen = _framed(engine, found, _read(found, v8.of_heap, document))
    seconds = min(time.monotonic() - began, wanted.seconds)
    if not seen:
        raise subject.idle(found, wanted, seconds, "nothing that was allocated is still in use", "memory")
    profile = Profile("node", BYTES, 0, seconds, 0, seen)
    return subject.recorded(found, "memory", profile, ("heap.heapprofile", content))


def dump(
    engine: Engine, project: Project, found: Target, language: Language, *, with_locals: bool
) -> list[Thread] | None:
    """What the main thread does at this moment; None in a dry run. Raises as cpu does.

    It stands still until its calls are read, some milliseconds. One that waits has no calls: it has returned to the
    event loop.
    """
    words = ["dump", *(["--locals"] if with_locals else [])]
    said = _ran(engine, project, found, language, words, f"look at {found.service.name}", _SECONDS_TO_DUMP)
    if said is None:
        return None
    originals = Originals(engine, found.id)
    calls = [_call(originals, one) for one in said[1]["calls"]]
    return [Thread(subject.pid(found, language), "main", bool(calls), calls)]


def _ran(
    engine: Engine, project: Project, found: Target, language: Language, words: list[str], what: str, seconds: float
) -> tuple[bytes, dict[str, Any]] | None:
    """The document that the profiler beside the service has written; None in a dry run."""
    allowed = rights.of(engine, found, language.debug)
    argv = [*_PROGRAM, *words, "--pid", str(subject.pid(found, language)), "--to", _FILE]
    if process.is_dry():
        subject.announce(project, found, toolbox.image(language.name), allowed, argv)
        return None
    image = toolbox.ensure(engine, project, language.name)
    try:
        with shell.container(engine, project, found, allowed, image, main=_MAIN) as container:
            ran = _watched(engine, found, container, argv, what, seconds)
            content = b"" if ran.status else program.written(engine, found, container, _FILE)
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    if ran.status:
        raise _refusal(engine, found, allowed, ran)
    return content, json.loads(content)


def _watched(engine: Engine, found: Target, container: str, argv: list[str], what: str, seconds: float) -> Captured:
    """The profiler's run. Where ours ends in the middle of it, the profiler closes the inspector before it goes."""
    try:
        return program.run(engine, found, container, argv, what, seconds)
    except BaseException:
        with suppress(DddError, KeyboardInterrupt):
            execs.capture(engine, container, ["sh", "-c", _END])
        raise


def _framed(engine: Engine, found: Target, seen: dict[tuple[v8.Call, ...], int]) -> dict[tuple[Frame, ...], int]:
    """The stacks with the places of the sources."""
    originals = Originals(engine, found.id)
    frames = {call: originals.frame(call) for stack in seen for call in stack}
    framed: Counter[tuple[Frame, ...]] = Counter()
    for stack, weight in seen.items():
        framed[tuple(frames[call] for call in stack)] += weight
    return dict(framed)


def _call(originals: Originals, said: dict[str, Any]) -> Call:
    place = v8.Place(said["url"], int(said["lineNumber"]), int(said["columnNumber"]))
    frame = originals.frame(v8.Call(said["functionName"] or v8.NAMELESS, place))
    return Call(frame.function, frame.file, frame.line, dict(said["locals"]))


def _read(found: Target, read: Any, document: dict[str, Any]) -> dict[tuple[v8.Call, ...], int]:
    try:
        return dict(read(document))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        what = f"what the profiler of service {found.service.name!r} wrote cannot be read"
        raise EngineError(what, cause=f"{type(error).__name__}: {error}") from error


def _seconds(document: dict[str, Any], wanted: Wanted) -> float:
    """How long it sampled: the engine notes both ends in microseconds."""
    return min((int(document["endTime"]) - int(document["startTime"])) / 1e6, wanted.seconds)


def _refusal(engine: Engine, found: Target, allowed: Rights, ran: Captured) -> DddError:
    """Why the inspector could not be used."""
    name = found.service.name
    if gone := target.gone(engine, found, program.MEANWHILE):
        return gone
    try:
        said = json.loads(ran.stdout)
    except ValueError:
        cause = ran.stderr.decode(errors="replace").strip() or f"it ended with status {ran.status}"
        return EngineError(
            f"service {name!r} could not be profiled", cause=cause, hint=f"ddd debug.doctor --service {name}"
        )
    if said["error"] == "gone":
        return NotRunningError(
            f"service {name!r} ended while it was profiled", cause=said["cause"], hint=f"ddd dev.logs --service {name}"
        )
    ours = "{}:{}".format(*allowed.user)
    cause = (
        f"{said['cause']}\nthe profiler is uid:gid {ours}, as the service is"
        if said["error"] == "permission"
        else said["cause"]
    )
    return UnsupportedError(
        f"the inspector of service {name!r} cannot be used", cause=cause, hint=f"ddd debug.doctor --service {name}"
    )
