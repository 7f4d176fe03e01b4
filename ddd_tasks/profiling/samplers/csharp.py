"""C#: the runtime's own events (EventPipe), asked for by its diagnostics socket, as dotnet-trace does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ddd_tasks import console, process
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import DddError, EngineError, NotRunningError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.dumping import Call, Thread
from ddd_tasks.profiling.portablepdb import Pdb
from ddd_tasks.profiling.samplers import eventpipe, program, subject
from ddd_tasks.profiling.samplers.eventpipe import Code, Sample, Seen
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

NATIVE = "trace.nettrace"
_PROGRAM = ("python3", "-m", "sidecar.eventpipe")
_FILE = "/tmp/trace.nettrace"
_SECONDS_TO_DUMP = 0.5
_LANGUAGE = "csharp"
# Kind of a refusal of the toolbox's program -> the lines of a Compose file that help.
_SETTINGS = {
    "off": "take that variable away: without the socket, nothing can ask the runtime",
    "no-folder": "the runtime puts its socket there when it starts: `tmpfs: [/tmp]` at the service gives it a folder",
    "no-socket": "it is there once the runtime has started, and ends with DOTNET_EnableDiagnostics=0",
}


class _Traced(NamedTuple):
    """A trace, what is in it, and what the toolbox's program said of it."""

    content: bytes
    seen: Seen
    code: Code
    said: Mapping[str, Any]


def cpu(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service's threads do in code of .NET for so long; None in a dry run.

    Ctrl-C ends it early, and what was sampled counts. Raises NotRunningError where nothing was at work or the service
    ended, UnsupportedError where the runtime cannot be asked, EngineError.
    """
    what = f"sample {found.service.name}, {wanted.seconds} s at {wanted.rate} Hz"
    traced = _traced(engine, project, found, language, "cpu", wanted.seconds, what)
    if traced is None:
        return None
    if wanted.native:
        console.note("the runtime of .NET tells no stacks of C code: --native changes nothing")
    seen, seconds = traced.seen, float(traced.said["seconds"])
    step = seen.frequency / wanted.rate
    taken = list(eventpipe.thinned(seen.samples, seen.began, step))
    lost = eventpipe.missed(taken, seen.began, step, seconds, seen.frequency)
    profile = Profile(_LANGUAGE, SAMPLES, wanted.rate, seconds, lost, eventpipe.at_work(traced.code, taken))
    if not profile.weight:
        raise subject.idle(found, wanted, seconds, "none of its threads was at work in code of .NET")
    return _recorded(found, "cpu", profile, traced)


def memory(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service allocates meanwhile, freed or not, by function and type; None in a dry run.

    Raises as cpu does.
    """
    what = f"follow what {found.service.name} allocates, {wanted.seconds} s"
    traced = _traced(engine, project, found, language, "memory", wanted.seconds, what)
    if traced is None:
        return None
    seconds = float(traced.said["seconds"])
    seen = eventpipe.allocated(traced.code, traced.seen.allocations)
    profile = Profile(_LANGUAGE, BYTES, 0, seconds, traced.seen.lost, seen)
    if not profile.weight:
        name = found.service.name
        raise NotRunningError(
            f"nothing was sampled: service {name!r} allocated less than 100 KiB in {seconds:.1f} s",
            cause="the runtime of .NET tells one allocation in about 100 KiB",
            hint=f"ddd profile.memory --service {name} --seconds {max(30, wanted.seconds * 3)}  # and send it requests",
        )
    console.note("the runtime tells one allocation in about 100 KiB, and not whether it was freed since")
    return _recorded(found, "memory", profile, traced)


def dump(
    engine: Engine, project: Project, found: Target, language: Language, *, with_locals: bool
) -> list[Thread] | None:
    """What each thread does at this moment, from a trace of half a second; None in a dry run. Raises as cpu does."""
    what = f"look at the threads of {found.service.name}"
    traced = _traced(engine, project, found, language, "cpu", _SECONDS_TO_DUMP, what)
    if traced is None:
        return None
    if with_locals:
        console.note("the runtime of .NET tells no local variables")
    last = {one.thread: one for one in sorted(traced.seen.samples, key=lambda one: one.time)}
    names, pid = traced.said["threads"], int(traced.said["pid"])
    own = names.get(str(pid))  # of the program: a thread without a name has it, too
    return [
        _thread(pid, name if (name := names.get(str(one.thread), "")) != own else "", one, traced.code)
        for one in last.values()
    ]


def _thread(pid: int, name: str, sample: Sample, code: Code) -> Thread:
    frames = reversed(code.stack(sample.stack))
    calls = [Call(frame.function, frame.file, frame.line, {}) for frame in frames]
    return Thread(pid, f"{sample.thread} ({name})" if name else str(sample.thread), sample.is_at_work, calls)


def _traced(
    engine: Engine, project: Project, found: Target, language: Language, kind: str, seconds: float, what: str
) -> _Traced | None:
    """A trace of so many seconds; None in a dry run."""
    allowed = rights.of(engine, found, language.debug).without_tracing()
    number = found.among_others(language.debug)
    argv = [*_PROGRAM, kind, "--pid", str(number), "--seconds", str(seconds), "--to", _FILE]
    if process.is_dry():
        subject.announce(project, found, toolbox.image(language.name), allowed, argv)
        return None
    image = toolbox.ensure(engine, project, language.name)
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            ran = program.run(engine, found, container, argv, what, seconds)
            said = _said(ran)
            if ran.status or "error" in said:
                raise target.gone(engine, found, program.MEANWHILE) or _refusal(found, said, ran)
            content = program.written(engine, found, container, _FILE)
            seen = _read(found, content)
            code = Code(seen, _lines(engine, container, int(said["pid"]), seen))
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    if said["why"] == "told":
        console.note(program.EARLY)
    if said["why"] == "size":
        console.note(f"ended after {said['seconds']} s: the trace has become as large as one may be")
    return _Traced(content, seen, code, said)


def _said(ran: Captured) -> dict[str, Any]:
    """The last line of the toolbox's program."""
    try:
        return dict(json.loads(ran.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return {}


def _read(found: Target, content: bytes) -> Seen:
    try:
        return eventpipe.seen(content)
    except ValueError as error:
        what = f"the trace of service {found.service.name!r} cannot be read"
        raise EngineError(what, cause=str(error), hint=f"ddd debug.doctor --service {found.service.name}") from error


def _lines(engine: Engine, container: str, pid: int, seen: Seen) -> eventpipe.Lines:
    """Where the code of assemblies is in its source: their PDBs are read from the service's image, where they are."""
    stacks = {*(one.stack for one in seen.samples), *(one.stack for one in seen.allocations)}
    known = {path: _pdb(engine, container, pid, path) for path in Code(seen).assemblies(stacks)}

    def place(assembly: str, token: int, offset: int) -> tuple[str, int] | None:
        pdb = known.get(assembly)
        return pdb.place(token, offset) if pdb else None

    return place


def _pdb(engine: Engine, container: str, pid: int, assembly: str) -> Pdb | None:
    """The PDB beside an assembly of the service, None where there is none that can be read."""
    if not assembly.startswith("/"):
        return None
    file = PurePosixPath(f"/proc/{pid}/root{assembly}").with_suffix(".pdb")
    ran = execs.capture(engine, container, ["cat", str(file)])
    try:
        return Pdb(ran.stdout) if ran.status == 0 else None
    except ValueError as error:
        console.note(f"{PurePosixPath(assembly).with_suffix('.pdb')} is not read, and gives no lines: {error}")
        return None


def _recorded(found: Target, kind: str, profile: Profile, traced: _Traced) -> Recorded:
    if not _has_lines(profile.stacks):
        console.note("no lines of source are known: no PDB that can be read lies beside the program in its image")
    if traced.seen.lost:
        console.note(f"the runtime has dropped {traced.seen.lost} events: it wrote faster than it was read")
    content = traced.seen.without_commands(traced.content)
    return subject.recorded(found, kind, profile, (NATIVE, content))


def _has_lines(stacks: Iterable[tuple[Frame, ...]]) -> bool:
    return any(frame.line for stack in stacks for frame in stack)


def _refusal(found: Target, said: Mapping[str, Any], ran: Captured) -> DddError:
    """Why there is no trace."""
    name, kind = found.service.name, said.get("error")
    cause = str(said.get("cause") or ran.stderr.decode(errors="replace").strip() or f"it ended with {ran.status}")
    if kind in _SETTINGS:
        return UnsupportedError(
            f"the .NET runtime of service {name!r} has no diagnostics socket to ask it by",
            cause=f"{cause}\n{_SETTINGS[kind]}",
            hint=f"ddd debug.doctor --service {name}",
        )
    if kind == "no-runtime":
        what = f"no process of service {name!r} runs .NET"
        return UnsupportedError(what, cause=cause, hint=f"ddd debug.toolbox --service {name} -- ps -ef")
    if kind == "permission":
        what = f"the .NET runtime of service {name!r} may not be asked"
        theirs = ", ".join(sorted({f"{one.uid}:{one.gid}" for one in found.processes}))
        why = f"{cause}\nonly its own user may; its processes run as {theirs or 'an unknown user'}"
        return UnsupportedError(what, cause=why, hint=f"ddd debug.doctor --service {name}")
    what = f"the .NET runtime of service {name!r} gave no trace"
    return EngineError(what, cause=cause, hint=f"ddd dev.logs --service {name}")
