"""What the last start left running, and whether starting again would change anything.

Nothing is to be done when all that Compose and BuildKit would look at is as it was before the last start, and the
containers are still those that it left. Whatever cannot be known for certain is not remembered.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import build, buildcontext, composefiles, dockerfile, hostconfig, portbook, services
from ddd_tasks.buildcontext import Tree
from ddd_tasks.compose import Compose
from ddd_tasks.dockerfile_copies import EVERYTHING, is_remote
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.bases import familiar
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project, Service
from ddd_tasks.projectcache import make_private

_FORMAT = 1
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Settings of Compose, the CLI and BuildKit, beside the variables that the files name.
_SETTINGS = re.compile(r"(COMPOSE|DOCKER|BUILDX|BUILDKIT|BUILDCTL)_|SOURCE_DATE_EPOCH$|HOME$")
# Keys of a Compose file, of a service and of a build that make it depend on something that we do not look at.
_OPAQUE = re.compile(r"(^|[\s{,])(project_directory|label_file|provider|models)\s*:(\s|$)", re.MULTILINE)
# An address, or a path that only Compose can make out.
_UNKNOWN_PATH = re.compile(r"[a-z]:/|git@|\$")
_PULLS = re.compile(r"always|daily|weekly|every_|refresh")
_OPAQUE_BUILD = frozenset(("pull", "no_cache", "dockerfile_inline"))
_IMAGE = "docker-image://"
# A file that changed this shortly before it was looked at may change again without getting another time.
_DOUBT = 30_000_000  # nanoseconds


class Watch(NamedTuple):
    """What a start depends on: files, variables' names, folders of build contexts, and images."""

    files: tuple[str, ...]
    names: tuple[str, ...]
    trees: tuple[Tree, ...]
    images: tuple[str, ...]


class Note(NamedTuple):
    """A watch, and the state of all that it names at one moment."""

    watch: Watch
    state: str


def stands(engine: Engine, project: Project, wanted: Sequence[Service]) -> list[services.State] | None:
    """How the project's services are, when starting these would change nothing; otherwise None."""
    try:
        stored = json.loads(_file(project).read_text())
        watch, names = _watch_from(stored["watch"]), [service.name for service in wanted]
        same = stored["format"] == _FORMAT and stored["services"] == names
        if not same or stored["containers"] != _containers(engine, project, names):
            return None
        if _look(engine, project, watch)[0] != stored["state"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    states = services.states(engine, project)
    ours = [state for state in states if state.service in names]
    return states if all(state.state == "running" and state.is_ready for state in ours) else None


def before(engine: Engine, project: Project, wanted: Sequence[Service], compose: Compose) -> Note | None:
    """What a start of these services depends on, as it is now; None where that cannot be known."""
    began = time.time_ns()
    answer = compose.capture("--profile", "*", "config", "--format", "json", check=False)
    try:
        watch = None if answer.status else _watch(engine, project, wanted, json.loads(answer.stdout))
        if watch is None:
            return None
        state, newest = _look(engine, project, watch)
    except (ConfigError, OSError, ValueError, KeyError, TypeError):
        return None
    return Note(watch, state) if newest < began - _DOUBT else None


def remember(engine: Engine, project: Project, wanted: Sequence[Service], note: Note | None) -> None:
    """Keep the note with the containers that the start has left; without one, forget the last."""
    file = _file(project)
    try:
        if note is None:
            file.unlink(missing_ok=True)
            return
        names = [service.name for service in wanted]
        stored = {"format": _FORMAT, "services": names, "state": note.state, "watch": note.watch}
        text = json.dumps({**stored, "containers": _containers(engine, project, names)})
        make_private(file.parent)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)  # it has a hash over the values of variables
        draft.write_text(text)
        draft.replace(file)
    except OSError:
        return  # a project folder that cannot be written to is simply not remembered


def _watch(engine: Engine, project: Project, wanted: Sequence[Service], config: Mapping[str, Any]) -> Watch | None:
    """What to look at, from Compose's own view of the project; None where it cannot be listed."""
    files = {str(path): path for path in composefiles.dependencies(project.files)}
    texts = [path.read_text(errors="replace") for path in files.values() if path.is_file()]
    if any(map(_UNKNOWN_PATH.search, files)) or "COMPOSE_ENV_FILES" in os.environ or any(map(_OPAQUE.search, texts)):
        return None
    more = [entry.get("file") for kind in ("configs", "secrets") for entry in (config.get(kind) or {}).values()]
    files |= {str(path): Path(path) for path in more if path}
    stand_ins = build.stand_ins(project)
    trees: list[Tree] = []
    images: set[str] = set()
    for service in wanted:
        section = config["services"][service.name].get("build")
        if _PULLS.match(config["services"][service.name].get("pull_policy") or ""):
            return None
        if section is None:
            images.add(stand_ins.get(familiar(service.image or ""), service.image or ""))
            continue
        parts = _build_parts(engine, section, stand_ins)
        if parts is None:
            return None
        files |= {str(path): path for path in parts[0]}
        trees += parts[1]
        images |= parts[2]
    names = {name for text in texts for name in _WORD.findall(text)}
    return Watch(tuple(sorted(files)), tuple(sorted(names)), tuple(trees), tuple(sorted(images)))


def _build_parts(
    engine: Engine, section: Mapping[str, Any], stand_ins: Mapping[str, str]
) -> tuple[list[Path], list[Tree], set[str]] | None:
    """The files, trees and images that a build section depends on; None where one is out of our sight."""
    context = Path(section["context"])
    if _OPAQUE_BUILD & section.keys() or not context.is_dir():
        return None
    file = context / section.get("dockerfile", "Dockerfile")
    parsed = dockerfile.load(file, {name: str(value or "") for name, value in (section.get("args") or {}).items()})
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
    return [file, *ignores], trees, images


def _look(engine: Engine, project: Project, watch: Watch) -> tuple[str, int]:
    """One hash over everything, and the newest time in it.

    A base image that the engine itself does not have (a build may keep it to itself) counts as the same: whether its
    registry has a newer one is asked when something else has changed, and by dev.build --pull.
    """
    trees = [buildcontext.look(tree) for tree in watch.trees]
    files = [_status(path) for path in watch.files]
    images = [_image(engine, name) for name in watch.images]
    secrets, _ = build.secrets_of(hostconfig.find())
    parts = [
        *(engine.endpoint.host, str(portbook.read(project)), str(secrets)),
        *(sorted(build.stand_ins(project).items()), sorted(hostconfig.proxies(os.environ))),
        *([tree.digest for tree in trees], files, images, list(_values(watch.names))),
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


def _containers(engine: Engine, project: Project, names: Sequence[str]) -> list[list[Any]]:
    """What Compose compares of the services' containers. The engine shows an image's id once its name is another's."""
    return [
        [entry["Id"], entry["Image"], entry["ImageID"], entry["Labels"], sorted(entry["NetworkSettings"]["Networks"])]
        for entry in services.listed(engine, project)
        if entry["Labels"].get("com.docker.compose.service") in names
    ]


def _watch_from(value: Sequence[Any]) -> Watch:
    files, names, trees, images = value
    return Watch(tuple(files), tuple(names), tuple(Tree(root, tuple(p), i) for root, p, i in trees), tuple(images))


def _file(project: Project) -> Path:
    return project.private / "cache" / "up.json"
