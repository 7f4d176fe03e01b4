"""The sessions of a noxfile that run in a container, and their images in the registry that jobs share."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.errors import CommandError, ConfigError, UnknownNameError
from ddd_tasks.sessions import image, options, source, tags
from ddd_tasks.sessions.options import Options
from ddd_tasks.sessions.tags import BUILD_CACHE

NOXFILE = "noxfile.py"


class Job(NamedTuple):
    """A session in a container: its name for `nox -s`, its stage, its python= and tags, and what stage() was told."""

    session: str
    stage: str
    python: str
    tags: tuple[str, ...]
    options: Options

    def as_dict(self) -> dict[str, Any]:
        """What a matrix says of it."""
        return {"session": self.session, "stage": self.stage, "python": self.python, "tags": list(self.tags)}


def find(directory: Path, *, noxfile: str = NOXFILE, tags: Sequence[str] = (), everything: bool = False) -> list[Job]:
    """The container sessions that `nox` runs there, or those with one of the tags, or everything there is.

    Raises ConfigError where there is no noxfile, none of its sessions is in a container, or it cannot be loaded.
    """
    if not (directory / noxfile).is_file():
        raise ConfigError(f"there is no {noxfile} in {directory}", cause="it says which sessions there are", hint="ls")
    argv = [sys.executable, "-m", "ddd_tasks.nox", "--list", "--json", "--noxfile", noxfile]
    argv += ["--keywords", "any or not any"] if everything else []  # also those that only run when they are named
    try:
        answer = process.capture([*argv, *(word for tag in tags for word in ("--tags", tag))], cwd=directory)
    except CommandError as error:
        raise ConfigError(f"{noxfile} cannot be loaded", cause=error.cause, hint=f"nox --list -f {noxfile}") from error
    found = [_job(row) for row in json.loads(answer.stdout)]
    if not found:
        selected = f" with the tag {' or '.join(tags)}" if tags else ""
        raise ConfigError(
            f"no session of {noxfile}{selected} runs in a container",
            cause='none of those that `nox` runs has venv_backend=stage("...")',
            hint=f"nox --list -f {noxfile}",
        )
    return found


def stages(jobs: Sequence[Job]) -> list[str]:
    """The names of the stages, each once."""
    return list(dict.fromkeys(job.stage for job in jobs))


def build(directory: Path, jobs: Sequence[Job], stage: str, *, push: bool = False) -> list[str]:
    """Build a stage as its sessions do, and push it for the builds of other jobs; returns the images' names.

    Raises UnknownNameError for the stage, ConfigError where push has nowhere to go, CommandError.
    """
    wanted = {tags.scope(job.options): job.options for job in jobs if job.stage == stage}
    if not wanted:
        raise UnknownNameError("stage with a session", stage, stages(jobs))
    return [_build(directory, one, push=push) for one in wanted.values()]


def _build(directory: Path, chosen: Options, *, push: bool) -> str:
    origin, reference = source.find(chosen, directory), tags.shared(chosen)
    if not push:
        image.build(origin, chosen)
        return tags.tag(origin, chosen)
    if not reference:
        raise ConfigError(
            f"stage {chosen.stage!r} cannot be pushed: {BUILD_CACHE} is not set",
            cause="it names the image in a registry whose tags are the stages",
            hint=f"{BUILD_CACHE}=localhost:5000/stages ddd ci.build {chosen.stage} --push",
        )
    # The layers' cache keys go into the image itself: the only way of every engine's own builder.
    image.build(origin, chosen, ["--tag", reference, "--cache-to", "type=inline"])
    status = process.run(["docker", "push", "--quiet", reference])
    if status != 0:
        raise CommandError(f"{reference} could not be pushed", status, hint="docker login")
    return reference


def _job(row: Mapping[str, Any]) -> Job:
    given = dict(row["options"])
    chosen = options.make(given.pop("stage"), build_args=dict(given.pop("build_args")), **given)
    python = row["python"]
    return Job(row["session"], chosen.stage, python if isinstance(python, str) else "", tuple(row["tags"]), chosen)
