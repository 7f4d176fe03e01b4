"""Checks before anything is made: builds that cannot work, folders that are not there, ports that are taken."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from ddd_tasks import build
from ddd_tasks.engine import ports
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, PortTakenError, UnknownNameError
from ddd_tasks.project import Project, Service


def check_build(project: Project, service: Service) -> None:
    """Refuse a build without its context, its Dockerfile or its stage. Raises ConfigError, UnknownNameError."""
    if service.build is None or service.build.is_remote:
        return
    context, file, target, _ = service.build
    what = f"the build context of service {service.name!r}"
    _require_directory(context, what, hint=f"ls {shlex.quote(str(context.parent))}")
    parsed = build.dockerfile_of(project, service)
    if target is not None:
        try:
            parsed.stage(target)
        except UnknownNameError as error:
            error.hint = error.hint or f"grep -in ^from {shlex.quote(str(file))}"
            raise


def check_mounts(service: Service) -> None:
    """Refuse a bind mount of something that does not exist: the engine would make it, as root. Raises ConfigError."""
    for mount in service.mounts:
        if not mount.source.exists():
            hint = f"mkdir -p {shlex.quote(str(mount.source))}"
            _require_directory(mount.source, f"what service {service.name!r} mounts at {mount.target}", hint=hint)


def check_ports(engine: Engine, service: Service, ours: Collection[str]) -> None:
    """Refuse a port that something else listens on, naming it. ours: our own containers' ids. Raises PortTakenError."""
    for port in service.ports:
        if not port.published.isdigit() or port.protocol not in ("tcp", "udp"):
            continue  # a range, or one that the engine picks
        holder = ports.holder(engine, port.host_ip, int(port.published), port.protocol)
        if holder and holder.container not in ours:
            raise PortTakenError(
                f"port {port.published} of service {service.name!r} is taken",
                cause=f"{holder.what} listens on it; dev.up --ports auto takes a free one instead",
                hint=holder.hint,
            )


def _require_directory(path: Path, what: str, *, hint: str) -> None:
    if path.is_dir():
        return
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.is_dir()]
    except OSError:
        beside = []
    raise ConfigError(f"{path}, {what}, does not exist", given=path.name, valid=beside, hint=hint)
