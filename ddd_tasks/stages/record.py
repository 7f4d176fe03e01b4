"""Builds that were recorded: what each layer did, what it was made from, how large it is. Kept in .ddd/builds/.

stage.build records every build; Nox sessions those that rebuilt something. Compose does not show us its builds.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ddd_tasks import build, console, dockerfile, notebook, process
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.bases import familiar
from ddd_tasks.errors import DddError
from ddd_tasks.sessions.source import Source
from ddd_tasks.stages import inputs, progress, steps
from ddd_tasks.stages.steps import Layer, Script

_FORMAT = 2
_KEPT = 20
_TEXT = 300


@dataclass
class Step:
    """One layer in a build. state: built, cached or failed; size: bytes, None where it is not known.

    upstream: the keys of the layers that it is built on or copies from; it is built again when one of them changes.
    """

    line: int
    stage: str
    text: str
    is_base: bool
    upstream: list[str]
    state: str
    seconds: float
    size: int | None = None


@dataclass
class Record:
    """The builds of one command. targets: stage -> keys of its layers; steps and inputs: by the layer's key."""

    when: float
    by: str
    no_cache: bool = False
    targets: dict[str, list[str]] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def of(self, target: str | None) -> dict[str, Step]:
        """The steps that a stage's build had, or all of them."""
        if target is None:
            return self.steps
        return {key: self.steps[key] for key in self.targets[target]}


class Recorder:
    """Writes down the builds of one command as they end. by: who asked for them, as it is shown."""

    def __init__(self, source: Source, by: str, *, always: bool = True, no_cache: bool = False) -> None:
        self._source, self._always = source, always
        self._record = Record(time.time(), by, no_cache)

    def add(
        self, target: str, image: str | None, said: str, began: float, build_args: Mapping[str, str]
    ) -> dict[str, Step]:
        """Note a build of target that has ended; image: its id, None where it failed. Returns the steps it had.

        Nothing that goes wrong here is an error: the build has been made.
        """
        ran = progress.read(said)
        if not self._always and not any(one.state == progress.BUILT for one in ran.values()):
            return {}
        try:
            return self._add(target, image, ran, began, build_args)
        except (OSError, UnicodeDecodeError, DddError) as error:
            console.note(f"the build of {target} is not recorded: {error}")
            return {}

    def _add(
        self, target: str, image: str | None, ran: Mapping[str, progress.Ran], began: float, args: Mapping[str, str]
    ) -> dict[str, Step]:
        parsed = dockerfile.load(self._source.dockerfile, args)
        script = steps.read(self._source.dockerfile, parsed, args)
        layers = script.layers(target)
        fresh = {layer.key: _step(script, layer, one) for layer, one in _matched(layers, ran)}
        with closing(Engine.connect()) as engine:
            self._add_inputs(script, [layer for layer in layers if layer.key not in self._record.inputs], engine, began)
            for key, size in _sizes(engine, image, script, target).items() if image else ():
                if key in fresh:
                    fresh[key].size = size
        for key, step in fresh.items():
            self._record.steps[key] = _merged(self._record.steps.get(key), step)
        self._record.targets[target] = list(fresh)
        self._write()
        return fresh

    def _add_inputs(self, script: Script, layers: Sequence[Layer], engine: Engine, began: float) -> None:
        stand_ins = build.stand_ins(self._source.project)
        context = inputs.Context(self._source.context, self._source.dockerfile, _folder(self._source) / "files.json")

        def image_id(name: str) -> str:
            with suppress(ApiError):
                return str(engine.get(f"/images/{stand_ins.get(familiar(name), name)}/json")["Id"])
            return ""

        self._record.inputs.update(inputs.collect(script, layers, context, image_id, began))

    def _write(self) -> None:
        place = _folder(self._source)
        notebook.write(
            place / f"{_prefix(self._source)}{int(self._record.when * 1000)}.json",
            {"format": _FORMAT, **asdict(self._record)},
        )
        for file in _files(self._source)[_KEPT:]:
            file.unlink(missing_ok=True)


def read(source: Source) -> list[Record]:
    """The recorded builds of a Dockerfile, newest first."""
    found = []
    for file in _files(source):
        stored = notebook.read(file)
        if stored.pop("format", None) == _FORMAT:
            made = {key: Step(**step) for key, step in stored.pop("steps").items()}
            found.append(Record(**stored, steps=made))
    return found


def _matched(layers: Sequence[Layer], ran: Mapping[str, progress.Ran]) -> Iterator[tuple[Layer, progress.Ran]]:
    """The layers with what they did. Where a stand-in is the base, BuildKit counts from 1 without FROM."""
    bases = [layer for layer in layers if layer.is_base]
    shifted = {layer.label for layer in bases if layer.key in ran and ran[layer.key].keyword != "FROM"}
    for layer in layers:
        label, _, number = layer.key.rpartition(" ")
        key = f"{label} {int(number) - 1}" if label in shifted else layer.key
        if layer.is_base and label in shifted:
            yield layer, progress.Ran(progress.CACHED, 0.0, "FROM")
        elif key in ran:
            yield layer, ran[key]


def _step(script: Script, layer: Layer, ran: progress.Ran) -> Step:
    text = process.redact(layer.text)
    text = text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
    upstream = script.upstream(layer)
    return Step(layer.line, layer.label, text, layer.is_base, upstream, ran.state, ran.seconds)


def _merged(before: Step | None, after: Step) -> Step:
    """One step in two builds of a command: the second finds in the cache what the first has built."""
    if before is None:
        return after
    if before.size is None:
        before.size = after.size
    if before.state == progress.CACHED:
        before.state, before.seconds = after.state, after.seconds
    return before


def _sizes(engine: Engine, image: str, script: Script, target: str) -> dict[str, int]:
    """The size of each layer of the image by its key: its history lists the same instructions, newest first."""
    history: Iterable[Mapping[str, Any]] = engine.get(f"/images/{image}/history")
    chain = script.parsed.chain(target)
    keys = {(layer.stage.index, layer.line): layer.key for layer in script.layers(target) if layer.step}
    ours = [(keys.get((stage.index, step.line)), step.keyword) for stage in chain for step in stage.steps]
    found = {}
    for (key, keyword), entry in zip(reversed(ours), history, strict=False):
        said = str(entry.get("CreatedBy", "")).removeprefix("/bin/sh -c #(nop) ")
        if keyword != "RUN" and not said.startswith(keyword):
            break
        if key:
            found[key] = int(entry["Size"])
    return found


def _folder(source: Source) -> Path:
    return source.directory / ".ddd" / "builds"


def _prefix(source: Source) -> str:
    return hashlib.sha256(os.fsencode(source.dockerfile)).hexdigest()[:8] + "-"


def _files(source: Source) -> list[Path]:
    return sorted(_folder(source).glob(f"{_prefix(source)}*.json"), reverse=True)
