"""Host paths and container paths, as a service's bind mounts relate them."""

from __future__ import annotations

import os
import shlex
from pathlib import Path, PurePosixPath

from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Mount, Project, Service


def to_container(mounts: tuple[Mount, ...], path: Path) -> str | None:
    """Where a host path appears in the container, by the longest mount source that holds it; None where it does not.

    Symbolic links are followed first, as the kernel does when it mounts.
    """
    real = Path(os.path.realpath(path))
    best: tuple[int, str] | None = None
    for mount in mounts:
        source = Path(os.path.realpath(mount.source))
        if real == source or source in real.parents:
            inside = str(PurePosixPath(mount.target, *real.relative_to(source).parts))
            if best is None or len(source.parts) > best[0]:
                best = (len(source.parts), inside)
    return best[1] if best else None


def to_host(mounts: tuple[Mount, ...], path: str) -> Path | None:
    """The host path behind a container path, by the longest mount target that holds it; None where there is none."""
    inside = PurePosixPath(path)
    best: tuple[int, Path] | None = None
    for mount in mounts:
        target = PurePosixPath(mount.target)
        if inside == target or target in inside.parents:
            outside = Path(mount.source, *inside.relative_to(target).parts)
            if best is None or len(target.parts) > best[0]:
                best = (len(target.parts), outside)
    return best[1] if best else None


def working_directory(project: Project, service: Service, here: Path) -> str | None:
    """The directory inside that matches the caller's; None for the container's own. Mounts of single files say nothing.

    The project's directory and the folders that contain a mount have no single match: there the container's own is
    meant. Raises ConfigError elsewhere, naming the mounts.
    """
    folders = tuple(mount for mount in service.mounts if not mount.source.is_file())
    inside = to_container(folders, here)
    if inside is not None or not folders:
        return inside
    real = Path(os.path.realpath(here))
    holders = {parent for mount in folders for parent in Path(os.path.realpath(mount.source)).parents}
    if real == project.directory or real in holders:
        return None
    raise ConfigError(
        f"{here} is not mounted in service {service.name!r}",
        cause="none of its bind mounts holds that directory",
        valid=[f"{mount.source} (as {mount.target})" for mount in folders],
        hint=f"cd {shlex.quote(str(folders[0].source))}",
    )


def service_here(project: Project, here: Path, wanted: str | None = None) -> Service:
    """The service that is meant: the named one, the one whose mount holds the directory, or the only one that is built.

    Raises UnknownNameError, or ConfigError when several would do, naming them.
    """
    if wanted is not None:
        return project.service(wanted)
    services = project.services.values()
    mounted = [service for service in services if to_container(service.mounts, here) is not None]
    built = [service for service in services if service.build is not None]
    candidates = mounted or built or list(services)
    if len(candidates) == 1:
        return candidates[0]
    names = [service.name for service in candidates]
    raise ConfigError(
        "which service is meant?" if names else f"{project.files[0]} has no service",
        cause=f"{len(names)} services would do in {here}" if names else "its services section is empty",
        valid=names,
        hint=f"ddd dev.exec --service {names[0]} -- pwd" if names else f"docker compose -f {project.files[0]} config",
    )
