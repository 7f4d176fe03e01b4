"""Where a session's stage comes from: the Dockerfile and context of a Compose service, or the ones that were named."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ddd_tasks import composefiles, dockerfile, project
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Build, Project
from ddd_tasks.sessions.options import Options


@dataclass(frozen=True)
class Source:
    """A Dockerfile, its context, and the folder that sessions share with the host."""

    dockerfile: Path
    context: Path
    directory: Path
    project: Project | None
    build_args: Mapping[str, str]

    @property
    def slug(self) -> str:
        """A name for what we make on the engine, different for each checkout."""
        name = self.project.name if self.project else plain(self.directory.name)
        return f"{name}-{hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:6]}"

    def stages(self) -> dockerfile.Dockerfile:
        """The parsed Dockerfile. Raises ConfigError where it is missing or none."""
        return dockerfile.load(self.dockerfile, self.build_args)


def find(options: Options, here: Path) -> Source:
    """The source of a stage for the noxfile in the folder here. Raises ConfigError, UnknownNameError."""
    owner = _project(here)
    directory = owner.directory if owner and here.is_relative_to(owner.directory) else here
    build = _build(options, owner, here)
    file = here / options.dockerfile if options.dockerfile else build.dockerfile
    context = here / options.context if options.context else _context(options, build, file)
    return Source(file, context, directory, owner, dict(options.build_args))


def plain(text: str) -> str:
    """The text with only what the engine allows in every kind of name."""
    return re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._") or "project"


def _project(here: Path) -> Project | None:
    try:
        composefiles.find(here)
    except ConfigError:
        if os.environ.get("COMPOSE_FILE"):
            raise  # it was named, so it is meant
        return None
    return project.load(here)


def _build(options: Options, owner: Project | None, here: Path) -> Build:
    plain_one = Build(here, here / "Dockerfile", None)
    if owner is None:
        if options.service is not None:
            composefiles.find(here)  # raises: there is no Compose file
        return plain_one
    if options.service is not None:
        return _of_service(options.service, owner)
    if options.dockerfile is not None:
        return plain_one
    builds = {name: service.build for name, service in owner.services.items() if service.build}
    if len({(build.context, build.dockerfile) for build in builds.values()}) > 1:
        name = min(builds)
        raise ConfigError(
            f"stage {options.stage!r} may be one of several Dockerfiles",
            cause=f"{owner.files[0]} has more than one service with a build section",
            valid=builds,
            hint=f"stage({options.stage!r}, service={name!r})",
        )
    return next(iter(builds.values()), plain_one)


def _of_service(name: str, owner: Project) -> Build:
    service = owner.service(name)
    if service.build is None:
        built = [other.name for other in owner.services.values() if other.build]
        raise ConfigError(f"service {name!r} has no build section", cause="it has no stages, therefore", valid=built)
    return service.build


def _context(options: Options, build: Build, file: Path) -> Path:
    """Without a context of its own, a Dockerfile that was named is built in its own folder."""
    return file.parent if options.dockerfile and options.service is None else build.context
