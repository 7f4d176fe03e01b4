"""The toolbox: the image with debuggers and profilers that runs beside a service, built where it is first needed."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path

from ddd_tasks import bases, build, console, dockerfile, hostconfig, ledger, notebook, process, resources
from ddd_tasks.build import BuildInputs, Secret
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import bases as recipes
from ddd_tasks.engine import rootfs
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import CommandError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.project import Project

PREFIX = "ddd-toolbox/"
PYTHON = "3.13"
_APT_VARIABLE = "DDD_SECRET_APT_CONF"
_LOG_LINES = 30
KEPT_SECONDS = 14 * 24 * 3600
_SKIPPED = ("__pycache__",)


def image(language: str, python: str = PYTHON) -> str:
    """The name of the image: it changes with every file of docker/toolbox, and with the Python in it."""
    return f"{PREFIX}{language}:{python}-{digest(resources.docker('toolbox'))}"


def digest(folder: Path) -> str:
    """What a folder holds, as 12 hexadecimal digits; Python's own files do not count."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not set(_SKIPPED) & {*path.parts}):
        found.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def stages() -> set[str]:
    """The languages that the toolbox has tools for, and base, which has those for any."""
    parsed = dockerfile.load(resources.docker("toolbox", "Dockerfile"), {"PYTHON": PYTHON})
    return {stage.name for stage in parsed.stages if stage.name}


def python_of(found: Target, language: Language | None) -> str:
    """The minor version of the toolbox's Python: that of a Python service, so that it can be brought into it."""
    if language is None or language.name != "python":
        return PYTHON
    process = found.process(language.debug)
    # The program's own name first: the image's Python need not be the one that runs.
    for text in (process.name.removeprefix("python") if process else "", found.environment.get("PYTHON_VERSION", "")):
        if match := re.match(r"3\.\d+", text):
            return match[0]
    return PYTHON


def ensure(engine: Engine, project: Project, language: str, python: str = PYTHON) -> str:
    """The name of an image that the engine has, built first where it has not.

    Where no base image of that Python can be had, it is the usual one's, with a word about it. Raises CommandError
    when the build fails, UnsupportedError where docker/toolbox has no stage for the language.
    """
    python = available(engine, project, language, python)
    name = image(language, python)
    if bases.has(engine, name):
        return name
    with ledger.alone(f"toolbox-{language}-{python}", waiting="waiting for another program that builds the toolbox"):
        if not bases.has(engine, name):
            with console.step(f"build {name}, the debugger's container"):
                _build(project, language, python, name)
            remove_superseded(engine, name)
    return name


def available(engine: Engine, project: Project, language: str, python: str) -> str:
    """The Python of the image that ensure gives: this one, or else the usual one, with a word about it."""
    if python == PYTHON or bases.has(engine, image(language, python)) or _has_base(project, python):
        return python
    return PYTHON


def remove_superseded(engine: Engine, name: str) -> None:
    """Remove images of earlier versions; young ones may be another checkout's."""
    family = name.rpartition("-")[0] + "-"
    for row in engine.get("/images/json", filters={"reference": [f"{family}*"]}):
        if row["Created"] < time.time() - KEPT_SECONDS:
            for old in set(row["RepoTags"] or ()) - {name}:
                with suppress(ApiError):  # a container may be of it
                    engine.delete(f"/images/{old}")


def _build(project: Project, language: str, python: str, name: str) -> None:
    folder = resources.docker("toolbox")
    file = folder / "Dockerfile"
    parsed = dockerfile.load(file, {"PYTHON": python})
    if language not in stages():
        raise UnsupportedError(f"{file} has no stage for {language!r}", given=language, hint="ddd languages")
    needed = parsed.external_images(language)
    bases.provide(project, needed)
    inputs = _inputs(project, needed).mounted_by(file)
    argv = [
        *("docker", "buildx", "build", "--load", "--provenance=false", "--file", str(file)),
        *("--target", language, "--build-arg", f"PYTHON={python}", "--tag", name),
        *inputs.buildx_args(),
        str(folder),
    ]
    env = {**os.environ, **inputs.environment()}
    if sys.stderr.isatty():
        process.run(argv, env=env, quiet=True)
        return
    done = process.capture(argv, env=env, check=False)  # the log of a build that went well is of no use in a file
    if done.status != 0:
        log = process.redact("\n".join(done.stderr.strip().splitlines()[-_LOG_LINES:]))
        raise CommandError(f"the image {name} could not be built", done.status, cause=log, hint="ddd engine.info")


def _inputs(project: Project, needed: tuple[str, ...]) -> BuildInputs:
    """What the build gets from this host: stand-ins, and the way to packages."""
    secrets, values = build.secrets_of(hostconfig.find())
    apt = rootfs.apt_configuration()
    if apt:
        secrets, values = (*secrets, Secret("apt-conf", variable=_APT_VARIABLE)), {**values, _APT_VARIABLE: apt}
    stand_ins = {official: name for official, name in build.stand_ins(project).items() if official in needed}
    return BuildInputs(stand_ins, secrets, tuple(hostconfig.proxies(os.environ)), values)


def _has_base(project: Project, python: str) -> bool:
    """Whether there is a base image with this Python, with a word where there is none. It is remembered for a while."""
    official = f"python:{python}-slim-trixie"
    file = project.private / "cache" / "toolbox.json"
    if official in build.local_images() or official in build.stand_ins(project) or recipes.find(official):
        return True
    known = notebook.read(file).get(official)
    if known is None:
        known = bases.reachable(official) is None
        notebook.write(file, {**notebook.read(file), official: known})
    if not known:
        console.note(f"{official} cannot be had: the toolbox's Python is {PYTHON}, the service's {python}")
    return bool(known)
