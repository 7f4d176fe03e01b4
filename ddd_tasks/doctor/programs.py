"""The programs that the tasks start, and those that start the tasks: there, not too old, and with this package."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ddd_tasks import process, userfolders
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.engine import apt, info, install, system, tools
from ddd_tasks.errors import DddError, EngineError

# The oldest that the tests of this project ran with.
OLDEST = {"engine": (26, 1), "compose": (2, 26), "buildx": (0, 13)}
_PROBE = Path(__file__).with_name("probe")
# Nox and Invoke are dependencies of this package, and so are beside it.
_OURS_FIRST = f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'


def docker(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001 - every check takes the subject
    """Is the Docker CLI there?"""
    place = tools.on_path("docker")
    if place:
        yield Finding("docker", OK, str(place))
    else:
        why = "Compose and Buildx are its plugins"
        yield Finding("docker", PROBLEM, "the Docker CLI is not installed", why, to_install("docker"))


def compose(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001
    """Is Compose there, and not too old?"""
    yield from _plugin("compose", info.compose_version, "it starts the services")


def buildx(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001
    """Is Buildx there, and not too old?"""
    yield from _plugin("buildx", info.buildx_version, "every build goes through it")


def nox(subject: Subject) -> Iterator[Finding]:
    """Can the nox on PATH import ddd_tasks, which noxfile.py asks for?"""
    if file := subject.file("noxfile.py"):
        arguments = ["--noxfile", str(_PROBE / "noxfile.py"), "--list"]
        # Sessions can be had only through it.
        yield from _runner("nox", file, arguments, PROBLEM)


def inv(subject: Subject) -> Iterator[Finding]:
    """Can the inv on PATH import ddd_tasks, which tasks.py asks for?"""
    if file := subject.file("tasks.py"):
        arguments = ["--search-root", str(_PROBE), "--collection", "tasks", "--list"]
        # Every task can be had through ddd as well.
        yield from _runner("inv", file, arguments, WARNING)


def dated(name: str, version: str, where: str = "", fix: str = "") -> Finding:
    """A version, and whether it is one that was tried. fix: where not the package is to be brought up to date."""
    oldest = OLDEST[name]
    what = " ".join(filter(None, (version, where)))
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < oldest:
        known = ".".join(map(str, oldest))
        why = f"nothing older than {known} was ever tried"
        return Finding(name, WARNING, f"{what} is old", why, fix or _to_update(name))
    return Finding(name, OK, what)


def to_install(part: str) -> str:
    """The command after which docker, compose or buildx is there."""
    this = system.this_system()
    try:
        install.plan_for(this, [part], sources=apt.read_sources(but=install.SOURCE))
    except EngineError as error:
        return error.hint
    return "ddd engine.install"


def with_sudo(command: str) -> str:
    """The command as root runs it."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def _plugin(name: str, version: Callable[[], str], why: str) -> Iterator[Finding]:
    lacking = tools.missing()
    if "docker" in lacking:
        return
    if name in lacking:
        yield Finding(name, PROBLEM, f"the Docker CLI has no plugin {name}", why, to_install(name))
        return
    own = userfolders.docker_config() / "cli-plugins" / f"docker-{name}"
    # A user's plugin comes before the system's, and is brought up to date by nobody.
    aside = f"mv {shlex.quote(str(own))} {shlex.quote(f'{own}.old')}" if own.exists() else ""
    try:
        said = version()
    except DddError as error:
        what = f"docker {name} does not work: {' '.join(error.cause.split())[:200]}"
        yield Finding(name, PROBLEM, what, why, aside or _to_update(name))
        return
    yield dated(name, said, f"of {own}" if aside else "", aside)


def _runner(name: str, file: Path, arguments: list[str], without: str) -> Iterator[Finding]:
    """A program asked itself, with a file that does nothing but import: how it finds its Python is its own affair."""
    place = shutil.which(name)
    if place is None:
        yield Finding(name, without, f"{name} is not on PATH", f"it runs {file.name}", _OURS_FIRST)
        return
    asked = process.capture([place, *arguments], cwd=file.parent, check=False)
    found = re.search(r"^ddd_tasks=(.*)$", asked.stdout, re.MULTILINE)
    if found:
        yield Finding(name, OK, f"{place} imports {found[1]}")
    else:
        said = " ".join((asked.stderr.strip() or asked.stdout.strip()).splitlines()[-1:])[:200]
        what = f"{place} cannot import ddd_tasks: {said or f'status {asked.status}'}"
        yield Finding(name, PROBLEM, what, f"{file.name} imports it", _OURS_FIRST)


def _to_update(part: str) -> str:
    """engine.install leaves alone what is there."""
    this = system.this_system()
    package = install.package(this, part)
    apt = with_sudo("apt-get")
    return f"{apt} update && {apt} install --yes {package}" if package else this.guide.install
