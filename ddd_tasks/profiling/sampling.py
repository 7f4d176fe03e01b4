"""A profile of a running service, by the profiler of its language; nothing of the service is changed or restarted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks.debugging import mapping, target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling import artefacts, summary
from ddd_tasks.profiling.artefacts import Artefact
from ddd_tasks.profiling.load.wanted import Load
from ddd_tasks.profiling.samplers import subject
from ddd_tasks.profiling.stacks import BYTES
from ddd_tasks.profiling.summary import Row
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project, Service

# A module of samplers/ has, as far as its language can: cpu and memory (engine, project, target, language, wanted) ->
# Recorded, or None in a dry run; dump (engine, project, target, language, with_locals) -> threads, or None; windows, as
# cpu, a context that gives a function for a short profile: without it profile.top asks cpu again and again.
# cpu and memory stand in sampled.meanwhile, which shows the bar, for as long as the profiler is at work.
SAMPLERS = ("csharp", "go", "node", "python")
CPU, MEMORY = "cpu", "memory"


class Report(NamedTuple):
    """A profile that was made, and its hottest functions."""

    artefact: Artefact
    rows: list[Row]

    def as_dict(self) -> dict[str, Any]:
        """The fields of profile.cpu --json."""
        return {**self.artefact.as_dict(), "hottest": [row.as_dict() for row in self.rows]}

    def cells(self, here: Path) -> list[dict[str, str]]:
        """The rows of the table, paths as seen from this folder."""
        return [row.cells(here) for row in self.rows]

    @property
    def line(self) -> str:
        """What was seen, and the page to open."""
        meta = self.artefact.meta
        lost = f", {meta['lost']} lost" if meta["lost"] else ""
        seen = f"{meta['weight']} {meta['unit']} in {meta['seconds']:.1f} s"
        if meta["unit"] == BYTES:
            seen = f"{summary.size(meta['weight'])} in {meta['seconds']:.1f} s"
        return f"{seen}{lost}: {self.artefact.folder / artefacts.FLAMEGRAPH}"


def record(project: Project, service: Service, kind: str, wanted: Wanted, load: Load | None = None) -> Report | None:
    """Sample what the service does. kind: CPU, or MEMORY for what it allocates; load: the requests to send meanwhile.

    None in a dry run, which prints about what would be run. Raises NotRunningError, UnsupportedError, ConfigError,
    EngineError; then no folder is left.
    """
    artefacts.check(project)
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = target.language_of(found)
        subject.say_which(engine, found)
        sample = partial(sampler(language, service, kind), engine, project, found, language, wanted)
        if load:
            from ddd_tasks.profiling.load import meanwhile  # http.client is not needed without requests

            recorded = meanwhile.measured(engine, project, found, language, load, wanted.seconds, sample)
        else:
            recorded = sample()
    if recorded is None:
        return None
    known = mapping.mappings(project, service, language, found.stage)
    sources = summary.sources(project, recorded.profile, known)
    return Report(artefacts.write(project, recorded, sources), summary.rows(recorded.profile, known))


def own(language: Language, what: str) -> Callable[..., Any] | None:
    """The function of that name of the language's profiler, None where it has none."""
    if language.name not in SAMPLERS:
        return None
    found: Callable[..., Any] | None = getattr(
        import_module(f"ddd_tasks.profiling.samplers.{language.name}"), what, None
    )
    return found


def sampler(language: Language, service: Service, what: str) -> Callable[..., Any]:
    """The function of that name of the language's profiler. Raises UnsupportedError where there is none."""
    if found := own(language, what):
        return found
    raise UnsupportedError(
        f"profiling is not supported for {language.name}",
        cause=f"ddd has no profiler for service {service.name!r} that does this",
        valid=SAMPLERS,
        hint=f"ddd debug.toolbox --service {service.name}",
    )
