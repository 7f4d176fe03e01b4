"""The base images of a project: official ones where they can be had, stand-ins built from Debian packages elsewhere."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import build, composefiles, console, dockerfile, process
from ddd_tasks import project as projects
from ddd_tasks.engine import bases as recipes
from ddd_tasks.engine import info
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, ConfigError, EngineError
from ddd_tasks.project import Project
from ddd_tasks.projectcache import write_private

_PATIENCE = 10.0  # seconds in which a registry has to answer
_SILENCE = "no answer"


class Use(NamedTuple):
    """Where an image is named. needed: a service that `up` starts cannot do without it."""

    where: str
    needed: bool = True


def ensure(directory: Path, *, everything: bool = False) -> list[str]:
    """Make every image that the project names usable, and return those that a stand-in is used for.

    Local images stay as they are; others are pulled, and where no registry has them a stand-in is built. The record
    is .ddd/bases.json. everything: also what Dockerfiles of docker/ name that no service is built from.
    Raises ConfigError for an image that there is no way to, EngineError, CommandError.
    """
    project = _load(directory)
    local = build.local_images()
    chosen = _chosen(project, local)
    found: dict[str, str] = {}
    unreachable: dict[str, str] = {}
    for image, use in sorted(images(directory, project, everything=everything).items()):
        if image in chosen or image in local or _has(image):
            continue
        try:
            stand_in = _pull_or_build(image, use.where, unreachable)
        except ConfigError as error:
            if use.needed:
                raise
            console.warning(f"{error.what}; nothing that `ddd dev.up` starts needs it")
            continue
        if stand_in:
            found[image] = stand_in
    _record(directory, found)
    return sorted(found)


def provide(project: Project, wanted: Iterable[str]) -> None:
    """Make usable what the engine lacks of these images: from their registry, else by a stand-in, which is recorded.

    An image that nothing stands in for is left to what needs it. Raises EngineError, CommandError.
    """
    chosen, local = build.stand_ins(project), build.local_images()
    unreachable: dict[str, str] = {}
    for image in sorted({recipes.familiar(image) for image in wanted} - local - chosen.keys()):
        if recipes.find(image) and not _has(image):
            stand_in = _pull_or_build(image, "the project", unreachable)
            if stand_in:
                console.note(f"{image} cannot be had: {stand_in} stands in for it")
                _record(project.directory, {**info.stand_ins(project.directory), image: stand_in})


def stand_ins(directory: Path) -> dict[str, str]:
    """Official image -> the image used instead, in this project. Raises EngineError when no engine answers."""
    project = _load(directory)
    return build.stand_ins(project) if project else info.stand_ins(directory)


def images(directory: Path, project: Project | None, *, everything: bool = False) -> dict[str, Use]:
    """Every image that the project takes from a registry: in any stage of its Dockerfiles, or as a service's image.

    Its Dockerfiles are those of its services; with everything, or without a Compose file, those of docker/ as well.
    """
    found: dict[str, Use] = {}
    for image, use in _uses(directory, project, everything=everything or not project):
        name = recipes.familiar(image)
        if name not in found or (use.needed and not found[name].needed):
            found[name] = use
    return found


def _uses(directory: Path, project: Project | None, *, everything: bool) -> Iterator[tuple[str, Use]]:
    own = build.declared(project)[0] if project else {}
    seen = set()
    for service in project.services.values() if project else ():
        started = not service.profiles
        if service.image and not service.build:
            yield service.image, Use(f"service {service.name}", started)
        elif project and service.build and service.build.dockerfile.is_file():
            file = service.build.dockerfile
            seen.add(file)
            parsed = build.dockerfile_of(project, service)
            needed = set(parsed.external_images(service.build.target))
            contexts = own[service.name].contexts if service.name in own else frozenset()
            for image in _of_all_stages(parsed):
                if recipes.familiar(image) not in contexts:
                    yield image, Use(str(file), started and image in needed)
    for file in sorted(directory.glob("docker/*/Dockerfile")) if everything else ():
        if file not in seen:
            yield from ((image, Use(str(file), needed=False)) for image in _of_all_stages(dockerfile.load(file)))


def _of_all_stages(parsed: dockerfile.Dockerfile) -> set[str]:
    """The images of every stage: tests and tools build others than the one that a service runs."""
    named = {image for stage in parsed.stages if stage.name for image in parsed.external_images(stage.name)}
    bases = {stage.base for stage in parsed.stages if stage.base_stage is None} - {"scratch"}
    return named | bases | set(parsed.external_images())


def _load(directory: Path) -> Project | None:
    """The project, or None where there is no Compose file: Dockerfiles alone name images too."""
    try:
        composefiles.find(directory)
    except ConfigError:
        return None
    return projects.load(directory)


def _chosen(project: Project | None, local: set[str]) -> set[str]:
    """The images that x-ddd gives a stand-in for. Raises ConfigError when one of those is not there."""
    for official, name in (project.images if project else {}).items():
        if recipes.familiar(name) not in local and not _has(name):
            raise ConfigError(
                f"x-ddd.images says {name!r} for {official!r}, and there is no such image",
                given=name,
                valid=(tag for tag in local if tag.startswith(recipes.PREFIX)),
                hint=f"docker pull {name}",
            )
    return {recipes.familiar(official) for official in (project.images if project else {})}


def _pull_or_build(image: str, user: str, unreachable: dict[str, str]) -> str | None:
    """None when the official image is there now, else the stand-in's name. unreachable: registry -> why."""
    registry = registry_of(image)
    why = unreachable.get(registry) or fetch(image)
    if why is None:
        return None
    if why.startswith(_SILENCE):
        unreachable[registry] = why
    recipe = recipes.find(image)
    if recipe is None:
        raise ConfigError(
            f"the image {image!r} of {user} is not here, cannot be pulled, and has no stand-in",
            cause=why,
            given=image,
            valid=recipes.recipes(),
            hint=f"docker pull {image}",
        )
    with closing(Engine.connect()) as engine:
        return recipes.build(engine, recipe)


def fetch(image: str) -> str | None:
    """Pull the image: None when it is here now, otherwise why not."""
    doubt = reachable(image)
    if doubt and doubt.startswith(_SILENCE):
        return doubt
    argv = ["docker", "pull", image]
    if doubt:  # most likely in vain, but the Docker CLI may have a password that the engine was not given
        done = process.capture(argv, check=False)
        return done.stderr.strip() or doubt if done.status else None
    try:
        with console.step(f"pull {image}"):
            process.run(argv, quiet=True)
    except CommandError as error:
        return f"docker pull {image} ended with status {error.exit_code}: its words are above"
    return None


def registry_of(image: str) -> str:
    """The registry in an image's name, docker.io without one."""
    first, slash, _ = image.partition("/")
    return first if slash and (re.search(r"[.:]", first) or first == "localhost") else "docker.io"


def reachable(image: str) -> str | None:
    """None when the image's registry answers the engine, whatever it says about the image; otherwise why not."""
    answer: list[str | None] = [f"{_SILENCE} of {registry_of(image)} within {_PATIENCE:.0f} s"]

    def ask() -> None:
        try:
            with closing(Engine.connect()) as engine:
                engine.get(f"/distribution/{image}/json")
            answer[0] = None
        except ApiError as error:  # 401, 403, 404: the registry's own words; 500: the engine could not ask it
            answer[0] = error.cause if error.status >= 500 else None
        except EngineError as error:
            answer[0] = error.what
        except OSError as error:
            answer[0] = str(error)

    thread = threading.Thread(target=ask, daemon=True)  # the engine itself gives up much later
    thread.start()
    thread.join(_PATIENCE)
    return answer[0]


def has(engine: Engine, image: str) -> bool:
    """Whether the engine has it under any of its names, a digest for example. Raises EngineError."""
    try:
        engine.get(f"/images/{image}/json")
    except ApiError as error:
        if error.status < 500:  # not there, or no name that an image could have
            return False
        raise
    return True


def _has(image: str) -> bool:
    with closing(Engine.connect()) as engine:
        return has(engine, image)


def _record(directory: Path, found: Mapping[str, str]) -> None:
    """Write .ddd/bases.json. Raises ConfigError."""
    if not process.is_dry():
        write_private(
            directory / projects.DIRECTORY / "bases.json", json.dumps(dict(sorted(found.items())), indent=2) + "\n"
        )
