"""Grafana beside Prometheus, where its image can be had: what it is told, its password, its part of the overlay.

No registry answered where this was written, so it was not opened in Grafana itself. Its settings were read in
conf/defaults.ini and packaging/docker/run.sh of grafana/grafana, those of plugins in reports on Grafana 13;
tests/engine/test_monitor_grafana.py asks a real one wherever the image is to be had.
"""

from __future__ import annotations

import os
import secrets
import shlex
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks import bases, console, notebook, portbook, resources
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, EngineError
from ddd_tasks.monitoring import placing
from ddd_tasks.project import Project, Service
from ddd_tasks.projectsecrets import FOLDER, Use
from ddd_tasks.secret import volumes

SERVICE = "ddd-grafana"
IMAGE = "grafana/grafana:13.2.3"
VARIABLE = "DDD_GRAFANA_IMAGE"
PORT = 3000
_INSIDE = "/etc/ddd-grafana"
_USER = "472:0"  # the image's own
_SECRET = "grafana_admin_password"
_PROVISIONED = ("datasources/ddd.yml", "dashboards/ddd.yml")
_LOOKED_FOR = ("alerting", "plugins")  # below provisioning/; it complains where one is missing
_AGAIN_SECONDS = 3600.0

_SETTINGS: Mapping[str, str] = {
    "GF_PATHS_PROVISIONING": f"{_INSIDE}/provisioning",
    "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{_INSIDE}/home.json",
    "GF_SECURITY_ADMIN_PASSWORD__FILE": f"{FOLDER}/{_SECRET}",
    # Whoever reaches the port may look, and only look.
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    # A page of another name that leads to 127.0.0.1 gets a redirect, and no data.
    "GF_SERVER_DOMAIN": portbook.ADDRESS,
    "GF_SERVER_ENFORCE_DOMAIN": "true",
    # It asks nobody outside for anything.
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    # Grafana 13 replaces the plugins that it comes with by newer ones, even without a list of further ones. On a root
    # that is read-only that takes the data source away.
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
}


def wanted(engine: Engine, project: Project, asked: bool | None) -> str | None:
    """The image, which is here then, or None. asked: by --grafana, --no-grafana, or neither.

    Where nobody asked it is started if its image is here, and pulled only if the project names one: it is large.
    Raises EngineError where it was asked for and cannot be had.
    """
    image = image_of(project)
    if asked is False or bases.has(engine, image):
        return None if asked is False else image
    if not asked and image == IMAGE:
        return None
    memory = project.private / "monitor" / "grafana.json"
    why = "" if asked else _known(notebook.read(memory), image)
    why = why or bases.fetch(image) or ""
    if not why:
        return image
    if asked:
        raise EngineError(
            f"the image {image!r} of Grafana cannot be had", cause=why, hint="ddd monitor.up --no-grafana"
        )
    placing.folder(memory.parent)
    notebook.write(memory, {"image": image, "why": why, "at": time.time()})
    console.warning(f"no Grafana: the image {image!r} is not here and cannot be pulled: {why}")
    return None


def image_of(project: Project) -> str:
    """The image's name: from the environment, from x-ddd, or the one that this version knows."""
    return os.environ.get(VARIABLE) or str(project.monitor.get("grafana") or IMAGE)


def files(project: Project) -> None:
    """Write what Grafana reads, and its password where there is none. Raises ConfigError."""
    for name in _PROVISIONED:
        _copy(project, f"provisioning/{name}")
    _copy(project, "home.json")
    for name in (*(f"provisioning/{one}" for one in _LOOKED_FOR), "boards"):
        placing.folder(_place(project) / name)
    password(project)


def place(project: Project, boards: Mapping[str, str]) -> None:
    """Give it these dashboards, by service, and no others; nothing where it is not wanted. Raises ConfigError."""
    folder = _place(project) / "boards"
    if folder.is_dir():
        for service, text in boards.items():
            placing.write(folder / f"{service}.json", text)
        for old in {*folder.glob("*.json")} - {folder / f"{service}.json" for service in boards}:
            old.unlink(missing_ok=True)


def password(project: Project) -> str:
    """The password of its user admin, made where there is none: a file for its owner alone. Raises ConfigError."""
    file = password_file(project)
    placing.folder(file.parent)
    try:
        if not file.exists():
            descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".draft-")  # readable for nobody else
            with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
                writer.write(secrets.token_urlsafe(24))
            Path(draft).replace(file)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        hint = shlex.join(["ls", "-l", str(file)])
        raise ConfigError(f"{file} cannot be used", cause=str(error), hint=hint) from error


def password_file(project: Project) -> Path:
    """Where the password is, for people who want to log in."""
    return project.private / "monitor" / "grafana-password"


def deliver(engine: Engine, project: Project, image: str) -> bool:
    """Put the password where the container finds it; whether that changed anything. Raises EngineError."""
    value = {_SECRET: password(project).encode()}
    return bool(volumes.deliver(engine, project, [_service(image)], value))


def overlay(project: Project, image: str, port: int) -> dict[str, Any]:
    """Its part of the Compose file, with the network ddd-monitor declared elsewhere. port: on this machine."""
    secret = volumes.mounts(project, _service(image))
    bind = {"type": "bind", "source": str(_place(project)).replace("$", "$$"), "target": _INSIDE, "read_only": True}
    entry = {
        "image": image,
        "profiles": ["monitor"],
        "user": _USER,
        "init": True,
        "read_only": True,
        # Its database is gone with the container: all that is in it comes from files.
        "tmpfs": ["/var/lib/grafana:uid=472,gid=0,mode=0770,size=256m", "/tmp:mode=1777,size=64m"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "512m",
        "cpus": 1.0,
        "pids_limit": 256,
        "environment": {**_SETTINGS, "GF_SERVER_ROOT_URL": f"http://{portbook.ADDRESS}:{port}/"},
        "networks": ["ddd-monitor"],
        "ports": [{"target": PORT, "published": str(port), "host_ip": portbook.ADDRESS, "protocol": "tcp"}],
        "volumes": [bind, *secret],
        "logging": {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}},
    }
    return {"services": {SERVICE: entry}, "volumes": volumes.declared(SERVICE, secret)}


def _known(memory: Mapping[str, Any], image: str) -> str:
    """Why the image could not be had a short while ago; a registry that does not answer costs seconds."""
    is_young = time.time() - float(memory.get("at", 0)) < _AGAIN_SECONDS
    return str(memory.get("why", "")) if is_young and memory.get("image") == image else ""


def _copy(project: Project, name: str) -> None:
    source = resources.docker("monitor", "grafana", *name.split("/"))
    placing.write(_place(project) / name, source.read_text(encoding="utf-8"))


def _place(project: Project) -> Path:
    """The folder that the container sees."""
    return project.private / "monitor" / "grafana"


def _service(image: str) -> Service:
    """Grafana as one of the project's services, for what gives those their secrets."""
    use = Use(_SECRET, f"{FOLDER}/{_SECRET}")
    return Service(
        name=SERVICE,
        image=image,
        build=None,
        mounts=(),
        ports=(),
        working_dir=None,
        user=_USER,
        has_healthcheck=False,
        depends_on=(),
        profiles=(),
        extension={},
        secrets=(use,),
    )
