"""Building stages, one after the other, with a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.sessions import image, options
from ddd_tasks.sessions import source as sources
from ddd_tasks.sessions.source import Source
from ddd_tasks.stages import progress
from ddd_tasks.stages.record import Recorder, Step


class Result(NamedTuple):
    """A stage that was built: its image's id, the seconds, and how many layers were rebuilt or came from the cache."""

    stage: str
    image: str
    seconds: float
    rebuilt: int
    cached: int

    @property
    def line(self) -> str:
        """One line of stage.build."""
        return f"{self.stage:<12} {self.seconds:6.1f} s  {self.rebuilt:2} rebuilt, {self.cached:2} cached"

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return self._asdict()


def source(here: Path, service: str | None) -> Source:
    """The Dockerfile of a service, or the only one that there is from here. Raises ConfigError, UnknownNameError."""
    try:
        found = sources.find(options.make("", service=service), here)
    except ConfigError as error:
        if error.hint.startswith("stage"):  # what a noxfile has to say is a flag here
            error.cause = "the services differ in their build sections"
            error.hint = f"ddd stage.list --service {min(error.valid)}"
        error.hint = error.hint or "ddd dev.ps"
        raise
    if found.service and not service:
        target = found.project.services[found.service].build
        if target and target.is_remote:
            raise ConfigError(f"service {found.service!r} is built from elsewhere", hint="ddd dev.build")
    return found


def stage(origin: Source, name: str) -> str:
    """The name of a stage as the Dockerfile has it. Raises UnknownNameError, which says how to list them."""
    try:
        return origin.stages().stage(name).name or name
    except UnknownNameError as error:
        error.hint = "ddd stage.list"
        raise


def build(
    origin: Source, wanted: Sequence[str], *, service: str | None = None, no_cache: bool = False
) -> Iterator[Result]:
    """Build the stages, or all that have a name, in the order of the file, each as soon as it is asked for.

    Raises UnknownNameError before anything is built, CommandError for a build that fails.
    """
    chosen = {stage(origin, name) for name in wanted}
    names = [one.name for one in origin.stages().stages if one.name and (not wanted or one.name in chosen)]
    if not names:
        raise ConfigError(
            f"no stage of {origin.dockerfile} has a name",
            cause="FROM gives it one: FROM IMAGE AS NAME",
            hint=f"grep -in ^from {origin.dockerfile}",
        )
    recorder = Recorder(origin, "stage.build", no_cache=no_cache)
    fresh: dict[str, Step] = {}
    for name in names:
        # What this command has built already must not be built once more.
        more = [word for one in _unbuilt(origin, name, fresh) for word in ("--no-cache-filter", one)]
        done = image.build(origin, options.make(name, service=service), more if no_cache else (), recorder)
        fresh.update(done.steps)
        if not process.is_dry():
            yield _result(name, done)


def _unbuilt(origin: Source, target: str, fresh: Mapping[str, Step]) -> list[str]:
    built = {step.stage for step in fresh.values()}
    return [stage.name for stage in origin.stages().needed(target) if stage.name and stage.name not in built]


def _result(name: str, done: image.Built) -> Result:
    states = [step.state for step in done.steps.values() if not step.is_base]
    rebuilt = sum(state == progress.BUILT for state in states)
    return Result(name, done.image, done.seconds, rebuilt, len(states) - rebuilt)
