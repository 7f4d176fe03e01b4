"""Go: the program's own pprof endpoint where it has one, else perf beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias, TypeVar

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

_Stacks: TypeAlias = "dict[tuple[Frame, ...], int]"
_Answer = TypeVar("_Answer")

_HEAP, _GOROUTINES = "heap?gc=1", "goroutine?debug=2"


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

    def sample(container: str, where: Endpoint) -> bytes:
        return endpoint.sample(engine, found, container, where, wanted.seconds)

    where, content = _asked(engine, project, found, language, sample)
    if content is None:
        console.note(f"service {found.service.name!r} has no pprof endpoint:\n{where.why}")
        return _by_perf(engine, project, found, language, wanted)
    return _sampled(project, found, language, wanted, content)


def memory(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service allocated in so many seconds and still has at their end; None in a dry run.

    Garbage is collected before each look. The native file is the last look: what is in use since the service's start,
    and what was freed. Ctrl-C ends it early. Raises NotRunningError where nothing grew or the service ended,
    UnsupportedError without a pprof endpoint, ConfigError, EngineError.
    """
    if process.is_dry():
        _announced(engine, project, found, language, _HEAP)
        return None

    def look(container: str, where: Endpoint) -> tuple[bytes, bytes, float]:
        return endpoint.twice(engine, found, container, where, _HEAP, wanted.seconds)

    where, looks = _asked(engine, project, found, language, look)
    if looks is None:
        raise endpoint.missing(found, where, "what is in memory")
    before, after, seconds = looks
    grown = Counter(_read(found, after, "inuse_space")[1])
    grown.subtract(_read(found, before, "inuse_space")[1])
    seen = _placed(project, found, language, {stack: size for stack, size in grown.items() if size > 0})
    if not seen:
        raise _not_grown(found, wanted, seconds)
    if seconds < wanted.seconds - 1:
        console.note(program.EARLY)
    return subject.recorded(found, "memory", Profile("go", BYTES, 0, seconds, 0, seen), ("heap.pb.gz", after))


def dump(
    engine: Engine, project: Project, found: Target, language: Language, *, with_locals: bool
) -> list[Thread] | None:
    """What each goroutine does at this moment, those alike together; None in a dry run. Raises as memory does."""
    if process.is_dry():
        _announced(engine, project, found, language, _GOROUTINES)
        return None
    if with_locals:
        console.note("pprof tells no local variables: `ddd debug.attach` shows them at a breakpoint")

    def fetch(container: str, where: Endpoint) -> bytes:
        return endpoint.fetch(engine, found, container, where, _GOROUTINES)

    where, content = _asked(engine, project, found, language, fetch)
    if content is None:
        raise endpoint.missing(found, where, "what its goroutines do")
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


def _sampled(project: Project, found: Target, language: Language, wanted: Wanted, content: bytes) -> Recorded:
    document, stacks = _read(found, content, "samples")
    seconds = document.seconds or wanted.seconds
    seen = _placed(project, found, language, stacks)
    if not seen:
        raise subject.idle(found, wanted, seconds, "no goroutine was at work on the CPU")
    if wanted.rate != RATE:
        console.note(f"pprof samples {RATE} times a second whatever --rate says; --native, which is perf, follows it")
    if seconds < wanted.seconds - 1:
        console.note(program.EARLY)
    rate = round(1e9 / document.period) if document.period > 0 else RATE
    return subject.recorded(found, "cpu", Profile("go", SAMPLES, rate, seconds, 0, seen), ("cpu.pb.gz", content))


def _not_grown(found: Target, wanted: Wanted, seconds: float) -> NotRunningError:
    name = found.service.name
    return NotRunningError(
        f"service {name!r} has allocated nothing in {seconds:.1f} s that is still in use",
        cause="Go notes one allocation in 512 KiB: what grows by less is not seen",
        hint=f"ddd profile.memory --service {name} --seconds {max(30, wanted.seconds * 3)}  # and send it requests",
    )


def _asked(
    engine: Engine, project: Project, found: Target, language: Language, ask: Callable[[str, Endpoint], _Answer]
) -> tuple[Endpoint, _Answer | None]:
    """What ask gets from the endpoint, with the container that it asks from; None where there is no endpoint."""
    allowed = rights.of(engine, found, language.debug).without_tracing()
    image = toolbox.ensure(engine, project, language.name)
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            where = endpoint.find(engine, found, container, _pid(found, language))
            return where, ask(container, where) if where.port else None
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


def _read(found: Target, content: bytes, kind: str) -> tuple[Document, _Stacks]:
    try:
        document = pprof.parse(content)
        return document, document.stacks(kind)
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
