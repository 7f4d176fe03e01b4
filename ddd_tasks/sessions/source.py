"""Where a session's stage comes from: the Dockerfile and context of a Compose service, or the ones that were named."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ddd_tasks import composefiles
from ddd_tasks import project as projects
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Build, Project
from ddd_tasks.sessions.options import Options

if TYPE_CHECKING:
    from ddd_tasks.dockerfile import Dockerfile


@dataclass(frozen=True)
class Source:
    """A Dockerfile, its context, and the folder that sessions share with the host. service: whose build section it is.

    Without a Compose file, the project is one without services. began: when the reading of all this began, in
    nanoseconds since 1970; 0 where nobody knows.
    """

    dockerfile: Path
    context: Path
    directory: Path
    project: Project
    service: str | None
    build_args: Mapping[str, str]
    began: int = 0

    @property
    def slug(self) -> str:
        """A name for what we make on the engine, different for each checkout."""
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:6]
        return f"{plain(self.project.name)}-{digest}"

    def stages(self) -> Dockerfile:
        """The parsed Dockerfile. Raises ConfigError where it is missing or none."""
        from ddd_tasks import dockerfile  # a stage whose image is there is not looked up

        return dockerfile.load(self.dockerfile, self.build_args)


def find(options: Options, here: Path) -> Source:
    """The source of a stage for the noxfile in the folder here. Raises ConfigError, UnknownNameError."""
    began = time.time_ns()
    project = _project(here)
    service, build = _build(options, project, here)
    file = here / options.dockerfile if options.dockerfile else build.dockerfile
    context = here / options.context if options.context else build.context
    if options.dockerfile and not options.context and service is None:
        context = file.parent
    return Source(file, context, project.directory, project, service, dict(options.build_args), began)


def plain(text: str) -> str:
    """The text with only what the engine allows in every kind of name."""
    return re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._") or "project"


def _project(here: Path) -> Project:
    try:
        composefiles.find(here)
    except ConfigError:
        if os.environ.get("COMPOSE_FILE"):
            raise  # it was named, so it is meant
        return Project(here.name, here, (), {}, {})
    project = projects.load(here)
    # COMPOSE_FILE may name files of anywhere: the sessions' folder is the noxfile's then.
    return project if here.is_relative_to(project.directory) else project._replace(directory=here)


def _build(options: Options, project: Project, here: Path) -> tuple[str | None, Build]:
    """The service whose build section is meant, and that section."""
    beside_noxfile = Build(here, here / "Dockerfile", None)
    if options.service is not None:
        return options.service, _of_service(options.service, project, here)
    builds = {name: service.build for name, service in project.services.items() if service.build}
    if options.dockerfile is not None or not builds:
        return None, beside_noxfile
    if len({(build.context, build.dockerfile) for build in builds.values()}) > 1:
        call = f"stage({options.stage!r}, service=" if options.stage else "stage_sessions(service="
        raise ConfigError(
            f"stage {options.stage!r} may be one of several Dockerfiles" if options.stage else "several Dockerfiles",
            cause=f"{project.files[0]} has more than one service with a build section: the noxfile has to name one",
            valid=builds,
            hint=f"{call}{min(builds)!r})",
        )
    return next(iter(builds.items()))


def _of_service(name: str, project: Project, here: Path) -> Build:
    if not project.files:
        composefiles.find(here)  # raises: there is no Compose file
    build = project.service(name).build
    if build is None:
        built = [other.name for other in project.services.values() if other.build]
        raise ConfigError(f"service {name!r} has no build section", cause="it has no stages, therefore", valid=built)
    return build
