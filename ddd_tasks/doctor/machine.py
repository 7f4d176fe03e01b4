"""The engine and its tools, and what they need of this machine: space, time, a way to the network."""

from __future__ import annotations

import os
import re
import shutil
import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ddd_tasks import bases, hostconfig
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.engine import info, tools
from ddd_tasks.engine.endpoint import DEFAULT_HOST
from ddd_tasks.errors import DddError
from ddd_tasks.hostconfig.common import is_loopback

# The oldest that the tests of this project ran with.
_OLDEST = {"engine": (26, 1), "compose": (2, 26), "buildx": (0, 13)}
_GIGABYTE = 1_000_000_000
_LITTLE, _NONE = 10 * _GIGABYTE, 2 * _GIGABYTE
_SKEW = 2.0  # seconds: make, certificates and git begin to trip over more
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def engine(subject: Subject) -> Iterator[Finding]:
    """Does an engine answer, may this user ask it, and is it one that was tried?"""
    if subject.no_engine or subject.engine is None:
        error = subject.no_engine or DddError("no engine was asked")
        found = of_error("engine", error, "everything runs in its containers", is_safe=error.hint == "ddd engine.up")
        is_elsewhere = os.environ.get("DOCKER_HOST") not in (None, "", DEFAULT_HOST)
        yield found._replace(fix="unset DOCKER_HOST", is_safe=False) if is_elsewhere else found
        return
    where = f"at {subject.engine.endpoint.host}, API {subject.version['ApiVersion']}"
    yield _version("engine", str(subject.version["Version"]), where)


def programs(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001 - every check takes the subject
    """Are the Docker CLI, Compose and Buildx there, and not too old?"""
    absent = tools.missing()
    for name in absent:
        why = {"buildx": "every build goes through it", "compose": "it starts the services"}.get(name, "it drives both")
        yield Finding(name, PROBLEM, f"{name} is not installed", why, "ddd engine.install")
    if "docker" in absent:
        return
    versions = {"compose": info.compose_version, "buildx": info.buildx_version}
    for name, version in versions.items():
        if name not in absent:
            yield _version(name, version(), "")


def cgroup(subject: Subject) -> Iterator[Finding]:
    """Which cgroups does the engine use, and can it limit memory?"""
    if not subject.facts:
        return
    what = f"version {subject.facts.get('CgroupVersion', '1')}, driver {subject.facts.get('CgroupDriver', 'unknown')}"
    if subject.facts.get("MemoryLimit") is False:
        why = "mem_limit of a Compose file has no effect, and dev.status shows no memory"
        yield Finding("cgroup", WARNING, f"{what}: memory cannot be limited", why, "docker info")
    else:
        yield Finding("cgroup", OK, what)


def disk(subject: Subject) -> Iterator[Finding]:
    """Is there space for images, and how much of it could be had back?"""
    if subject.engine is None or not subject.engine.endpoint.is_local_socket:
        return
    root = Path(subject.facts["DockerRootDir"])
    try:
        free = shutil.disk_usage(root).free
    except OSError:  # an engine in a virtual machine has it elsewhere
        return
    again = _reclaimable(subject.engine.get("/system/df"))
    what = f"{_size(free)} free below {root}; {_size(again)} of unused images and build cache could be had back"
    if free < _LITTLE:
        why = "builds fail half-way when it is full" if free >= _NONE else "the next build is likely to fail"
        state = WARNING if free >= _NONE else PROBLEM
        # Not for --fix: it throws away what others may want to start from.
        yield Finding("disk", state, what, why, "docker builder prune --force && docker image prune --force")
    else:
        yield Finding("disk", OK, what)


def registry(subject: Subject) -> Iterator[Finding]:
    """Does the registry of the project's base images answer, or do stand-ins take their place?"""
    if subject.engine is None or subject.project is None:
        return
    local = [name for image in subject.engine.get("/images/json") for name in image.get("RepoTags") or ()]
    used = info.stand_ins(subject.directory)
    wanted = bases.images(subject.project.directory, subject.project)
    for host in sorted({bases.registry_of(image) for image in wanted}):
        images = sorted(image for image in wanted if bases.registry_of(image) == host)
        doubt = bases.reachable(images[0])
        if doubt is None:
            yield Finding("registry", OK, f"{host} answers")
            continue
        lacking = [image for image in images if image not in local and image not in used]
        if lacking:
            what = f"{host} does not answer ({_line(doubt)}), and {', '.join(lacking)} is not here"
            yield Finding("registry", PROBLEM, what, "builds begin with it", "ddd engine.bases", is_safe=True)
        else:
            instead = [f"{used[image]} for {image}" for image in images if image in used]
            stand = f"; stand-ins are used: {', '.join(instead)}" if instead else "; all its images are here"
            yield Finding("registry", OK, f"{host} does not answer{stand}")


def network(subject: Subject) -> Iterator[Finding]:  # noqa: ARG001
    """Do the proxy and the certificates of this machine reach builds?"""
    yield from _certificates()
    lost = {name: os.environ[name] for name in _PROXY_VARIABLES if is_loopback(os.environ.get(name, ""))}
    for name in lost:
        what = f"{name} names this machine's loopback, which containers cannot reach: builds go without it"
        why = "downloads in a build fail where the network is only to be had through the proxy"
        yield Finding("proxy", WARNING, what, why, f"export {name}=http://$(hostname -I | cut -d' ' -f1):PORT")
    given = sorted(hostconfig.proxies(os.environ))
    if not lost:
        yield Finding("proxy", OK, f"builds get {', '.join(given)}" if given else "none is set")


def clock(subject: Subject) -> Iterator[Finding]:
    """Does the engine have the same time as this machine?"""
    if not subject.facts.get("SystemTime"):
        return
    skew = abs(_moment(str(subject.facts["SystemTime"])) - subject.looked_at)
    if skew > _SKEW:
        what = f"the engine's clock is {skew:.0f} s off this machine's"
        why = "changed files look old to watchers and build tools, and certificates not valid yet"
        yield Finding("clock", PROBLEM, what, why, "restart the engine's virtual machine, which sets its clock")
    else:
        yield Finding("clock", OK, "the engine has this machine's time")


def _version(name: str, version: str, where: str) -> Finding:
    oldest = _OLDEST[name]
    what = " ".join(filter(None, (version, where)))
    if _numbers(version) < oldest:
        known = ".".join(map(str, oldest))
        why = f"nothing older than {known} was ever tried"
        return Finding(name, WARNING, f"{what} is old", why, "ddd engine.install")
    return Finding(name, OK, what)


def _certificates() -> Iterator[Finding]:
    wrong = False
    for name in _CA_VARIABLES:
        path = os.environ.get(name)
        problem = _unusable(Path(path)) if path else ""
        if problem:
            wrong = True
            why = "programs here, and builds, cannot check whom they talk to"
            yield Finding("certificates", PROBLEM, f"{name} is {path}: {problem}", why, f"unset {name}")
    if not wrong:
        bundle = hostconfig.find().ca_bundle
        found = f"builds get {bundle}" if bundle else "this machine has no bundle; builds use their image's"
        yield Finding("certificates", OK, found)


def _unusable(file: Path) -> str:
    """Why this is no bundle of certificates, or ""."""
    if not file.is_file():
        return "there is no such file"
    try:
        ssl.create_default_context(cafile=str(file))
    except (ssl.SSLError, OSError) as error:
        return f"it cannot be read ({error})"
    return ""


def _reclaimable(usage: dict[str, Any]) -> int:
    """Bytes of images that no container uses, as `docker image prune` and `docker builder prune` count them."""
    images = sum(
        one["Size"] - max(one.get("SharedSize", 0), 0) for one in usage["Images"] or () if not one["Containers"]
    )
    cache = sum(one["Size"] for one in usage.get("BuildCache") or () if not one["InUse"] and not one["Shared"])
    return int(images + cache)


def _moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time with nanoseconds, which Python before 3.11 does not read."""
    whole, _, rest = text.partition(".")
    fraction = re.match(r"\d*", rest)
    digits = fraction[0] if fraction else ""
    zone = rest[len(digits) :] if rest else ""
    moment = datetime.fromisoformat(whole.removesuffix("Z") + (zone if zone not in ("", "Z") else "+00:00"))
    return moment.timestamp() + float(f"0.{digits or 0}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _size(count: int) -> str:
    return f"{count / _GIGABYTE:.1f} GB"


def _line(text: str) -> str:
    return " ".join(text.split())[:120]
