"""How many containers a service is to have: what `--scale` says, checked against the Compose file."""

from __future__ import annotations

from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project, Service


def parse(project: Project, given: str) -> dict[str, int]:
    """Service -> number of containers, from "web=2,job=0". Raises ConfigError, UnknownNameError."""
    found = {}
    for part in filter(None, given.split(",")):
        name, _, number = part.partition("=")
        if not number.isdecimal():
            raise ConfigError(
                f"--scale was given {part!r}",
                cause="it has to be a service and a number, such as web=2; several are joined by commas",
                hint="ddd dev.up --scale web=2",
            )
        found[name] = int(number)
        _check(project.service(name), int(number))
    return found


def _check(service: Service, number: int) -> None:
    fixed = [port for port in service.ports if port.published.isdecimal() and int(port.published)]
    if number > 1 and fixed:
        raise ConfigError(
            f"service {service.name!r} cannot have {number} containers",
            cause=f"it publishes port {fixed[0].published} of this machine, which only one can have; a port without a "
            f'number of the host ("127.0.0.1::{fixed[0].target}") gets a free one for each',
            hint=f"docker compose config {service.name}",
        )
