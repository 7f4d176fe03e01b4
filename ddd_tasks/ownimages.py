"""The images of our own parts, docker/<part>/: built where they are first needed, with what this host has."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ddd_tasks import bases, console, dockerfile, hostconfig, process, resources
from ddd_tasks import build as builds
from ddd_tasks.build import BuildInputs, Secret
from ddd_tasks.engine import rootfs
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError
from ddd_tasks.project import Project

KEPT_SECONDS = 14 * 24 * 3600
_APT_VARIABLE = "DDD_SECRET_APT_CONF"
_LOG_LINES = 30
_SKIPPED = ("__pycache__",)


def digest(folder: Path) -> str:
    """What a folder holds, as 12 hexadecimal digits; Python's own files do not count."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not set(_SKIPPED) & {*path.parts}):
        found.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def build(project: Project, part: str, stage: str, name: str, arguments: Mapping[str, str]) -> None:
    """Build a stage of docker/<part>/Dockerfile under a name. arguments: its build arguments.

    Raises CommandError when the build fails, EngineError when a base image cannot be had.
    """
    file = resources.docker(part, "Dockerfile")
    needed = dockerfile.load(file, arguments).external_images(stage)
    bases.provide(project, needed)
    inputs = inputs_for(project, needed).mounted_by(file)
    given = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    argv = [
        *("docker", "buildx", "build", "--load", "--provenance=false", "--file", str(file)),
        *("--target", stage, *given, "--tag", name),
        *inputs.buildx_args(),
        str(file.parent),
    ]
    env = {**os.environ, **inputs.environment()}
    if console.is_live():
        process.run(argv, env=env, quiet=True)
        return
    done = process.capture(argv, env=env, check=False)  # the log of a build that went well is of no use in a file
    if done.status != 0:
        log = process.redact("\n".join(done.stderr.strip().splitlines()[-_LOG_LINES:]))
        raise CommandError(f"the image {name} could not be built", done.status, cause=log, hint="ddd engine.info")


def remove_superseded(engine: Engine, name: str) -> None:
    """Remove images of earlier versions; young ones may be another checkout's."""
    family = name.rpartition("-")[0] + "-"
    for row in engine.get("/images/json", filters={"reference": [f"{family}*"]}):
        if row["Created"] < time.time() - KEPT_SECONDS:
            for old in set(row["RepoTags"] or ()) - {name}:
                with suppress(ApiError):  # a container may be of it
                    engine.delete(f"/images/{old}")


def inputs_for(project: Project, needed: tuple[str, ...]) -> BuildInputs:
    """What the build gets from this host: stand-ins, and the way to packages."""
    secrets, values = builds.secrets_of(hostconfig.find())
    apt = rootfs.apt_configuration()
    if apt:
        secrets, values = (*secrets, Secret("apt-conf", variable=_APT_VARIABLE)), {**values, _APT_VARIABLE: apt}
    stand_ins = {official: name for official, name in builds.stand_ins(project).items() if official in needed}
    return BuildInputs(stand_ins, secrets, tuple(hostconfig.proxies(os.environ)), values)
