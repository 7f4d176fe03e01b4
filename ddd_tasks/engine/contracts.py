"""What an official image promises, as data, and a check of any image against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, EngineError

_ATTEMPTS = 50


class Contract(NamedTuple):
    """The promises. environment: name -> regular expression; unset: names that must not be set.

    programs: absolute paths, each the first on PATH of its name; present, absent: paths; users: passwd fields;
    commands: {run, prints} in a container that only sleeps; started: the same in one that runs its own command.
    """

    packages: Sequence[str] = ()
    programs: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    unset: Sequence[str] = ()
    users: Sequence[Mapping[str, Any]] = ()
    user: str = ""
    workdir: str = ""
    entrypoint: Sequence[str] = ()
    cmd: Sequence[str] = ()
    ports: Sequence[str] = ()
    volumes: Sequence[str] = ()
    present: Sequence[str] = ()
    absent: Sequence[str] = ()
    commands: Sequence[Mapping[str, Any]] = ()
    started: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Contract:
        """From the contract section of a contract.yaml. Raises ConfigError for a promise that nothing checks."""
        unknown = set(value) - set(cls._fields)
        if unknown:
            raise ConfigError(f"a contract has no key {min(unknown)!r}", valid=cls._fields)
        return cls(**value)


def fill(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with {name} in its texts replaced by variables; other braces stay."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: variables.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if isinstance(value, dict):
        return {fill(key, variables): fill(item, variables) for key, item in value.items()}
    return value


def measure(engine: Engine, image: str, commands: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What each command prints in a container of the image. Raises EngineError when one fails."""
    values: dict[str, str] = {}
    if not commands:
        return values
    with _container(engine, image, sleeping=True) as container:
        for name, argv in commands.items():
            done = execs.capture(engine, container, argv)
            values[name] = done.stdout.decode().strip()
            if done.status != 0 or not values[name]:
                raise EngineError(f"{name} of the image could not be told", cause=done.stderr.decode(errors="replace"))
    return values


def check(engine: Engine, image: str, contract: Contract) -> list[str]:
    """One line for each promise that the image breaks: what, expected, found. Empty when it keeps them all."""
    broken = list(_configuration(engine.get(f"/images/{image}/json")["Config"], contract))
    with _container(engine, image, sleeping=True) as container:
        broken += _contents(engine, container, contract)
        broken += _printed(engine, container, contract.commands, attempts=1)
    if contract.started:
        with _container(engine, image, sleeping=False) as container:
            broken += _printed(engine, container, contract.started, attempts=_ATTEMPTS)
    return broken


def _configuration(config: Mapping[str, Any], contract: Contract) -> Iterator[str]:
    environment = dict(entry.split("=", 1) for entry in config.get("Env") or ())
    for name, pattern in contract.environment.items():
        if not re.fullmatch(pattern, environment.get(name, "")):
            yield f"environment {name}: expected {pattern}, found {environment.get(name)}"
    yield from (
        f"environment {name}: expected none, found {environment[name]}"
        for name in contract.unset
        if name in environment
    )
    facts = {
        "user": (contract.user, config.get("User") or ""),
        "workdir": (contract.workdir, (config.get("WorkingDir") or "").rstrip("/")),
        "entrypoint": (list(contract.entrypoint), config.get("Entrypoint") or []),
        "cmd": (list(contract.cmd), config.get("Cmd") or []),
        "ports": (list(contract.ports), sorted(config.get("ExposedPorts") or {})),
        "volumes": (list(contract.volumes), sorted(config.get("Volumes") or {})),
    }
    yield from (
        f"{name}: expected {want or 'none'}, found {have or 'none'}"
        for name, (want, have) in facts.items()
        if want != have
    )


def _contents(engine: Engine, container: str, contract: Contract) -> Iterator[str]:
    def prints(*argv: str) -> str:
        return execs.capture(engine, container, argv).stdout.decode(errors="replace").strip()

    for path in contract.programs:
        found = prints("sh", "-c", 'command -v "$1"', "sh", path.rpartition("/")[2])
        # A merged /usr makes /bin/sh and /usr/bin/sh one program.
        if found != path and found != path.removeprefix("/usr"):
            yield f"program {path}: found {found or 'none'}"
    for user in contract.users:
        want = f"{user['name']}:x:{user['uid']}:{user['gid']}:{user['home']}:{user['shell']}"
        name, *fields = prints("getent", "passwd", str(user["name"])).split(":")
        have = ":".join([name, *fields[:3], *fields[4:]])
        if have != want:
            yield f"user {user['name']}: expected {want}, found {have or 'none'}"
    for package in contract.packages:
        if prints("dpkg-query", "-W", "-f", "${db:Status-Status}", package) != "installed":
            yield f"package {package}: not installed"
    for path, want in [(path, "yes") for path in contract.present] + [(path, "no") for path in contract.absent]:
        have = "yes" if execs.capture(engine, container, ["test", "-e", path]).status == 0 else "no"
        if have != want:
            yield f"path {path}: there: {have}, expected: {want}"


def _printed(engine: Engine, container: str, commands: Sequence[Mapping[str, Any]], *, attempts: int) -> Iterator[str]:
    import time

    for command in commands:
        for attempt in range(attempts):
            if attempt:
                time.sleep(0.1)
            done = execs.capture(engine, container, command["run"])
            printed = done.stdout.decode(errors="replace").strip()
            if done.status == 0 and re.fullmatch(command["prints"], printed):
                break
        else:
            said = done.stderr.decode(errors="replace").strip()
            yield f"{command['run']}: expected {command['prints']!r}, printed {printed!r}, status {done.status} {said}"


@contextmanager
def _container(engine: Engine, image: str, *, sleeping: bool) -> Iterator[str]:
    """A container of the image that is removed again; sleeping instead of the image's own command."""
    # Without a network a container starts faster, and no promise is about one. An init lets `sleep` end at once.
    body: dict[str, Any] = {
        "Image": image,
        "Labels": {"ddd-tasks.check": "contract"},
        "HostConfig": {"NetworkMode": "none", "Init": sleeping},
    }
    if sleeping:
        body |= {"Entrypoint": ["sleep"], "Cmd": ["3600"]}
    container = engine.post("/containers/create", body)["Id"]
    try:
        engine.post(f"/containers/{container}/start")
        yield container
    finally:
        engine.delete(f"/containers/{container}", force=1, v=1)
