"""Which secrets a project declares, which configuration of the host its builds mount, and what of it is there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from ddd_tasks import composefiles, dockerfile_mounts
from ddd_tasks.build import secrets_of
from ddd_tasks.errors import ConfigError
from ddd_tasks.hostconfig import find
from ddd_tasks.project import Project, Service
from ddd_tasks.projectsecrets import Source
from ddd_tasks.secret import sources

# What the secrets that we make of the host's configuration are made of.
_OF_HOST = {
    "ca-bundle": "SSL_CERT_FILE and the like, or the system's bundle",
    "pip-conf": "pip.conf and PIP_ variables",
    "uv-toml": "uv.toml and UV_ variables, or pip's",
    "npmrc": ".npmrc",
    "netrc": "NETRC, or .netrc",
    "go-env": "GOPROXY and the like, or `go env -w`",
    "nuget-config": "NuGet.Config",
    **{name: f"the variable {name}" for name in ("http_proxy", "https_proxy", "no_proxy")},
}
_SSH = "ssh"


class Row(NamedTuple):
    """One secret. used_by: services, and builds as "build of NAME"; kind: file, environment, command, external or host.

    is_present: None where only running its command would tell.
    """

    name: str
    used_by: tuple[str, ...]
    kind: str
    where: str
    is_present: bool | None

    @property
    def cells(self) -> dict[str, str]:
        """The cells of secrets.list."""
        present = {True: "yes", False: "no", None: "ask its command"}[self.is_present]
        used = ", ".join(self.used_by) or "-"
        return {"secret": self.name, "used by": used, "from": self.kind, "where": self.where, "present": present}

    def as_dict(self) -> dict[str, Any]:
        """The fields of secrets.list --json."""
        fields: dict[str, Any] = {"name": self.name, "used_by": list(self.used_by), "from": self.kind}
        return fields | {"where": self.where, "present": self.is_present}


def rows(project: Project) -> list[Row]:
    """The declared secrets, then the host's configuration that Dockerfiles mount. No command is run."""
    return [_row(project, name, source) for name, source in project.secrets.items()] + _of_host(project)


def check(project: Project) -> int:
    """Look at every declared secret, and run the commands; how many there are.

    Raises ConfigError that names each missing one, where it was looked for and how to set the first.
    """
    missing: list[sources.MissingSecretError] = []
    for name in project.secrets:
        try:
            sources.value(project, name)
        except sources.MissingSecretError as error:
            missing.append(error)
    if len(missing) == 1:
        raise missing[0]
    if missing:
        names = ", ".join(repr(error.name) for error in missing)
        cause = "\n".join(f"{error.name}: {error.cause}" for error in missing)
        raise ConfigError(f"{len(missing)} secrets are missing: {names}", cause=cause, hint=missing[0].hint)
    return len(project.secrets)


def _row(project: Project, name: str, source: Source) -> Row:
    used = [service.name for service in project.services.values() if name in {use.source for use in service.secrets}]
    builds = [service for service in project.services.values() if service.build]
    used += [f"build of {each.name}" for each in builds if name in _declared(each)]
    if source.file:
        return Row(name, tuple(used), "file", str(source.file), _readable(source.file))
    by_variable = bool(source.variable) and _has_variable(project, source.variable)
    if source.command and not by_variable:
        return Row(name, tuple(used), "command", shlex.join(source.command), None)
    if source.variable:
        return Row(name, tuple(used), "environment", source.variable, by_variable)
    return Row(name, tuple(used), "external", "-", False)


def _of_host(project: Project) -> list[Row]:
    host = find()
    there = {secret.id for secret in secrets_of(host)[0]} | ({_SSH} if host.has_ssh_agent else set())
    users: dict[str, list[str]] = {}
    for service in project.services.values():
        if service.build and not service.build.is_remote:
            mounts = dockerfile_mounts.load(service.build.dockerfile)
            names = [*sorted(mounts.secrets - _declared(service)), *([_SSH] if "default" in mounts.ssh else [])]
            for name in names:
                users.setdefault(name, []).append(f"build of {service.name}")
    where = {**_OF_HOST, _SSH: "SSH_AUTH_SOCK"}
    return [Row(name, tuple(used), "host", where.get(name, "-"), name in there) for name, used in users.items()]


def _declared(service: Service) -> set[str]:
    """The secrets that the service's build section names, by their own name and by the id that its build knows."""
    return {name for use in (service.build.secrets if service.build else ()) for name in (use.source, use.target)}


def _has_variable(project: Project, variable: str) -> bool:
    return bool(os.environ.get(variable) or composefiles.dotenv(project.directory / ".env").get(variable))


def _readable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.R_OK)
