"""What a build or a start depends on: files, variables, folders and images, and the state of all that at one moment.

Whatever cannot be known for certain is not Watched: then nothing is remembered, and everything is done.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import build, buildcontext, composefiles, hostconfig
from ddd_tasks.buildcontext import Tree
from ddd_tasks.dockerfile_copies import EVERYTHING, is_remote
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.names import familiar
from ddd_tasks.project import Project

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Settings of Compose, the CLI and BuildKit, beside the variables that the files name.
_SETTINGS = re.compile(r"(COMPOSE|DOCKER|BUILDX|BUILDKIT|BUILDCTL)_|SOURCE_DATE_EPOCH$|HOME$")
# Keys of a Compose file, and of a build, that make it depend on something that we do not look at.
_OPAQUE = re.compile(r"(^|[\s{,])(project_directory|label_file|provider|models)\s*:(\s|$)", re.MULTILINE)
_OPAQUE_BUILD = frozenset(("pull", "no_cache", "dockerfile_inline"))
# An address, or a path that only Compose can make out.
_UNKNOWN_PATH = re.compile(r"[a-z]:/|git@|\$")
_IMAGE = "docker-image://"
# A file that changed this shortly before it was looked at may change again without getting another time.
_DOUBT = 30_000_000  # nanoseconds


class Watched(NamedTuple):
    """What something depends on: files, variables' names, folders of build contexts, and images."""

    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    trees: tuple[Tree, ...] = ()
    images: tuple[str, ...] = ()

    def __or__(self, other: Any) -> Watched:
        """Both together."""
        return Watched(*(tuple(sorted({*ours, *theirs})) for ours, theirs in zip(self, other, strict=True)))

    @classmethod
    def stored(cls, value: Sequence[Any]) -> Watched:
        """One that JSON has made a list of."""
        files, names, trees, images = value
        return cls(tuple(files), tuple(names), tuple(Tree(root, tuple(p), i) for root, p, i in trees), tuple(images))


class Note(NamedTuple):
    """What is watched, and the state of all that it names at one moment."""

    watched: Watched
    state: str


def compose_files(project: Project, config: Mapping[str, Any]) -> Watched | None:
    """What Compose reads for a project whose configuration it shows like that; None where it cannot be listed."""
    files = {str(path): path for path in composefiles.dependencies(project.files)}
    texts = [path.read_text(errors="replace") for path in files.values() if path.is_file()]
    if any(map(_UNKNOWN_PATH.search, files)) or "COMPOSE_ENV_FILES" in os.environ or any(map(_OPAQUE.search, texts)):
        return None
    more = [entry.get("file") for kind in ("configs", "secrets") for entry in (config.get(kind) or {}).values()]
    names = {name for text in texts for name in _WORD.findall(text)}
    return Watched((*files, *(str(path) for path in more if path)), tuple(names))


def build_section(engine: Engine, section: Mapping[str, Any], stand_ins: Mapping[str, str]) -> Watched | None:
    """What a build section, as Compose shows it, depends on; None where that is out of our sight.

    Raises ConfigError for a Dockerfile that cannot be read.
    """
    from ddd_tasks import dockerfile  # nothing is parsed to see whether something has changed

    context = Path(section["context"])
    if _OPAQUE_BUILD & section.keys() or not context.is_dir():
        return None
    file = context / section.get("dockerfile", "Dockerfile")
    given = section.get("args") or {}  # one without a value leaves the Dockerfile its own
    parsed = dockerfile.load(file, {name: str(value) for name, value in given.items() if value is not None})
    target = section.get("target")
    external = {familiar(image) for image in parsed.external_images(target)}
    named = {familiar(name): str(value) for name, value in (section.get("additional_contexts") or {}).items()}
    # One that is no base may replace a stage; of the stand-ins, those for other files do not matter.
    named = {name: value for name, value in named.items() if name in external or name not in stand_ins}
    replaced = {value for value in named.values() if value.startswith(_IMAGE)}
    images = (external - named.keys()) | {value.removeprefix(_IMAGE) for value in replaced}
    folders = [Path(value) for value in set(named.values()) - replaced]
    copies = [path for stage in parsed.needed(target) for path in stage.copies]
    if any(map(is_remote, copies)) or not all(folder.is_dir() for folder in folders):
        return None
    if parsed.syntax or any(_has_triggers(engine, image) for image in images):
        copies = [EVERYTHING]
    trees = [buildcontext.tree(context, file, copies)] if copies else []
    trees += [buildcontext.tree(folder, folder / "Dockerfile", [EVERYTHING]) for folder in folders]
    ignores = [file.with_name(f"{file.name}.dockerignore"), *(root / ".dockerignore" for root in (context, *folders))]
    return Watched((str(file), *map(str, ignores)), (), tuple(trees), tuple(images))


def note(engine: Engine, project: Project, watched: Watched, began: int, *more: Any) -> Note | None:
    """The state of what is watched, now; None where a file has changed since it was read, or may change again unseen.

    began: when the reading of what led to it began, as time.time_ns() has it.
    """
    found, newest = _look(engine, project, watched, more)
    return Note(watched, found) if newest < began - _DOUBT else None


def state(engine: Engine, project: Project, watched: Watched, *more: Any) -> str:
    """One hash over all that is watched, what every build of ours gets, and what more is given."""
    return _look(engine, project, watched, more)[0]


def _look(engine: Engine, project: Project, watched: Watched, more: Sequence[Any]) -> tuple[str, int]:
    """The hash, and the newest time in it.

    A base image that the engine itself does not have (a build may keep it to itself) counts as the same: whether its
    registry has a newer one is asked when something else has changed, and by dev.build --pull.
    """
    trees = [buildcontext.look(tree) for tree in watched.trees]
    files = [_status(path) for path in watched.files]
    images = [_image(engine, name) for name in watched.images]
    secrets, _ = build.secrets_of(hostconfig.find())
    parts = [
        *(engine.endpoint.host, str(more), str(secrets)),
        *(sorted(build.stand_ins(project).items()), sorted(hostconfig.proxies(os.environ))),
        *([tree.digest for tree in trees], files, images, list(_values(watched.names))),
    ]
    newest = max([0, *(tree.newest for tree in trees), *(max(found[:2]) for found in files if found)])
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest(), newest


def _status(path: str) -> list[int] | None:
    """Times, inode, size and mode; None for a file that does not exist."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size, found.st_mode]


def _values(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    wanted = {name for name in os.environ if _SETTINGS.match(name)}.union(names)
    return ((name, os.environ[name]) for name in sorted(wanted) if name in os.environ)


def _image(engine: Engine, name: str) -> str | None:
    try:
        return str(engine.get(f"/images/{name}/json")["Id"])
    except ApiError:
        return None


def _has_triggers(engine: Engine, image: str) -> bool:
    """Whether the image has ONBUILD instructions, which may read the context of the build that starts from it."""
    try:
        return bool((engine.get(f"/images/{image}/json")["Config"] or {}).get("OnBuild"))
    except ApiError:
        return True
