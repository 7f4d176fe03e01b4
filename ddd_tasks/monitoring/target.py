"""Where a service's metrics page is: as x-ddd or its labels say, else as its language has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ddd_tasks.compose import DEBUG_PORT_LABEL
from ddd_tasks.errors import ConfigError, UnsupportedError
from ddd_tasks.language import Metrics

PATH = "/metrics"
_LABELS = "prometheus.io/"


class Wanted(NamedTuple):
    """The page in the container."""

    port: int
    path: str
    scheme: str


def choose(
    service: str, said: Mapping[str, Any], labels: Mapping[str, str], usual: Metrics | None, exposed: Iterable[int]
) -> Wanted:
    """The page of a service. said: x-ddd's metrics; labels: the container's; usual: its language's; exposed: its ports.

    Where several say it, the first of them holds. Raises ConfigError, and UnsupportedError for a service that is not
    to be scraped.
    """
    own = {key.removeprefix(_LABELS): value for key, value in labels.items() if key.startswith(_LABELS)}
    if not said and own.get("scrape", "true").lower() == "false":
        raise UnsupportedError(
            f"service {service!r} is not to be scraped",
            cause=f"its label {_LABELS}scrape is {own['scrape']!r}",
            hint=f"docker compose config {service}",
        )
    path = str(said.get("path") or own.get("path") or (usual.path if usual else PATH))
    if not path.startswith("/"):
        raise _wrong(service, "path", path, "the path of a URL, which begins with /")
    scheme = str(said.get("scheme") or own.get("scheme") or "http")
    if scheme not in ("http", "https"):
        raise _wrong(service, "scheme", scheme, "http or https")
    others = {int(labels[DEBUG_PORT_LABEL])} if DEBUG_PORT_LABEL in labels else set()
    port = said.get("port") or _labelled(service, own) or _only(service, usual, set(exposed) - others)
    return Wanted(int(port), path, scheme)


def _labelled(service: str, own: Mapping[str, str]) -> int:
    given = own.get("port", "")
    if given and not (given.isdecimal() and 0 < int(given) < 65536):
        raise _wrong(service, "port", given, "a port: a number from 1 to 65535")
    return int(given or 0)


def _only(service: str, usual: Metrics | None, exposed: set[int]) -> int:
    """The one port, or of several the language's usual one."""
    if len(exposed) == 1:
        return exposed.pop()
    if usual and usual.port in exposed:
        return usual.port
    raise ConfigError(
        f"which port of service {service!r} has its metrics?" if exposed else f"service {service!r} has no port",
        cause=f"{len(exposed)} ports are exposed, and neither x-ddd nor the label {_LABELS}port names one",
        valid=[str(port) for port in exposed],
        hint=f"docker compose config {service}",
    )


def _wrong(service: str, key: str, given: str, wanted: str) -> ConfigError:
    return ConfigError(
        f"the label {_LABELS}{key} of service {service!r} is {given!r}",
        cause=f"it has to be {wanted}",
        hint=f"docker compose config {service}",
    )


def exposed_ports(info: Mapping[str, Any]) -> set[int]:
    """The TCP ports of a container, as the engine's inspect tells them: exposed by its image, or published."""
    named = {*(info["Config"].get("ExposedPorts") or {}), *(info["NetworkSettings"].get("Ports") or {})}
    return {int(name.partition("/")[0]) for name in named if name.endswith("/tcp")}
