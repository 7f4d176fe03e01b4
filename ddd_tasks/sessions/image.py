"""The image of a stage: its id, built first wherever it is not up to date."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import bases, process
from ddd_tasks import build as build_inputs
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import CommandError
from ddd_tasks.sessions import buildview, inputs, tags
from ddd_tasks.sessions.container import PROJECT_LABEL
from ddd_tasks.sessions.options import Options
from ddd_tasks.sessions.source import Source
from ddd_tasks.stages.record import Recorder, Step


class Built(NamedTuple):
    """A build that went well: the image's id, the seconds it took, its layers by their key."""

    image: str
    seconds: float
    steps: Mapping[str, Step]


def build(source: Source, options: Options, more: Sequence[str] = (), recorder: Recorder | None = None) -> Built:
    """Build the stage's image. Raises UnknownNameError for the stage, CommandError when the build fails.

    more: further arguments of the build; recorder: who writes it down, None for a record of its own.
    """
    stage = source.stages().stage(options.stage)
    provide_bases(source, options)
    given = inputs.collect(source)
    with tempfile.TemporaryDirectory(prefix="ddd-") as folder:
        note = Path(folder, "image-id")
        argv = [
            *("docker", "buildx", "build", "--load", "--progress=plain", "--iidfile", str(note)),
            "--provenance=false",  # it holds the time of the build: the same image would have another id each time
            *("--target", stage.name or options.stage, "--file", str(source.dockerfile)),
            *("--tag", tags.tag(source, options), "--label", f"{PROJECT_LABEL}={source.directory}"),
            *given.arguments,
            *_cache_from(options),
            *more,
            str(source.context),
        ]
        if process.is_dry():
            process.announce(argv)
            return Built("", 0.0, {})
        began = time.time()
        status, said, shown = _run(argv, {**os.environ, **given.environment}, f"stage {stage.name or options.stage}")
        made = None if status else note.read_text().strip()
        recorder = recorder or Recorder(source, "a Nox session", always=False)
        steps = recorder.add(stage.name or options.stage, made, said, began, given.build_args)
        if made is None:
            raise _failed(source, options, status, "" if shown else said)
        return Built(made, time.time() - began, steps)


def provide_bases(source: Source, options: Options) -> None:
    """Make usable what the engine lacks of the images that the stage is built on, where something can be done."""
    if not process.is_dry():
        bases.provide(source.project, source.stages().external_images(options.stage))


def _failed(source: Source, options: Options, status: int, said: str) -> CommandError:
    stand_ins = build_inputs.for_project(source.project).contexts
    needed = [name for name in source.stages().external_images(options.stage) if name not in stand_ins]
    with closing(Engine.connect()) as engine:
        missing = [name for name in needed if not bases.has(engine, name)]
    return CommandError(
        f"the image of stage {options.stage!r} could not be built",
        status,
        cause=said or "the build's output above says why",
        hint="ddd engine.bases" if missing else "",
    )


def _cache_from(options: Options) -> list[str]:
    reference = tags.shared(options)
    return ["--cache-from", f"type=registry,ref={reference}"] if reference else []


def _run(argv: Sequence[str], env: Mapping[str, str], what: str) -> tuple[int, str, bool]:
    """The status of a build, what it wrote, and whether that was shown already. what: its name."""
    read_end, write_end = os.pipe()
    with Path(os.devnull).open("rb") as nothing, os.fdopen(read_end, "rb", buffering=0) as output:
        try:
            building = process.start(argv, env=env, stdin=nothing.fileno(), stdout=write_end, stderr=write_end)
        finally:
            os.close(write_end)
        try:
            said, shown = buildview.follow(output.fileno(), what)
        except BaseException:  # Ctrl-C above all: it reaches only us, since the build has a session of its own
            building.terminate()
            building.wait()
            raise
        return process.exit_status(building.wait()), said, shown
