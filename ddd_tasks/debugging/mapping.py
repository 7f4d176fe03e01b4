"""Which folders of the host the debugger in a service's container knows, and under which paths."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks import build, dockerfile, images
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.dockerfile_contents import Content, Contents, contents, sources
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import Language, PathMapping
from ddd_tasks.project import Project, Service

# What is mounted from there is the machine's, not source.
_OF_THE_MACHINE = frozenset(("dev", "etc", "proc", "run", "sys"))
_DEEPEST = 4
_MODULE_FILE = "go.mod"


def mappings(
    project: Project, service: Service, language: Language, stage: str | None = None
) -> tuple[PathMapping, ...]:
    """The source of a service: one that lies within another, on either side, comes first; then the longest host path.

    stage: the Dockerfile stage that really runs, None for the service's own. Nothing where neither its Dockerfile nor
    its mounts say where source is. Raises ConfigError for a stage that does not exist.
    """
    mounts = mounted(service, language)
    if service.build is None or service.build.is_remote or not service.build.dockerfile.is_file():
        return arranged(seen(service, (), mounts))
    target = stage or service.build.target
    with_engine = Engine.connect()
    try:
        parsed = _parsed(project, service)
        bases = images.settings(with_engine, project, parsed, target)
    finally:
        with_engine.close()
    held = contents(parsed, target, service.build.context, bases, _named_contexts(project, service, parsed, target))
    return arranged(of_stages(service, language, parsed, target, held))


def of_stages(
    service: Service, language: Language, parsed: Dockerfile, target: str | None, held: Contents
) -> list[Content]:
    """What the debugger of a container of that stage knows of the host.

    That is what the container holds; for a compiled language whose source it does not hold, the stage that compiled it.
    """
    last = parsed.chain(target)[-1]
    here = seen(service, of_code(held[last.index], language), mounted(service, language))
    if not (language.debug and language.debug.is_compiled):
        return here
    compiled = [of_code(held[stage.index], language) for stage in sources(parsed, last)]
    candidates = [[one for one in found if not one.is_named] for found in (here, *compiled)]
    complete = (found for found in candidates if any(_is_marked(one.source, language) for one in found))
    return next(complete, None) or next(filter(None, candidates), [])


def seen(service: Service, image: Sequence[Content], mounts: Iterable[Content]) -> list[Content]:
    """What a container shows: its image, and over it mounts and volumes, those further up in the tree first."""
    shown = list(image)
    over: list[tuple[str, Content | None]] = [(mount.target, mount) for mount in mounts]
    over += [(target, None) for target in service.volumes]
    for target, mount in sorted(over, key=lambda one: len(PurePosixPath(one[0]).parts)):
        shown = [one for one in shown if not _is_below(one.target, target)]
        shown += [mount] if mount else []
    return shown


def mounted(service: Service, language: Language) -> tuple[Content, ...]:
    """The bind mounts of a service that may hold source: folders, and single files with code of the language."""
    mounts = [Content(mount.source, str(PurePosixPath(mount.target))) for mount in service.mounts]
    return of_code(
        [one for one in mounts if one.source.parts[1:2] and not _OF_THE_MACHINE & {one.source.parts[1]}], language
    )


def of_code(found: Iterable[Content], language: Language) -> tuple[Content, ...]:
    """The folders, and the files with code."""
    globs = language.debug.sources if language.debug else ()
    is_code = {one: one.source.is_file() and any(one.source.match(glob) for glob in globs) for one in found}
    return tuple(one for one, code in is_code.items() if code or one.source.is_dir())


def arranged(found: Sequence[Content]) -> tuple[PathMapping, ...]:
    """Mappings in an order in which the first that matches is the right one, from either side.

    What another one says already is left out. A path that leads through symbolic links is there a second time, as the
    kernel sees it.
    """
    found = [one for one in dict.fromkeys(found) if not _is_implied(one, found)]
    links = [Content(real, one.target) for one in found if (real := Path(os.path.realpath(one.source))) != one.source]
    wanted = [PathMapping(one.source, one.target) for one in dict.fromkeys([*found, *links])]
    waiting = sorted(wanted, key=lambda one: (-len(one.local.parts), -len(PurePosixPath(one.remote).parts)))
    ordered: list[PathMapping] = []
    while waiting:
        free = (one for one in waiting if not any(_is_within(other, one) for other in waiting))
        ordered.append(next(free, waiting[0]))  # in a circle, the longest host path
        waiting.remove(ordered[-1])
    return tuple(ordered)


def to_host(known: Sequence[PathMapping], remote: str) -> Path | None:
    """The host path behind a path of the debugger, None where no mapping holds it."""
    holding = [one for one in known if _is_below(remote, one.remote)]
    longest = max((len(PurePosixPath(one.remote).parts) for one in holding), default=0)
    best = [one for one in holding if len(PurePosixPath(one.remote).parts) == longest]
    paths = [Path(one.local, *PurePosixPath(remote).relative_to(one.remote).parts) for one in best]
    return next((path for path in paths if path.exists()), paths[0] if paths else None)


def to_remote(known: Sequence[PathMapping], path: Path) -> str | None:
    """The debugger's path of a host file, None where no mapping holds it or where something else hides it."""
    for given in dict.fromkeys((Path(os.path.normpath(Path.cwd() / path)), Path(os.path.realpath(path)))):
        holding = [one for one in known if given.is_relative_to(one.local)]
        for one in sorted(holding, key=lambda one: -len(one.local.parts)):
            remote = str(PurePosixPath(one.remote, *given.relative_to(one.local).parts))
            back = to_host(known, remote)
            if back and os.path.realpath(back) == os.path.realpath(given):
                return remote
    return None


def for_binary(known: tuple[PathMapping, ...], facts: Mapping[str, Any]) -> tuple[PathMapping, ...]:
    """The mappings as a compiled program needs them: by the paths of modules, where it was built with -trimpath.

    facts: {"trimpath": bool, "module": the main module's path}, as they are read from the program.
    """
    if not facts.get("trimpath"):
        return known
    modules = {
        Content(file.parent, name) for one in known for file in _module_files(one.local) if (name := _module(file))
    }
    found = sorted(modules, key=lambda one: one.target != facts.get("module"))
    return arranged(found) or known


def _is_implied(one: Content, found: Sequence[Content]) -> bool:
    """Whether the next larger folder in the container says the same."""
    larger = [other for other in found if other.target != one.target and _is_below(one.target, other.target)]
    if not larger:
        return False
    nearest = max(larger, key=lambda other: len(other.target))
    rest = PurePosixPath(one.target).relative_to(nearest.target)
    return one.source == nearest.source / rest


def _is_within(inner: PathMapping, outer: PathMapping) -> bool:
    """Whether the inner one has to come first: a debugger that takes the first match would never reach it."""
    if inner == outer:
        return False
    is_below = _is_below(inner.remote, outer.remote) and inner.remote != outer.remote
    return is_below or (outer.local in inner.local.parents and not _is_below(outer.remote, inner.remote))


def _is_below(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


def _is_marked(folder: Path, language: Language) -> bool:
    """Whether a folder holds one of the files that reveal the language, at the top or a little below."""
    globs = [marker.partition(":")[0] for marker in language.markers]
    if folder.is_file():
        return any(folder.match(glob) for glob in globs)
    depths = ["/".join("*" * depth) for depth in range(_DEEPEST)]
    return any(next(folder.glob(f"{depth}/{glob}".lstrip("/")), None) for depth in depths for glob in globs)


def _parsed(project: Project, service: Service) -> Dockerfile:
    """The Dockerfile with the service's build arguments, which may name folders."""
    parsed = build.dockerfile_of(project, service)
    if not any("args" in file.read_text(encoding="utf-8", errors="replace") for file in project.files):
        return parsed
    given = build.configuration(project)["services"][service.name]["build"].get("args") or {}
    return dockerfile.load(Path(parsed.where), {name: str(value) for name, value in given.items() if value is not None})


def _named_contexts(project: Project, service: Service, parsed: Dockerfile, target: str | None) -> dict[str, Path]:
    """The folders of the host that COPY --from knows by name: build.additional_contexts."""
    stages = parsed.needed(target)
    names = {name for stage in stages for name in stage.sources if not parsed.find(name, stage.index)}
    if not names:
        return {}
    declared = build.configuration(project)["services"][service.name]["build"].get("additional_contexts") or {}
    found = {name: project.directory / str(place) for name, place in declared.items() if name in names}
    return {name: folder for name, folder in found.items() if folder.is_dir()}


def _module_files(folder: Path) -> Iterator[Path]:
    depths = ("/".join("*" * depth) for depth in range(_DEEPEST))
    return itertools.chain.from_iterable(folder.glob(f"{depth}/{_MODULE_FILE}".lstrip("/")) for depth in depths)


def _module(file: Path) -> str:
    """The path that a go.mod gives to its module, "" where it gives none."""
    words = (line.split() for line in file.read_text(errors="replace").splitlines())
    return next((line[1].strip('"') for line in words if line[:1] == ["module"] and len(line) > 1), "")
