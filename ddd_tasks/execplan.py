"""What `exec` found out for a directory, remembered: which container, which directory inside, which user.

A warm `ddd exec` then needs a few stat calls and goes straight to the engine. A plan holds as long as the files and
variables that it came from are the same and its container runs; otherwise it is made again from the project itself.
This is the path of every exec: no typing, pathlib, dataclasses or subprocess here, whose imports cost 5 to 20 ms each.
"""

from __future__ import annotations

import os
from zlib import crc32

from ddd_tasks.engine import endpoint
from ddd_tasks.engine import exec as engine_exec
from ddd_tasks.engine import quickjson as json
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.streams import write
from ddd_tasks.pathtext import MappedOutput, Mapping

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

# Set for each command inside: names the service, and tells our own tasks there that they are inside.
INSIDE = "DDD_SERVICE"
_FORMAT = 2
# What decides which engine, which Compose file and which project is meant, beside what the files themselves name.
_SETTINGS = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "COMPOSE_FILE")
# What a program inside should know of the caller's terminal and of the run that it is part of.
_PASSED_ON = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "CI")


class Options:
    """What the caller asked for. service: None for the one that is meant here; index: which container, 0 for the first.

    project: a directory of the project, where it is not the current one's; a current directory that is not mounted
    then means the container's own. map_paths: host paths in the command become container paths; map_output: container
    paths in what it writes become host paths.
    """

    __slots__ = ("index", "map_output", "map_paths", "project", "service", "user")

    def __init__(
        self,
        service: str | None = None,
        user: str | None = None,
        index: int = 0,
        *,
        project: str | None = None,
        map_paths: bool = False,
        map_output: bool = False,
    ) -> None:
        self.service = service
        self.user = user
        self.index = index
        self.project = project
        self.map_paths = map_paths
        self.map_output = map_output


class Plan:
    """How a command runs: container id, directory inside (None: its own), user (None: its own), more variables.

    mounts: pairs of a host path and the container path where it appears.
    """

    __slots__ = ("container", "env", "mounts", "project", "service", "user", "workdir")

    def __init__(
        self,
        container: str,
        project: str,
        service: str,
        workdir: str | None,
        user: str | None,
        env: dict[str, str],
        mounts: list[list[str]],
    ) -> None:
        self.container = container
        self.project = project
        self.service = service
        self.workdir = workdir
        self.user = user
        self.env = env
        self.mounts = mounts


def is_inside() -> bool:
    """Whether we run in a container of the project already: no engine is in reach there, and none is needed."""
    if INSIDE in os.environ:
        return True
    in_container = os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")
    socket = endpoint.DEFAULT_HOST.removeprefix("unix://")
    return in_container and not os.path.exists(socket) and not os.environ.get("DOCKER_HOST")


def run(plan: Plan, argv: Sequence[str], options: Options) -> int:
    """Run the command as planned and return its status. Raises NotRunningError when the container is gone."""
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | plan.env | {INSIDE: plan.service}
    output: Callable[[int, bytes], None] = write
    if options.map_paths:
        argv = Mapping([(host, inside) for host, inside in plan.mounts]).words(argv)
    if options.map_output:
        output = MappedOutput(Mapping([(inside, host) for host, inside in plan.mounts]), write)
    command = engine_exec.Exec(plan.container, argv, plan.workdir, plan.user, env)
    engine = Engine.connect()
    try:
        return engine_exec.run(engine, command, output=output)
    finally:
        engine.close()
        if isinstance(output, MappedOutput):
            output.close()


def read(here: str, options: Options) -> Plan | None:
    """The plan for a directory and options, or None where there is none that still holds."""
    name = _name(here, options)
    folder = options.project or here
    while not os.path.exists(f"{folder}/.ddd/cache/exec/{name}"):
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    try:
        with open(f"{folder}/.ddd/cache/exec/{name}", encoding="utf-8") as file:
            stored = json.loads(file.read())
        holds = (
            stored["format"] == _FORMAT
            and stored["key"] == _key(here, options)
            and stored["values"] == _values(stored["variables"])
            and all(_state(path) == state for path, state in stored["files"].items())
        )
        return Plan(**stored["plan"]) if holds else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(
    private: str, here: str, options: Options, plan: Plan, files: Iterable[str], variables: Iterable[str]
) -> None:
    """Remember a plan below the project's private folder. files: all that it depends on, present or not."""
    names = sorted({*variables, *_SETTINGS})
    stored = {
        "format": _FORMAT,
        "key": _key(here, options),
        "variables": names,
        "values": _values(names),
        "files": {path: _state(path) for path in files},
        "plan": {name: getattr(plan, name) for name in Plan.__slots__},
    }
    place = f"{private}/cache/exec/{_name(here, options)}"
    draft = f"{place}.{os.getpid()}"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(stored))
        os.replace(draft, place)
    except OSError:
        return  # a project folder that cannot be written to is simply not remembered


def _key(here: str, options: Options) -> list[Any]:
    return [here, os.getuid(), os.getgid(), options.project, options.service, options.user, options.index]


def _name(here: str, options: Options) -> str:
    """A file name; two keys that share one are told apart by the key inside."""
    return f"{crc32(json.dumps(_key(here, options)).encode()):08x}.json"


def _state(path: str) -> list[int] | None:
    """Modification time and size, None for a file that does not exist."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def _values(names: Sequence[str]) -> str:
    """One hash over the variables' values: the values themselves may be secrets."""
    try:
        from _blake2 import blake2b  # hashlib's own, without loading OpenSSL
    except ImportError:
        from hashlib import blake2b
    pairs = json.dumps([os.environ.get(name) for name in names])
    return blake2b(pairs.encode(), digest_size=16).hexdigest()
