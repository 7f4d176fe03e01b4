"""A shell with tools beside a running service, however slim its image is: its processes, its network, its user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from ddd_tasks import console, process
from ddd_tasks.debugging import beside, rights, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.exec import Exec
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.project import Project, Service

ROLE = "toolbox"
_STAGE = "base"  # for a language without tools of its own
_MEANWHILE = "the toolbox was started beside it"
_SHELL = ("bash", "--norc")
# Not as the working directory of the command itself: the engine refuses one in another container's file system.
_THERE = 'cd "$1" 2>/dev/null || cd "$2" 2>/dev/null; shift 2; exec "$@"'


def run(project: Project, service: Service, words: Sequence[str], *, as_root: bool = False) -> int:
    """Run the words, or a shell, and return their exit status, 128+n for signal n.

    They see the service's processes and network and run as its user, without capabilities, in its working directory,
    which is a folder of /proc/PID/root. as_root: as root that may trace. The container is gone afterwards, also when
    we are killed. Raises NotRunningError, UnsupportedError, EngineError.
    """
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, service)
        language = _language(found)
        allowed = _rights(engine, found, language, as_root=as_root)
        python = toolbox.python_of(found, language)
        if process.is_dry():
            image = toolbox.image(_stage(language), python)
            program, *rest = words or _SHELL
            body = _specification(project, found, allowed, image) | {"Entrypoint": [program], "Cmd": rest}
            process.announce(beside.command(body, "-it"))
            return 0
        image = toolbox.ensure(engine, project, _stage(language), python)
        if as_root:
            console.note(
                f"as root with {rights.PTRACE}: these words may change any process of service {service.name!r}"
            )
        with container(engine, project, found, allowed, image) as made:
            return execs.run(engine, Exec(made, _there(found, language, words or _SHELL), env=_environment(found)))


def _language(found: Target) -> Language | None:
    try:
        return target.language_of(found)
    except UnsupportedError:
        return None


def _stage(language: Language | None) -> str:
    return language.name if language and language.name in toolbox.stages() else _STAGE


def _rights(engine: Engine, found: Target, language: Language | None, *, as_root: bool) -> Rights:
    if as_root:
        return Rights((0, 0), add=(rights.PTRACE,))
    return rights.of(engine, found, language.debug if language else None).without_tracing()


def _pid(found: Target, language: Language | None) -> int:
    chosen = found.process(language.debug if language else None)
    return chosen.inner if chosen else 1


def _there(found: Target, language: Language | None, words: Sequence[str]) -> list[str]:
    """The words, in the directory where the service runs."""
    root = f"/proc/{_pid(found, language)}/root"
    folder = found.info["Config"].get("WorkingDir") or "/"
    return ["sh", "-c", _THERE, "sh", root + folder, root, *words]


def _environment(found: Target) -> dict[str, str]:
    return {"PS1": rf"toolbox:{found.service.name} \w\$ "}


@contextmanager
def container(
    engine: Engine, project: Project, found: Target, allowed: Rights, image: str, *, main: Sequence[str] = ("cat",)
) -> Iterator[str]:
    """A container that does nothing, and lives as long as the connection that we hold to its stdin.

    main: its program, which has to end when its stdin does.
    """
    body = _specification(project, found, allowed, image)
    body |= {"Entrypoint": [*main], "Cmd": [], "OpenStdin": True, "StdinOnce": True, "AttachStdin": True}
    name = f"{project.name}-{found.service.name}-{ROLE}-{os.urandom(3).hex()}"
    made = _created(engine, found, body, name)
    try:
        with engine.stream(f"/containers/{made}/attach", None, stream=1, stdin=1):
            try:
                engine.post(f"/containers/{made}/start")
            except ApiError as error:
                raise target.why(found, error, _MEANWHILE) from error
            yield made
    finally:
        with suppress(ApiError):
            engine.delete(f"/containers/{made}", force=1, v=1)


def _created(engine: Engine, found: Target, body: dict[str, Any], name: str) -> str:
    try:
        return str(engine.post("/containers/create", body, name=name)["Id"])
    except ApiError as error:
        raise target.why(found, error, _MEANWHILE) from error


def _specification(project: Project, found: Target, allowed: Rights, image: str) -> dict[str, Any]:
    body = beside.specification(project, found, image, allowed, ROLE)
    body["HostConfig"]["NetworkMode"] = f"container:{found.id}"
    return body
