"""The base images of a project: official ones where they can be had, stand-ins built from Debian packages elsewhere."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from ddd_tasks import build, composefiles, console, dockerfile, process
from ddd_tasks import project as projects
from ddd_tasks.engine import bases as recipes
from ddd_tasks.engine import info
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, ConfigError, EngineError
from ddd_tasks.project import Project
from ddd_tasks.projectcache import make_private

_PATIENCE = 10.0  # seconds in which a registry has to answer
_BASE_WITH_VARIABLE = re.compile(r"(?im)^\s*(?:from\s|.*\bfrom=).*\$")


def ensure(directory: Path) -> list[str]:
    """Make every image that the project names usable, and return those that a stand-in is used for.

    Local images stay as they are; others are pulled, and where no registry has them a stand-in is built. The record
    is .ddd/bases.json. Raises ConfigError for an image that there is no way to, EngineError, CommandError.
    """
    project = _load(directory)
    local = build.local_images()
    chosen = _chosen(project, local)
    found: dict[str, str] = {}
    unreachable: dict[str, str] = {}
    for image, user in sorted(images(directory, project).items()):
        if image in chosen or image in local or _has(image):
            continue
        stand_in = _pull_or_build(image, user, unreachable)
        if stand_in:
            found[image] = stand_in
    _record(directory, found)
    return sorted(found)


def stand_ins(directory: Path) -> dict[str, str]:
    """Official image -> the image used instead, in this project. Raises EngineError when no engine answers."""
    project = _load(directory)
    return build.stand_ins(project) if project else info.stand_ins(directory)


def images(directory: Path, project: Project | None) -> dict[str, str]:
    """Every image that the project takes from a registry -> the file or service that names it."""
    found: dict[str, str] = {}
    for file, arguments in _dockerfiles(directory, project):
        for image in dockerfile.load(file, arguments).external_images(None):
            found.setdefault(recipes.familiar(image), str(file))
    for service in project.services.values() if project else ():
        if service.image and not service.build:
            found.setdefault(recipes.familiar(service.image), f"service {service.name}")
    return found


def _dockerfiles(directory: Path, project: Project | None) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Each Dockerfile of a service, with its build arguments, and those under docker/."""
    seen = set()
    for service in project.services.values() if project else ():
        file = service.build.dockerfile if service.build else None
        if project and file and file.is_file():
            seen.add(file)
            yield file, _arguments(project, service.name, file)
    for file in sorted(directory.glob("docker/*/Dockerfile")):
        if file not in seen:
            yield file, {}


def _arguments(project: Project, service: str, file: Path) -> Mapping[str, str]:
    """The service's build arguments, when the Dockerfile names a base image by one."""
    if not _BASE_WITH_VARIABLE.search(file.read_text(encoding="utf-8", errors="replace")):
        return {}
    section = build.configuration(project)["services"][service]["build"]
    return {name: value for name, value in (section.get("args") or {}).items() if value is not None}


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
    why = unreachable.get(registry)
    if why is None:
        why = reachable(image)
        if why is None:
            why = _pull(image)
            if why is None:
                return None
        else:
            unreachable[registry] = why
            console.note(f"the registry {registry} cannot be reached: stand-ins are used where there are any")
    recipe = recipes.find(image)
    if recipe is None:
        raise ConfigError(
            f"the image {image!r} of {user} is not here, cannot be pulled, and has no stand-in",
            cause=why,
            given=image,
            valid=recipes.recipes(),
            hint=f"docker pull {image}",
        )
    return recipes.build(Engine.connect(), recipe)


def registry_of(image: str) -> str:
    """The registry in an image's name, docker.io without one."""
    first, slash, _ = image.partition("/")
    return first if slash and (re.search(r"[.:]", first) or first == "localhost") else "docker.io"


def reachable(image: str) -> str | None:
    """None when the image's registry answers the engine, whatever it answers; otherwise why it does not."""
    answer: list[str | None] = [f"no answer within {_PATIENCE:.0f} s"]

    def ask() -> None:
        try:
            Engine.connect().get(f"/distribution/{image}/json")
            answer[0] = None
        except ApiError as error:  # 401, 403, 404: the registry's own words; 500: the engine could not reach it
            answer[0] = error.cause if error.status >= 500 else None
        except (EngineError, OSError) as error:
            answer[0] = str(error)

    thread = threading.Thread(target=ask, daemon=True)  # the engine itself gives up much later
    thread.start()
    thread.join(_PATIENCE)
    return answer[0]


def _pull(image: str) -> str | None:
    """None when it is here now, otherwise why not."""
    try:
        with console.step(f"pull {image}"):
            process.run(["docker", "pull", image], quiet=True)
    except CommandError as error:
        return f"docker pull {image} ended with status {error.exit_code}: its words are above"
    return None


def _has(image: str) -> bool:
    """Whether the engine has it under any of its names, a digest for example."""
    try:
        Engine.connect().get(f"/images/{image}/json")
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True


def _record(directory: Path, found: Mapping[str, str]) -> None:
    """Write .ddd/bases.json as a whole, and only when it changes."""
    private = directory / projects.DIRECTORY
    file = private / "bases.json"
    text = json.dumps(dict(sorted(found.items())), indent=2) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    make_private(private)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
