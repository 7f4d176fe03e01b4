"""The engine: whether it answers, whether this user may ask it, and what it needs of the machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from ddd_tasks.doctor import rights
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.doctor.programs import dated, with_sudo
from ddd_tasks.doctor.subject import PATIENCE, Subject
from ddd_tasks.engine import system
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import DEFAULT_HOST, Endpoint, resolve
from ddd_tasks.errors import ConfigError, DddError

_GIGABYTE = 1_000_000_000
_LITTLE, _NONE = 10 * _GIGABYTE, 2 * _GIGABYTE
_SKEW = 2.0  # seconds: make, certificates and git begin to trip over more
_NO_CGROUP = (
    """echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX cgroup_enable=memory"'"""
    " | sudo tee /etc/default/grub.d/memory.cfg && sudo update-grub && sudo reboot"
)


def engine(subject: Subject) -> Iterator[Finding]:
    """Does an engine answer, and is it one that was tried?"""
    if subject.is_closed:
        return  # which is for the next check
    if subject.engine is None:
        error = subject.no_engine or DddError("no engine was asked")
        fix, is_safe = _way_to_an_engine(subject)
        found = of_error("engine", error, "everything runs in its containers")
        yield found._replace(fix=fix, is_safe=is_safe)
        return
    where = f"at {subject.engine.endpoint.host}, API {subject.version['ApiVersion']}"
    yield dated("engine", str(subject.version["Version"]), where)


def socket(subject: Subject) -> Iterator[Finding]:
    """May this user open the engine's socket?"""
    if subject.is_closed and subject.no_engine:
        path = Path(resolve().host.removeprefix("unix://"))
        why = "every task asks the engine through it"
        yield of_error("socket", subject.no_engine, why)._replace(fix=rights.to_open(path))
    elif subject.engine and subject.is_here:
        yield Finding("socket", OK, f"this user may open {subject.engine.endpoint.host.removeprefix('unix://')}")


def cgroup(subject: Subject) -> Iterator[Finding]:
    """Which cgroups does the engine use, and can it limit memory?"""
    if not subject.facts:
        return
    what = f"version {subject.facts.get('CgroupVersion', '1')}, driver {subject.facts.get('CgroupDriver', 'unknown')}"
    if subject.facts.get("MemoryLimit") is False:
        why = "mem_limit of a Compose file has no effect, and `ddd status` shows no memory"
        yield Finding("cgroup", WARNING, f"{what}: memory cannot be limited", why, _NO_CGROUP)
    else:
        yield Finding("cgroup", OK, what)


def disk(subject: Subject) -> Iterator[Finding]:
    """Is there space for images, and how much of it could be had back?"""
    if subject.engine is None:
        return
    cache, dangling, unused = _reclaimable(subject.engine)
    again = f"{_size(cache + unused)} of build cache and unused images could be had back"
    root = Path(subject.facts["DockerRootDir"])
    try:
        free = shutil.disk_usage(root).free if subject.is_here else None
    except OSError:
        free = None
    if free is None:  # in a virtual machine, or on another one
        yield Finding("disk", OK, f"how much is free where the engine runs cannot be seen from here; {again}")
        return
    what = f"{_size(free)} free below {root}; {again}"
    if free >= _LITTLE:
        yield Finding("disk", OK, what)
        return
    why = "builds fail half-way when it is full" if free >= _NONE else "the next build is likely to fail"
    # Not for --fix: it throws away what others may want to start from.
    fix = "docker builder prune --all --force && docker image prune --force"
    if free + cache + dangling < _LITTLE:
        fix = fix.replace("image prune", "image prune --all")
    if free + cache + unused < _LITTLE:
        what += ", and that is not enough"
        fix += f"; {with_sudo('du')} -h --one-file-system --max-depth=2 {_mount_of(root)} | sort -h | tail"
    yield Finding("disk", WARNING if free >= _NONE else PROBLEM, what, why, fix)


def clock(subject: Subject) -> Iterator[Finding]:
    """Does the engine have the same time as this machine?"""
    if not subject.facts.get("SystemTime"):
        return
    said = moment(str(subject.facts["SystemTime"]))
    before, after = subject.asked  # the answer may have taken a while
    skew = max(before - said, said - after)
    if skew > _SKEW:
        what = f"the engine's clock is {skew:.0f} s {'behind' if said < before else 'ahead of'} this program's"
        why = "changed files look old to watchers and build tools, and certificates not valid yet"
        yield Finding("clock", PROBLEM, what, why, _way_to_the_time(subject))
    else:
        yield Finding("clock", OK, "the engine has this machine's time")


def moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time with nanoseconds, which Python before 3.11 does not read."""
    whole, _, rest = text.partition(".")
    fraction = re.match(r"\d*", rest)
    digits = fraction[0] if fraction else ""
    zone = rest[len(digits) :] if rest else ""
    found = datetime.fromisoformat(whole.removesuffix("Z") + (zone if zone not in ("", "Z") else "+00:00"))
    return found.timestamp() + float(f"0.{digits or 0}")


def _way_to_an_engine(subject: Subject) -> tuple[str, bool]:
    """The command after which an engine answers, and whether --fix may run it."""
    this = system.this_system()
    start = "ddd engine.up" if this.root else this.guide.start or this.as_root("engine.up")
    name = next((name for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if os.environ.get(name)), "")
    if name and not _is_default():
        return (f"unset {name}" if _answers_by_default() else f"unset {name} && {start}"), False
    if not _is_default():
        return "docker context use default", False
    if subject.is_silent:
        by_systemd = "sudo systemctl restart docker"
        return (by_systemd if this.systemd else f"{with_sudo('kill')} -9 $(cat /var/run/docker.pid); {start}"), False
    return start, start == "ddd engine.up"


def _is_default() -> bool:
    try:
        return resolve().host in (DEFAULT_HOST, "unix:///run/docker.sock")
    except ConfigError:
        return False


def _answers_by_default() -> bool:
    def ask() -> bool:
        with closing(Engine(Endpoint(DEFAULT_HOST))) as other:
            return bool(other.get("/_ping"))

    try:
        return Asked(ask).answer(PATIENCE)
    except (DddError, OSError):  # TimeoutError is an OSError
        return False


def _way_to_the_time(subject: Subject) -> str:
    """Whose clock is wrong cannot be seen: the one that is more often is mended."""
    preloaded = os.environ.get("LD_PRELOAD", "")
    host = subject.engine.endpoint.host if subject.engine else ""
    if "faketime" in preloaded:
        return "unset LD_PRELOAD"
    if subject.facts.get("OperatingSystem") == "Docker Desktop":
        return "docker desktop restart"
    if host.startswith("ssh://"):
        return f"ssh {shlex.quote(host)} sudo timedatectl set-ntp true"
    return f"{with_sudo('timedatectl')} set-ntp true"


def _reclaimable(asked: Engine) -> tuple[int, int, int]:
    """Bytes of build cache, of images without a name, and of all images that no container uses."""
    usage = asked.get("/system/df?type=image&type=build-cache")  # without volumes, whose sizes take long to count
    images = [one for one in usage["Images"] or () if not one["Containers"]]
    own = {one["Id"]: int(one["Size"] - max(one.get("SharedSize", 0), 0)) for one in images}
    dangling = sum(own[one["Id"]] for one in images if not one.get("RepoTags"))
    cache = sum(one["Size"] for one in usage.get("BuildCache") or () if not one["InUse"] and not one["Shared"])
    return int(cache), dangling, sum(own.values())


def _mount_of(folder: Path) -> str:
    while not folder.is_mount():
        folder = folder.parent
    return shlex.quote(str(folder))


def _size(count: int) -> str:
    return f"{count / _GIGABYTE:.1f} GB"
