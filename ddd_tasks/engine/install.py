"""Engine, Compose and Buildx from the distribution's packages: on Debian and Ubuntu, as root; elsewhere, how to.

bookworm's own packages are too old (Engine 20.10, Compose 1), so there they come from trixie, pinned so that nothing
else does: bookworm's containerd, runc and libc stay. Tried on Debian bookworm and trixie; the names for Ubuntu and for
docker.com's packages are from their documentation and are not tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ddd_tasks import console, process
from ddd_tasks.engine import apt, lifecycle, system, tools
from ddd_tasks.engine.system import System
from ddd_tasks.errors import EngineError

ENGINE = "engine"

_DEBIAN = {ENGINE: "docker.io", "docker": "docker-cli", "compose": "docker-compose", "buildx": "docker-buildx"}
_UBUNTU = {ENGINE: "docker.io", "docker": "docker.io", "compose": "docker-compose-v2", "buildx": "docker-buildx"}
_DOCKER_COM = {"compose": "docker-compose-plugin", "buildx": "docker-buildx-plugin"}
_BESIDE_ENGINE = ("iptables", "ca-certificates")
_TOO_OLD = {"debian": ("jessie", "stretch", "buster", "bullseye"), "ubuntu": ("xenial", "bionic", "focal")}

SOURCE = Path("/etc/apt/sources.list.d/ddd-tasks.sources")
PIN = Path("/etc/apt/preferences.d/ddd-tasks")
_COMMENT = "Added by ddd-tasks (engine.install): Docker packages of trixie, held to those by preferences.d/ddd-tasks."
_PINNED = """\
# Added by ddd-tasks (engine.install): these packages come from trixie; bookworm's are too old for Compose 2.
Package: docker.io docker-cli docker-compose docker-buildx
Pin: release n=trixie
Pin-Priority: 600
"""
_NOTHING_ELSE = """
# Nothing else does.
Package: *
Pin: release n=trixie
Pin-Priority: 100
"""


@dataclass(frozen=True)
class Plan:
    """What to install: apt packages, and the files under /etc/apt that they need."""

    packages: tuple[str, ...]
    files: Mapping[Path, str] = field(default_factory=dict)


def ensure() -> list[str]:
    """Have an engine that answers, and its tools: install and start what is not there. Returns what was installed.

    Raises EngineError, with the commands for this system, where we cannot.
    """
    answers = lifecycle.answers()
    lacking = tools.missing() if answers else missing()
    if lacking:
        install(lacking)
    if not answers:
        lifecycle.up()
    return list(lacking)


def missing() -> tuple[str, ...]:
    """What this machine lacks to run containers: engine, docker, compose, buildx."""
    return (() if tools.on_path("dockerd") else (ENGINE,)) + tools.missing()


def install(lacking: Sequence[str]) -> None:
    """Install these parts. Raises EngineError, with the commands for this system, where we cannot."""
    if ENGINE in lacking:
        lifecycle.refuse_foreign_endpoint()
    this = system.this_system()
    plan = plan_for(this, lacking, sources=apt.read_sources(but=SOURCE), docker_com=_has_docker_com())
    with console.step(f"install {' '.join(plan.packages)}"):
        apt.install(plan.packages, plan.files)
    still = set(lacking) & set(missing())
    if still and not process.is_dry():
        again = f"apt-get install --reinstall {' '.join(plan.packages)}"
        cause = "apt calls the packages installed, but their programs are not where they belong"
        raise EngineError(f"still missing: {', '.join(sorted(still))}", cause=cause, hint=again)


def plan_for(
    this: System, lacking: Sequence[str], *, sources: Sequence[apt.Source] = (), docker_com: bool = False
) -> Plan:
    """What to install on this system; docker_com: its CLI came from docker.com. Raises EngineError where we cannot."""
    names = _package_names(this, lacking, docker_com=docker_com)
    beside = (*_BESIDE_ENGINE, *(["apparmor"] if this.apparmor else [])) if ENGINE in lacking else ()
    packages = tuple(dict.fromkeys([*names, *beside]))
    from_trixie = this.family == "debian" and this.codename == "bookworm" and not docker_com
    return Plan(packages, _trixie(sources) if from_trixie else {})


def package(this: System, part: str) -> str:
    """The distribution's package of a part, or "" where apt does not install it."""
    return {"debian": _DEBIAN, "ubuntu": _UBUNTU}.get(this.family, {}).get(part, "")


def _package_names(this: System, lacking: Sequence[str], *, docker_com: bool) -> list[str]:
    by_part = _DOCKER_COM if docker_com else {"debian": _DEBIAN, "ubuntu": _UBUNTU}.get(this.family, {})
    by_hand = " && ".join(this.guide.commands(engine=ENGINE in lacking))
    if this.codename in _TOO_OLD.get(this.family, ()):
        raise _refusal(lacking, f"{this.name} has no packages of them that are new enough", by_hand)
    if not all(part in by_part for part in lacking):
        raise _refusal(lacking, f"on {this.name} we do not install packages{this.guide.remark}", by_hand)
    if not this.root:
        raise _refusal(lacking, "installing them needs root", this.as_root("engine.install"))
    return [by_part[part] for part in lacking]


def _refusal(lacking: Sequence[str], cause: str, hint: str) -> EngineError:
    names = {ENGINE: "a Docker engine", "docker": "the Docker CLI", "compose": "Compose", "buildx": "Buildx"}
    return EngineError(f"missing: {', '.join(names[part] for part in lacking)}", cause=cause, hint=hint)


def _trixie(sources: Sequence[apt.Source]) -> dict[Path, str]:
    """The files that add trixie from bookworm's mirror; a trixie that is there already stays as it is."""
    if any("trixie" in source.suites for source in sources):
        return {PIN: _PINNED}
    for source in sources:
        if "bookworm" in source.suites:
            trixie = apt.Source(source.uri, ("trixie",), ("main",), source.options)
            return {SOURCE: apt.render(trixie, comment=_COMMENT), PIN: _PINNED + _NOTHING_ELSE}
    raise EngineError(
        "apt has no archive for bookworm, so there is no mirror to take Docker's packages from",
        cause="neither /etc/apt/sources.list nor /etc/apt/sources.list.d names the suite bookworm",
        hint="ls /etc/apt/sources.list /etc/apt/sources.list.d",
    )


def _has_docker_com() -> bool:
    return Path("/var/lib/dpkg/info/docker-ce-cli.list").exists()
