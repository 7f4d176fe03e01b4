"""Layer by layer, the last build of a stage: how long each took, which came from the cache, what made others run."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.sessions.source import Source
from ddd_tasks.stages import building, causes, progress, record
from ddd_tasks.stages.causes import Cause
from ddd_tasks.stages.listing import human
from ddd_tasks.stages.record import Record, Step

_WIDTH = 60
BASE = "base"


class Layer(NamedTuple):
    """A layer of a build; cause: why it was built again, None for one that only followed another, or was cached."""

    step: Step
    cause: Cause | None

    @property
    def state(self) -> str:
        """built, cached, failed, or base for an image from outside."""
        return BASE if self.step.is_base else self.step.state

    @property
    def row(self) -> dict[str, str]:
        """The cells of stage.layers."""
        return {
            "line": str(self.step.line),
            "stage": self.step.stage,
            "instruction": clipped(self.step.text, _WIDTH),
            "took": f"{self.step.seconds:.1f} s" if self.state in (progress.BUILT, progress.FAILED) else "-",
            "layer": self.state,
            "size": human(self.step.size),
            "because": self.cause.text if self.cause else "",
        }

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        step = self.step
        return {
            "line": step.line,
            "stage": step.stage,
            "instruction": step.text,
            "seconds": step.seconds,
            "state": self.state,
            "size": step.size,
            "cause": self.cause._asdict() if self.cause else None,
        }


class Report(NamedTuple):
    """The layers of the last recorded build, of one stage or of all that it built."""

    when: float
    by: str
    target: str | None
    layers: tuple[Layer, ...]

    @property
    def first(self) -> Layer | None:
        """The first layer that was built again."""
        return next((layer for layer in self.layers if layer.cause), None)

    @property
    def seconds(self) -> float:
        """What all layers took together."""
        return sum(layer.step.seconds for layer in self.layers)

    @property
    def summary(self) -> str:
        """One line: how many layers were rebuilt, how long they took, when, and by what."""
        counted = [layer for layer in self.layers if layer.state != BASE]
        rebuilt = sum(layer.state != progress.CACHED for layer in counted)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.when))
        what = f"stage {self.target}" if self.target else "all stages built"
        return f"{what}: {rebuilt} of {len(counted)} layers rebuilt, {self.seconds:.1f} s; {when}, by {self.by}"

    @property
    def invalidated(self) -> str:
        """One line: the first layer that was built again, and why; "" when none was."""
        if self.first is None or self.first.cause is None:
            return ""
        step = self.first.step
        return f"first rebuilt: line {step.line}, {clipped(step.text, _WIDTH)}: {self.first.cause.text}"

    def as_dict(self) -> dict[str, Any]:
        """The same for --json."""
        return {
            "when": self.when,
            "by": self.by,
            "stage": self.target,
            "seconds": round(self.seconds, 3),
            "first_rebuilt": self.first.as_dict() if self.first else None,
            "layers": [layer.as_dict() for layer in self.layers],
        }


def report(origin: Source, target: str | None) -> Report:
    """The last recorded build, of target or of whatever there is. Raises UnknownNameError, ConfigError without one."""
    name = building.stage(origin, target) if target else None
    records = record.read(origin)
    place = next((at for at, one in enumerate(records) if name is None or name in one.targets), None)
    if place is None:
        what = f"stage {name!r}" if name else str(origin.dockerfile)
        raise ConfigError(
            f"no build of {what} has been recorded",
            cause="stage.build and Nox sessions record what they build; Compose does not show it",
            hint=f"ddd stage.build --stage {name}" if name else "ddd stage.build",
        )
    found, earlier = records[place], records[place + 1 :]
    steps = _with_sizes(found.of(name), earlier)
    why = causes.find(found, steps, earlier)
    return Report(found.when, found.by, name, tuple(Layer(step, why.get(key)) for key, step in steps.items()))


def clipped(text: str, width: int) -> str:
    """The text, cut where it is longer than the width."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _with_sizes(steps: dict[str, Step], earlier: list[Record]) -> dict[str, Step]:
    """A cached layer is as large as it was when an image of its stage was last built; by line of the file."""
    for key, step in steps.items():
        if step.size is None and step.state == progress.CACHED:
            known = (other.steps[key].size for other in earlier if key in other.steps)
            step.size = next((size for size in known if size is not None), None)
    return dict(sorted(steps.items(), key=lambda item: item[1].line))
