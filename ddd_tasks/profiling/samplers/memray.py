"""Memory of Python: memray, lent to the process by a container beside the service, for as long as it is wanted.

What stays in the process afterwards is the module, which does nothing any more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ddd_tasks import console, process
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, EngineError, NotRunningError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.samplers import program, subject
from ddd_tasks.profiling.stacks import BYTES, Frame, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

NATIVE = "memray.bin"
_FILE = "/tmp/ddd-memory-{}.bin"
_OUTSIDE = Frame("(outside Python)")
_OWN = 4096  # bytes that no line of Python allocated: so much memray has itself
# The engine kills what is left when the main program ends, and gdb would take the service along.
_BUSY = "tries=0; while [ -e /tmp/ddd-busy ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done"
_MAIN = ("sh", "-c", f"cat; {_BUSY}")
_LEAVE = f'kill -INT "$(cat {program.PID})"; {_BUSY}'


class _Ran(NamedTuple):
    """What sidecar.memory said, its words on stderr, and memray's file of the process that has most in use."""

    said: Mapping[str, Any]
    words: str
    native: bytes


def memory(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service and its child processes allocated in so many seconds and still have at their end.

    None in a dry run. Ctrl-C ends it early. Raises NotRunningError where nothing was allocated or the service ended,
    UnsupportedError where memray cannot be brought, EngineError.
    """
    allowed = rights.of(engine, found, language.debug)
    words = ["--pid", str(subject.pid(found, language)), "--seconds", str(wanted.seconds)]
    argv = ["python3", "-m", "sidecar.memory", *words, *allowed.arguments]
    python = toolbox.python_of(found, language)
    if process.is_dry():
        subject.announce(project, found, toolbox.image(language.name, python), allowed, argv)
        return None
    image = toolbox.ensure(engine, project, language.name, python)
    ran = _ran(engine, project, found, allowed, image, argv, wanted)
    if (other := str(ran.said.get("python", python))) != python:
        better = toolbox.ensure(engine, project, language.name, other)
        ran = _ran(engine, project, found, allowed, better, argv, wanted) if better != image else ran
    if "error" in ran.said:
        raise _refusal(engine, found, allowed, ran.said)
    return _recorded(found, wanted, ran)


def _ran(
    engine: Engine, project: Project, found: Target, allowed: Rights, image: str, argv: list[str], wanted: Wanted
) -> _Ran:
    what = f"follow the memory of {found.service.name}, {wanted.seconds} s"
    try:
        with shell.container(engine, project, found, allowed, image, main=_MAIN) as container:
            try:
                ran = program.run(engine, found, container, argv, what, wanted.seconds)
            except BaseException:
                with suppress(DddError):
                    execs.capture(engine, container, ["sh", "-c", _LEAVE])
                raise
            said = _parsed(found, ran.stdout, ran.stderr)
            native = b"" if "error" in said else program.written(engine, found, container, _FILE.format(most(said)))
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    if said.get("error") == "interrupted":
        raise KeyboardInterrupt
    return _Ran(said, ran.stderr.decode(errors="replace"), native)


def _parsed(found: Target, stdout: bytes, stderr: bytes) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(stdout)
    except ValueError as error:
        words = stderr.decode(errors="replace").strip().splitlines()
        what = f"the memory of service {found.service.name!r} could not be followed"
        raise EngineError(what, cause="\n".join(words[-5:]) or "the profiler ended without a word") from error
    return said


def most(said: Mapping[str, Any]) -> int:
    """The process that has most in use of what it allocated; 0 where there is none."""
    sizes = {one["pid"]: sum(size for _, size in one["stacks"]) for one in said.get("processes", ())}
    return int(max(sizes, key=lambda pid: sizes[pid], default=0))


def stacks(said: Mapping[str, Any]) -> dict[tuple[Frame, ...], int]:
    """The bytes of each stack, root first. Processes are told apart only where there is more than one."""
    frames = [Frame(*one) for one in said["frames"]]
    many = len(said["processes"]) > 1
    seen: Counter[tuple[Frame, ...]] = Counter()
    for one in said["processes"]:
        for stack, size in one["stacks"]:
            if not stack and size < _OWN:
                continue
            calls = tuple(frames[index] for index in stack) or (_OUTSIDE,)
            seen[(Frame(f"process {one['pid']}"), *calls) if many else calls] += size
    return dict(seen)


def _recorded(found: Target, wanted: Wanted, ran: _Ran) -> Recorded:
    said, name = ran.said, found.service.name
    for word in ran.words.splitlines():
        console.note(word)
    if said["early"]:
        console.note(program.EARLY)
    if len(said["processes"]) > 1:
        console.note(f"{NATIVE} is that of process {most(said)}, which has most in use")
    console.note("what was allocated meanwhile and is still in use, by what allocated it")
    profile = Profile("python", BYTES, 0, float(said["seconds"]), 0, stacks(said))
    if not profile.weight:
        raise NotRunningError(
            f"nothing that service {name!r} allocated in {profile.seconds:.1f} s is still in use",
            cause="what was freed again is not counted",
            hint=f"ddd profile.memory --service {name} --seconds {max(30, wanted.seconds * 3)}  # and send it requests",
        )
    return subject.recorded(found, "memory", profile, (NATIVE, ran.native))


def _refusal(engine: Engine, found: Target, allowed: Rights, said: Mapping[str, Any]) -> DddError:
    """Why memray could not be brought."""
    kind, cause, name = str(said["error"]), str(said.get("cause", "")), found.service.name
    if gone := target.gone(engine, found, program.MEANWHILE):
        return gone
    doctor = f"ddd debug.doctor --service {name}"
    if kind == "permission":
        cause = f"{cause}\n{subject.missing(engine, found, allowed)}"
        return UnsupportedError(f"the process of service {name!r} may not be looked into", cause=cause, hint=doctor)
    if kind in ("unsupported", "no-process"):
        what, hint = f"the memory of service {name!r} cannot be profiled", f"ddd profile.cpu --service {name}"
        return UnsupportedError(what, cause=cause, hint=hint)
    if kind == "busy":
        return EngineError(f"something else is at the process of service {name!r}", cause=cause, hint=doctor)
    if kind == "gone":
        return NotRunningError(f"the process of service {name!r} ended while {program.MEANWHILE}", cause=cause)
    return EngineError(f"memray could not be brought to service {name!r}", cause=cause, hint=doctor)
