"""What every build gets beside its Dockerfile: stand-ins for base images, and the host's way to the network as secrets.

No secret value is in an overlay, an argument or a file: a value travels in the environment of the build's own process.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import dockerfile, dockerfile_mounts, hostconfig
from ddd_tasks.compose import Compose
from ddd_tasks.dockerfile import Dockerfile
from ddd_tasks.dockerfile_mounts import Mounts
from ddd_tasks.engine import info
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.names import familiar
from ddd_tasks.errors import ConfigError
from ddd_tasks.hostconfig import HostConfig
from ddd_tasks.project import Build, Project, Service

_VARIABLE = "DDD_SECRET_"
_BASE_WITH_VARIABLE = re.compile(r"(?im)^\s*(?:from\s|.*\bfrom=).*\$")
# Words without which a Compose file cannot declare what would collide with ours.
_MAY_DECLARE = re.compile(r"additional_contexts|secrets|\bssh\b|_proxy|_PROXY|\binclude\b|\bextends\b")


class Secret(NamedTuple):
    """One secret of a build, from a file of the host or from a variable of the build's environment."""

    id: str
    file: Path | None = None
    variable: str = ""


class Declared(NamedTuple):
    """What a service's own build section names: there the user's entry wins. mounts: what its Dockerfile asks for."""

    contexts: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    arguments: frozenset[str] = frozenset()
    has_ssh: bool = False
    mounts: Mounts = dockerfile_mounts.EVERYTHING


class BuildInputs(NamedTuple):
    """contexts: official image -> stand-in; proxies: names of build arguments; values: variable -> secret text.

    builds: service with a build section -> what it declares itself; images: service without one -> its image.
    ssh: whether the host has an agent.
    """

    contexts: Mapping[str, str] = {}
    secrets: tuple[Secret, ...] = ()
    proxies: tuple[str, ...] = ()
    values: Mapping[str, str] = {}
    builds: Mapping[str, Declared] = {}
    images: Mapping[str, str] = {}
    declared_secrets: frozenset[str] = frozenset()
    ssh: bool = False

    def mounted_by(self, file: Path) -> BuildInputs:
        """The same with no more secrets than this Dockerfile mounts."""
        mounts = dockerfile_mounts.load(file)
        kept = tuple(secret for secret in self.secrets if mounts.has_secret(secret.id))
        return self._replace(secrets=kept, ssh=self.ssh and "default" in mounts.ssh)

    def overlay(self, *services: str) -> dict[str, Any]:
        """A Compose file for these services, or for all; {} when there is nothing to add. It holds no secret value."""
        wanted = [name for name in (*self.builds, *self.images) if not services or name in services]
        parts = {name: self._service(name) for name in wanted}
        parts = {name: part for name, part in parts.items() if part}
        if not parts:
            return {}
        used = {name for part in parts.values() for name in part.get("build", {}).get("secrets", ())}
        secrets = {
            secret.id: {"file": str(secret.file)} if secret.file else {"environment": secret.variable}
            for secret in self.secrets
            if secret.id in used
        }
        return {"services": parts, "secrets": secrets} if secrets else {"services": parts}

    def buildx_args(self) -> list[str]:
        """The same as arguments of `docker buildx build`."""
        argv = []
        for official, stand_in in self.contexts.items():
            argv += ["--build-context", f"{official}=docker-image://{stand_in}"]
        for secret in self.secrets:
            source = _csv_field(f"src={secret.file}") if secret.file else f"env={secret.variable}"
            argv += ["--secret", f"id={secret.id},{source}"]
        for name in self.proxies:
            argv += ["--build-arg", name]
        return [*argv, "--ssh", "default"] if self.ssh else argv

    def environment(self, ids: Collection[str] | None = None) -> dict[str, str]:
        """Variables to add to the environment of the process that builds: those of these secrets, or of all."""
        named = {secret.variable for secret in self.secrets if ids is None or secret.id in ids}
        return {name: value for name, value in self.values.items() if name in named}

    def _service(self, name: str) -> dict[str, Any]:
        if name in self.images:
            stand_in = self.contexts.get(familiar(self.images[name]))
            return {"image": stand_in, "pull_policy": "never"} if stand_in else {}
        own = self.builds[name]
        taken = own.secrets | self.declared_secrets
        parts: dict[str, Any] = {
            "additional_contexts": {
                official: f"docker-image://{stand_in}"
                for official, stand_in in self.contexts.items()
                if official not in own.contexts
            },
            "secrets": [
                secret.id for secret in self.secrets if secret.id not in taken and own.mounts.has_secret(secret.id)
            ],
            "ssh": ["default"] if self.ssh and "default" in own.mounts.ssh and not own.has_ssh else [],
            "args": {proxy: None for proxy in self.proxies if proxy not in own.arguments},
        }
        parts = {key: value for key, value in parts.items() if value}
        return {"build": parts} if parts else {}


def for_project(project: Project) -> BuildInputs:
    """What builds of this project get on this host, at this moment. Raises EngineError when no engine answers."""
    host = hostconfig.find()
    secrets, values = secrets_of(host)
    own, top = declared(project)
    return BuildInputs(
        contexts=stand_ins(project),
        secrets=secrets,
        proxies=tuple(hostconfig.proxies(os.environ)),
        values=values,
        builds={
            name: own.get(name, Declared())._replace(mounts=_mounts(project, service.build))
            for name, service in project.services.items()
            if service.build
        },
        images={
            name: service.image for name, service in project.services.items() if service.image and not service.build
        },
        declared_secrets=top,
        ssh=host.has_ssh_agent,
    )


def _mounts(project: Project, section: Build) -> Mounts:
    if section.is_remote or any("dockerfile_inline" in file.read_text(errors="replace") for file in project.files):
        return dockerfile_mounts.EVERYTHING
    return dockerfile_mounts.load(section.dockerfile)


def stand_ins(project: Project) -> dict[str, str]:
    """Official image -> the image used instead: those recorded, unless the official one has come, and x-ddd's."""
    recorded = info.stand_ins(project.directory)
    if recorded:
        local = local_images()
        recorded = {official: name for official, name in recorded.items() if official not in local and name in local}
    return {**recorded, **{familiar(official): name for official, name in project.images.items()}}


def local_images() -> set[str]:
    """The names of all images that the engine has. Raises EngineError when none answers."""
    with closing(Engine.connect()) as engine:
        return {tag for image in engine.get("/images/json") for tag in image.get("RepoTags") or ()}


def secrets_of(host: HostConfig) -> tuple[tuple[Secret, ...], dict[str, str]]:
    """The secrets for what the host has, and the values of those variables that are ours."""
    secrets: list[Secret] = []
    values: dict[str, str] = {}
    if host.ca_bundle:
        secrets.append(Secret("ca-bundle", file=host.ca_bundle))  # too large for a variable
    texts = {"pip-conf": host.pip_conf, "uv-toml": host.uv_toml, "npmrc": host.npmrc}
    for name, text in {**texts, "go-env": host.go_env, "nuget-config": host.nuget_config}.items():
        if text:
            variable = _VARIABLE + name.upper().replace("-", "_")
            secrets.append(Secret(name, variable=variable))
            values[variable] = text
    if host.netrc:
        secrets.append(Secret("netrc", file=host.netrc))
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        spelled = next((spelling for spelling in (name, name.upper()) if spelling in host.proxies), None)
        if spelled:
            secrets.append(Secret(name, variable=spelled))
    return tuple(secrets), values


def configuration(project: Project) -> Mapping[str, Any]:
    """Compose's own view of the project: for what the model leaves out, such as build arguments. Takes 0.1 s."""
    answer = Compose(project).capture("--profile", "*", "config", "--format", "json")
    loaded = json.loads(answer.stdout or "{}")
    return loaded if isinstance(loaded, dict) else {}


def dockerfile_of(project: Project, service: Service) -> Dockerfile:
    """The Dockerfile of a service that is built here, bases that name a build argument expanded with its value.

    Raises ConfigError when it is missing or cannot be read.
    """
    if service.build is None:
        raise ConfigError(f"service {service.name!r} is not built here", hint="ddd dev.build")
    file = service.build.dockerfile
    if not file.is_file() or not _BASE_WITH_VARIABLE.search(file.read_text(encoding="utf-8", errors="replace")):
        return dockerfile.load(file)
    section = configuration(project)["services"][service.name]["build"]
    return dockerfile.load(
        file, {name: value for name, value in (section.get("args") or {}).items() if value is not None}
    )


def declared(project: Project) -> tuple[dict[str, Declared], frozenset[str]]:
    """What each service's build section names, and the project's secrets; Compose is asked only when it may matter."""
    if not any(_MAY_DECLARE.search(file.read_text(encoding="utf-8", errors="replace")) for file in project.files):
        return {}, frozenset()
    config = configuration(project)
    builds = {name: service["build"] for name, service in config.get("services", {}).items() if service.get("build")}
    return {
        name: Declared(
            frozenset(familiar(context) for context in build.get("additional_contexts") or ()),
            frozenset(
                secret["target"] if "target" in secret else secret["source"] for secret in build.get("secrets") or ()
            ),
            frozenset(build.get("args") or ()),
            bool(build.get("ssh")),
        )
        for name, build in builds.items()
    }, frozenset(config.get("secrets") or ())


def _csv_field(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if re.search(r'[,"]', field) else field
