"""Go: the program's own pprof endpoint where it has one, else perf beside it."""

from __future__ import annotations

from collections import Counter

from ddd_tasks import console, process
from ddd_tasks.debugging import mapping, rights, shell, target, toolbox
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, EngineError, NotRunningError
from ddd_tasks.language import Language
from ddd_tasks.profiling import pprof
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.dumping import Thread
from ddd_tasks.profiling.pprof import Document
from ddd_tasks.profiling.samplers import endpoint, goroutines, perf, program, subject
from ddd_tasks.profiling.samplers.endpoint import Endpoint
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import RATE, Wanted
from ddd_tasks.project import Project

_Stacks = dict[tuple[Frame, ...], int]


def cpu(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service does on the CPU for so long; None in a dry run.

    By its pprof endpoint, which samples at 100 Hz. Without one, or with wanted.native, by perf. Ctrl-C ends it early,
    and what was sampled counts. Raises NotRunningError, UnsupportedError, ConfigError, EngineError.
    """
    if wanted.native:
        return _by_perf(engine, project, found, language, wanted)
    if process.is_dry():
        _announced(engine, project, found, language, f"profile?seconds={wanted.seconds}", wanted.seconds)
        return None
    asked, content = _asked(engine, project, found, language, "", wanted.seconds)
    if not content:
        console.note(f"service {found.service.name!r} has no pprof endpoint:\n{asked.why}")
        return _by_perf(engine, project, found, language, wanted)
    document = _document(found, content)
    seconds = document.seconds or wanted.seconds
    if wanted.rate != RATE:
        console.note(f"pprof samples {RATE} times a second whatever --rate says; --native, which is perf, follows it")
    if seconds < wanted.seconds - 1:
        console.note("ended early: what was sampled until then is kept")
    seen = _placed(project, found, language, _values(found, document, "samples"))
    rate = round(1e9 / document.period) if document.period > 0 else RATE
    if not seen:
        raise subject.idle(found, wanted, seconds, "no goroutine was at work on the CPU")
    return subject.recorded(found, "cpu", Profile("go", SAMPLES, rate, seconds, 0, seen), ("cpu.pb.gz", content))


def memory(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:  # noqa: ARG001
    """What the service holds in memory at this moment, by where it was allocated; None in a dry run.

    Go samples its allocations from the start on: there is nothing to wait for. The native file has those that were
    freed, too. Raises NotRunningError, UnsupportedError without a pprof endpoint, ConfigError, EngineError.
    """
    if process.is_dry():
        _announced(engine, project, found, language, "heap")
        return None
    asked, content = _asked(engine, project, found, language, "heap")
    if not content:
        raise endpoint.missing(found, asked, "what is in memory")
    seen = _placed(project, found, language, _values(found, _document(found, content), "inuse_space"))
    if not seen:
        raise NotRunningError(
            f"nothing is in the memory of service {found.service.name!r} that Go has sampled",
            cause="it samples one allocation in 512 KiB, and as things were at the end of the last garbage collection",
            hint=f"ddd profile.cpu --service {found.service.name}",
        )
    console.note("what is in use now, allocated since the start; heap.pb.gz has what was freed, too")
    return subject.recorded(found, "memory", Profile("go", BYTES, 0, 0, 0, seen), ("heap.pb.gz", content))


def dump(
    engine: Engine, project: Project, found: Target, language: Language, *, with_locals: bool
) -> list[Thread] | None:
    """What each goroutine does at this moment, those alike together; None in a dry run. Raises as memory does."""
    if process.is_dry():
        _announced(engine, project, found, language, "goroutine?debug=2")
        return None
    if with_locals:
        console.note("pprof tells no local variables: `ddd debug.attach` shows them at a breakpoint")
    asked, content = _asked(engine, project, found, language, "goroutine?debug=2")
    if not content:
        raise endpoint.missing(found, asked, "what its goroutines do")
    threads = goroutines.threads(content.decode(errors="replace"), _pid(found, language))
    files = {call.file for thread in threads for call in thread.calls}
    known = _files(project, found, language, files)
    return [one._replace(calls=[call._replace(file=known[call.file]) for call in one.calls]) for one in threads]


def _by_perf(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    made = perf.record(engine, project, found, language, wanted, _pid(found, language))
    if made is None:
        return None
    profile, data = made
    seen = _placed(project, found, language, dict(profile.stacks))
    profile = Profile(profile.language, profile.unit, profile.rate, profile.seconds, profile.lost, seen)
    return subject.recorded(found, "cpu", profile, ("perf.data", data))


def _asked(
    engine: Engine, project: Project, found: Target, language: Language, what: str, seconds: int = 0
) -> tuple[Endpoint, bytes]:
    """A page of the endpoint, with seconds the profile of the CPU; b"" where there is no endpoint."""
    allowed = rights.of(engine, found, language.debug).without_tracing()
    image = toolbox.ensure(engine, project, language.name)
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            where = endpoint.find(engine, found, container, _pid(found, language))
            if not where.port:
                return where, b""
            if seconds:
                return where, endpoint.sample(engine, found, container, where, seconds)
            return where, endpoint.fetch(engine, found, container, where, what)
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error


def _announced(
    engine: Engine, project: Project, found: Target, language: Language, what: str, seconds: int = 0
) -> None:
    port, path = endpoint.settings(found)
    allowed = rights.of(engine, found, language.debug).without_tracing()
    words = endpoint.argv(Endpoint(port or endpoint.PORT, path, {}), what, seconds)
    subject.announce(project, found, toolbox.image(language.name), allowed, words)


def _pid(found: Target, language: Language) -> int:
    """The service's process as its container numbers it: a program that is compiled has any name."""
    chosen = found.process(language.debug)
    return chosen.inner if chosen else 1


def _document(found: Target, content: bytes) -> Document:
    try:
        return pprof.parse(content)
    except ValueError as error:
        raise _unreadable(found, error) from error


def _values(found: Target, document: Document, kind: str) -> _Stacks:
    try:
        return document.stacks(kind)
    except ValueError as error:
        raise _unreadable(found, error) from error


def _unreadable(found: Target, error: ValueError) -> EngineError:
    name = found.service.name
    what = f"what the pprof endpoint of service {name!r} answered is no profile"
    return EngineError(what, cause=str(error), hint=f"ddd profile.cpu --service {name} --native")


def _placed(project: Project, found: Target, language: Language, seen: _Stacks) -> _Stacks:
    """The stacks with the paths of the stage that compiled the program, also where it was built with -trimpath."""
    known = _files(project, found, language, {frame.file for stack in seen for frame in stack})
    placed: Counter[tuple[Frame, ...]] = Counter()
    for stack, weight in seen.items():
        placed[tuple(frame._replace(file=known[frame.file]) for frame in stack)] += weight
    return dict(placed)


def _files(project: Project, found: Target, language: Language, files: set[str]) -> dict[str, str]:
    """A file as the program knows it -> its path in the container; by the path of its module it has none."""
    if all(file.startswith("/") or not file for file in files):
        return {file: file for file in files}
    known = mapping.mappings(project, found.service, language, found.stage)
    modules = mapping.for_binary(known, {"trimpath": True})
    placed = {}
    for file in files:
        here = None if file.startswith("/") else mapping.to_host(modules, file)
        placed[file] = (mapping.to_remote(known, here) if here and here.is_file() else None) or file
    return placed
