"""A running service sampled for short times, one after the other, for as long as somebody looks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple, TypeAlias

from ddd_tasks import process
from ddd_tasks.debugging import mapping, target
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import NotRunningError
from ddd_tasks.language import Language, PathMapping
from ddd_tasks.profiling import sampling
from ddd_tasks.profiling.samplers import program
from ddd_tasks.profiling.samplers.subject import IdleError
from ddd_tasks.profiling.stacks import SAMPLES, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project, Service

_SECONDS = 2  # of a language whose sampler has a container for each window
_TO_END = 20.0

_SILENCE = 3.0

Sample: TypeAlias = Callable[[], Profile]
_Gone: TypeAlias = "Callable[[], NotRunningError | None]"


class Window(NamedTuple):
    """What was seen in one of them. seconds: how long ago the one before it ended, and its own for the first."""

    profile: Profile
    seconds: float


class Windows:
    """Those of one service, taken in a thread, so that ours is free for keys and Ctrl-C."""

    def __init__(self, language: Language, known: tuple[PathMapping, ...], sample: Sample, gone: _Gone) -> None:
        self.language = language.name
        self.known = known
        self.thread = threading.Thread(target=self._run, args=(sample,), daemon=True)
        self._gone = gone
        self._ended = threading.Event()
        self._queue: queue.Queue[Window | BaseException] = queue.Queue()
        self._heard = time.monotonic()
        self._is_lost = False

    def next(self, seconds: float) -> Window | None:
        """The next one, None where it takes longer than that. Raises what went wrong."""
        try:
            found = self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
        except queue.Empty:
            # A sampler may wait for ever where its container has ended with the service.
            if time.monotonic() - self._heard > _SILENCE:
                self._heard = time.monotonic()
                if gone := self._gone():
                    self._is_lost = True
                    raise gone from None
            return None
        self._heard = time.monotonic()
        if isinstance(found, BaseException):
            raise found
        return found

    def end(self) -> None:
        """Let the window that is being taken come to its end: what it opened in the service is closed again."""
        self._ended.set()
        if not self._is_lost:
            self.thread.join(_TO_END)

    def _run(self, sample: Sample) -> None:
        before = 0.0
        try:
            while not self._ended.is_set():
                profile = sample()
                now = time.monotonic()
                self._queue.put(Window(profile, now - before if before else profile.seconds))
                before = now
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._queue.put(error)


@contextmanager
def opened(project: Project, service: Service, wanted: Wanted) -> Iterator[Windows | None]:
    """The windows of a service; None in a dry run. Raises, also later, as sampling.record does."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        cpu = sampling.sampler(language, service, sampling.CPU)
        if process.is_dry():
            cpu(engine, project, found, language, wanted)
            yield None
            return
        known = mapping.mappings(project, service, language, found.stage)
        own = sampling.own(language, "windows") or _by_cpu
        with own(engine, project, found, language, wanted) as sample:
            made = Windows(language, known, sample, lambda: target.gone(engine, found, program.MEANWHILE))
            made.thread.start()
            try:
                yield made
            finally:
                made.end()


@contextmanager
def _by_cpu(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Iterator[Sample]:
    """Each by the sampler for a whole profile."""
    cpu = sampling.sampler(language, found.service, sampling.CPU)
    asked = wanted._replace(seconds=_SECONDS)

    def sample() -> Profile:
        try:
            profile: Profile = cpu(engine, project, found, language, asked).profile
        except IdleError as idle:
            return Profile(language.name, SAMPLES, wanted.rate, idle.seconds)
        return profile

    yield sample
