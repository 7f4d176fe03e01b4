"""How secrets reach a service: as files of a volume that only the engine can open, mounted read-only.

The engine's archive call writes them, with owner and mode, into a container that is never started: the values are in
no file of ours, no argument, no image and no container's configuration. Why: docs/decisions/0011.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from ddd_tasks import build, compose, services
from ddd_tasks.compose import ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL, VOLUME_LABEL, Compose
from ddd_tasks.engine import archive
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.archive import File
from ddd_tasks.engine.names import familiar
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.project import Project, Service
from ddd_tasks.projectsecrets import FOLDER
from ddd_tasks.secret.placing import Placed, placed

LABEL = "ddd-tasks.secrets"
_INSIDE = "/ddd-secrets"  # where the container that is never started has the volume
_SUBPATH_API = (1, 45)


def overlay(project: Project) -> tuple[Path, ...]:
    """The Compose file that mounts the volumes instead of what Compose makes of `secrets:`; () without secrets."""
    parts: list[str] = []
    volumes: dict[str, Any] = {}
    for service in project.services.values():
        if service.secrets:
            entries = mounts(project, service)
            text = json.dumps(entries)
            parts.append(f"  {json.dumps(service.name)}:\n    secrets: !reset []\n    volumes: {text}\n")
            volumes |= declared(service.name, entries)
    text = f"services:\n{''.join(parts)}volumes: {json.dumps(volumes)}\n" if parts else ""
    return compose.write_overlay_text(project, "secrets", text)


def mounts(project: Project, service: Service) -> list[dict[str, Any]]:
    """The volumes of a service's secrets, as its section of a Compose file has them."""
    entries = [_mount(project, service, FOLDER)] if _below(service) else []
    return entries + [_mount(project, service, target, str(n)) for n, target in enumerate(_elsewhere(service))]


def declared(service: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same volumes as the Compose file's own section declares them."""
    return {entry["source"]: {"name": entry["source"], "labels": {LABEL: service}} for entry in entries}


def deliver(engine: Engine, project: Project, wanted: Sequence[Service], values: Mapping[str, bytes]) -> list[str]:
    """Write the secrets of these services into their volumes; the names of those for which that changed anything.

    Raises ConfigError, EngineError, CommandError when an image cannot be pulled.
    """
    return [service.name for service in wanted if service.secrets and _deliver_one(engine, project, service, values)]


def outdated(engine: Engine, project: Project, wanted: Sequence[Service], values: Mapping[str, bytes]) -> list[str]:
    """The services that have a running container without these secrets, or one that began before they were there."""
    asked = {service.name: service for service in wanted if service.secrets}
    if not asked:
        return []
    running = [entry for entry in services.listed(engine, project) if entry["State"] == "running"]
    labelled = ((entry["Labels"].get(SERVICE_LABEL, ""), entry["Id"]) for entry in running)
    return [name for name, container in labelled if name in asked and not _has(engine, container, asked[name], values)]


def forget(engine: Engine, project: Project, *, keep: bool = False) -> None:
    """Remove the project's volumes with secrets; keep leaves those that its services are to have now."""
    current = {
        _volume(project, service, folder) for service in project.services.values() for folder in _folders(service)
    }
    label = {"label": [LABEL, f"{PROJECT_LABEL}={project.name}"]}
    if not keep:  # what a client has left that was killed while it wrote
        for container in engine.get("/containers/json", all=True, filters=label):
            engine.delete(f"/containers/{container['Id']}", force=True)
    for volume in engine.get("/volumes", filters=label)["Volumes"] or ():
        if not (keep and volume["Name"] in current):
            with suppress(ApiError):  # a container that was not started by us has it still
                engine.delete(f"/volumes/{volume['Name']}")


def _has(engine: Engine, container: str, service: Service, values: Mapping[str, bytes]) -> bool:
    detail = engine.get(f"/containers/{container}/json")
    began = _seconds(detail["State"]["StartedAt"])
    inside = archive.read(engine, container, FOLDER) if _below(service) else []
    found = [file._replace(path=f"{FOLDER}/{file.path}") for file in inside]
    for target in _elsewhere(service):
        found += [file._replace(path=target) for file in archive.read(engine, container, target)]
    if any(file.mtime > began for file in found):
        return False
    return sorted(Placed(*file[:5]) for file in found) == sorted(_files(engine, container, detail, service, values))


def _deliver_one(engine: Engine, project: Project, service: Service, values: Mapping[str, bytes]) -> bool:
    elsewhere = _elsewhere(service)
    _check_engine(engine, service, elsewhere)
    changed = False
    with _filler(engine, project, service) as (container, detail):
        now = int(_seconds(detail["Created"]))
        wanted = [
            File(_place(file, elsewhere), file.data, file.uid, file.gid, file.mode, now)
            for file in _files(engine, container, detail, service, values)
        ]
        for folder in _folders(service):
            there = archive.read(engine, container, f"{_INSIDE}/{folder}")
            files = [
                file._replace(path=file.path.partition("/")[2]) for file in wanted if file.path.startswith(f"{folder}/")
            ]
            if sorted(file[:5] for file in there) != sorted(file[:5] for file in files):
                archive.write(engine, container, f"{_INSIDE}/{folder}", files)
                changed = True
    return changed


@contextmanager
def _filler(engine: Engine, project: Project, service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    """A container of the service's image that has the volumes and is never started, with what the engine says of it."""
    image = _image(project, service)
    labels = {PROJECT_LABEL: project.name, LABEL: service.name}
    names = {folder: _volume(project, service, folder) for folder in _folders(service)}
    mounts = [
        {
            "Type": "volume",
            "Source": name,
            "Target": f"{_INSIDE}/{folder}",
            "VolumeOptions": {"NoCopy": True, "Labels": {**labels, VOLUME_LABEL: name}},
        }
        for folder, name in names.items()
    ]
    body = {
        "Image": image,
        "Cmd": ["never-started"],
        "Labels": {**labels, ONEOFF_LABEL: "True"},
        "HostConfig": {"Mounts": mounts, "NetworkMode": "none"},
    }
    name = f"{project.name}-{service.name}-secrets-{os.urandom(3).hex()}"
    try:
        container = engine.post("/containers/create", body, name=name)["Id"]
    except ApiError as error:
        if error.status != 404 or service.build:
            raise
        Compose(project).run("pull", service.name, quiet=True)
        container = engine.post("/containers/create", body, name=name)["Id"]
    try:
        yield container, engine.get(f"/containers/{container}/json")
    finally:
        engine.delete(f"/containers/{container}", force=True)


def _files(
    engine: Engine, container: str, detail: Mapping[str, Any], service: Service, values: Mapping[str, bytes]
) -> list[Placed]:
    def read(path: str) -> str:
        return "".join(file.data.decode(errors="replace") for file in archive.read(engine, container, path))

    return placed(service, service.user or detail["Config"]["User"] or "", values, read)


def _image(project: Project, service: Service) -> str:
    if service.build:
        return service.image or f"{project.name}-{service.name}"
    return build.stand_ins(project).get(familiar(service.image or ""), service.image or "")


def _below(service: Service) -> list[str]:
    """The targets in the folder of secrets."""
    return [use.target for use in service.secrets if use.target.startswith(f"{FOLDER}/")]


def _elsewhere(service: Service) -> list[str]:
    """The targets in other places: each is mounted as a file."""
    return [use.target for use in service.secrets if not use.target.startswith(f"{FOLDER}/")]


def _folders(service: Service) -> list[str]:
    return [name for name, some in (("run", _below(service)), ("files", _elsewhere(service))) if some]


def _place(file: Placed, elsewhere: Sequence[str]) -> str:
    if file.target in elsewhere:
        return f"files/{elsewhere.index(file.target)}"
    return f"run/{file.target.removeprefix(f'{FOLDER}/')}"


def _volume(project: Project, service: Service, folder: str) -> str:
    """Another set of targets is another volume: a file that is no longer declared cannot stay behind."""
    targets = json.dumps([folder, *(use.target for use in service.secrets)])
    return f"{project.name}_secrets-{service.name}-{crc32(targets.encode()):08x}"


def _mount(project: Project, service: Service, target: str, subpath: str = "") -> dict[str, Any]:
    options = {"nocopy": True, **({"subpath": subpath} if subpath else {})}
    source = _volume(project, service, "files" if subpath else "run")
    return {"type": "volume", "source": source, "target": target, "read_only": True, "volume": options}


def _check_engine(engine: Engine, service: Service, elsewhere: Sequence[str]) -> None:
    if not elsewhere:
        return
    version = engine.get("/version")["ApiVersion"]
    if tuple(map(int, version.split("."))) < _SUBPATH_API:
        raise UnsupportedError(
            f"a secret of service {service.name!r} has the target {elsewhere[0]}",
            cause=f"outside {FOLDER} that needs Engine 26; this one's API is {version}",
            hint="ddd engine.info",
        )


def _seconds(text: str) -> float:
    """The engine's times have nanoseconds, which Python's own do not."""
    from datetime import datetime  # slow to import, and only projects with secrets come here

    head, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(head + "+00:00").timestamp() + float(f"0.{fraction[:9] or 0}")
