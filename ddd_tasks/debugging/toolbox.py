"""The toolbox: the image with debuggers and profilers that runs beside a service, built where it is first needed."""

from __future__ import annotations

import re

from ddd_tasks import bases, build, console, dockerfile, ledger, notebook, ownimages, resources
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import bases as recipes
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.project import Project

PREFIX = "ddd-toolbox/"
PYTHON = "3.13"


def image(language: str, python: str = PYTHON) -> str:
    """The name of the image: it changes with every file of docker/toolbox, and with the Python in it."""
    return f"{PREFIX}{language}:{python}-{ownimages.digest(resources.docker('toolbox'))}"


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
            ownimages.remove_superseded(engine, name)
    return name


def available(engine: Engine, project: Project, language: str, python: str) -> str:
    """The Python of the image that ensure gives: this one, or else the usual one, with a word about it."""
    if python == PYTHON or bases.has(engine, image(language, python)) or _has_base(project, python):
        return python
    return PYTHON


def _build(project: Project, language: str, python: str, name: str) -> None:
    if language not in stages():
        file = resources.docker("toolbox", "Dockerfile")
        raise UnsupportedError(f"{file} has no stage for {language!r}", given=language, hint="ddd languages")
    ownimages.build(project, "toolbox", language, name, {"PYTHON": python})


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
