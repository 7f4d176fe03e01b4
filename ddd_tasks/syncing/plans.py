"""What each service needs so that saves reach it, from its Dockerfile, its mounts and its Compose entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddd_tasks import build, buildcontext, console, images, languages
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.dockerfile_placements import placements
from ddd_tasks.engine.api import Engine
from ddd_tasks.project import Mount, Project, Service
from ddd_tasks.syncing.overlay import Plan
from ddd_tasks.syncing.triggers import Inputs, Trigger, of_build, of_mounts, reloads, together


def of_service(
    engine: Engine, project: Project, service: Service, config: Mapping[str, Any], *, shared: bool
) -> Plan | None:
    """What a service needs; None where it needs nothing, or where nothing can be done for it."""
    mounts = own_mounts(project, service)
    if shared and any(mount.source.is_dir() for mount in mounts):
        return None
    if service.build is None or service.build.is_remote:
        if mounts and not shared:
            where = ", ".join(str(mount.source) for mount in mounts)
            console.warning(f"service {service.name!r} is not built here, and may not see what it mounts: {where}")
        return None
    replaced = {mount.target for mount in mounts}
    volumes = tuple(entry for entry in config.get("volumes") or () if entry.get("target") not in replaced)
    if (config.get("develop") or {}).get("watch"):
        return Plan(service.name, (), volumes)
    triggers = _triggers(engine, project, service, config, mounts)
    return Plan(service.name, triggers, volumes)


def _triggers(
    engine: Engine, project: Project, service: Service, config: Mapping[str, Any], mounts: Sequence[Mount]
) -> tuple[Trigger, ...]:
    assert service.build is not None
    context, file, target = service.build.context, service.build.dockerfile, service.build.target
    parsed = build.dockerfile_of(project, service)
    rules = _rules(buildcontext.tree(context, file, [""]).ignore)
    placed = placements(parsed, target, context, images.settings(engine, project, parsed, target))
    inputs = Inputs(
        rules,
        _manifests(service, context),
        reloads(_command(parsed, target, config), parsed.chain(target)[-1].name),
        str(service.extension.get("watch") or ""),
    )
    known = of_build(context, file, placed, inputs)
    return together(known, of_mounts(mounts, known, context, rules))


def own_mounts(project: Project, service: Service) -> list[Mount]:
    """The bind mounts of files that are the project's: others, such as sockets, are of the engine's own machine."""
    homes = [project.directory, *([service.build.context] if service.build and not service.build.is_remote else [])]
    return [mount for mount in service.mounts if any(home in (mount.source, *mount.source.parents) for home in homes)]


def _command(parsed: Dockerfile, target: str | None, config: Mapping[str, Any]) -> list[str]:
    """What the service runs: what its Compose entry says, or its stage, or the one that this is built on."""
    own = [*(config.get("entrypoint") or ()), *(config.get("command") or ())]
    return own or [word for stage in parsed.chain(target)[::-1] for word in stage.command]


def _manifests(service: Service, context: Path) -> list[Path]:
    """The files, in the context or one folder below, that reveal the service's language: they name its packages."""
    named = service.extension.get("language")
    language = languages.get(str(named)) if named else languages.detect(context)
    globs = [marker.partition(":")[0] for marker in language.markers] if language else []
    return sorted({path for glob in globs for depth in ("", "*/") for path in context.glob(depth + glob)})


def _rules(ignore_file: str) -> list[str]:
    if not ignore_file:
        return []
    lines = (line.strip() for line in Path(ignore_file).read_text(errors="replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
