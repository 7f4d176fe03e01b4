"""What .ddd/debug.json remembers of a debugged service: its host port, chosen once, and the sidecar that is to stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ddd_tasks import console, ledger, notebook, portbook
from ddd_tasks.engine import ports
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, PortTakenError
from ddd_tasks.project import Project

ADDRESS = "127.0.0.1"


def candidates(engine: Engine, project: Project, service: str, usual: int, named: int = 0) -> Iterator[int]:
    """Free ports, the likeliest first: the named one alone, else the remembered, the usual, and others.

    Raises PortTakenError with its holder where the named one is taken, ConfigError where it is no port.
    """
    if named:
        check(engine, service, named)
        yield named
        return
    remembered = recall(project).get(service, 0)
    others = {port for name, port in recall(project).items() if name != service}
    for port in portbook.free(engine, project, f"debug {service}", (remembered, usual), others):
        if usual and port not in (remembered, usual):
            console.note(f"port {usual} is taken: the debugger of service {service!r} is on port {port}")
        yield port


def check(engine: Engine, service: str, named: int) -> None:
    """Raise ConfigError for a number that is no port, PortTakenError with its holder for one that is taken."""
    if not 0 < named < 65536:
        cause = "a port is a number from 1 to 65535"
        raise ConfigError(f"--port was given {named}", cause=cause, hint=f"ddd debug.attach --service {service}")
    if held := ports.holder(engine, ADDRESS, named):
        raise PortTakenError(f"port {named} is taken", cause=f"{held.what} has it", hint=held.hint)


def recall(project: Project) -> dict[str, int]:
    """Service -> its port, as remembered."""
    return {str(name): port for name, port in _noted(project, "ports").items() if type(port) is int}


def remember(project: Project, service: str, port: int) -> None:
    """Have the next debugger of this service get the same port, and those of other checkouts another one.

    An editor's entry names the port: it has to be the service's own also while no debugger is there.
    """
    with ledger.opened() as taken:
        known = recall(project)
        if known.get(service) != port:
            _note(project, "ports", {**known, service: port})
        portbook.take(taken, project, port, known.get(service, port))


def keep(project: Project, service: str, sidecar: str) -> None:
    """Note that somebody wants the debugger in this sidecar to stay, until it is taken away on purpose."""
    with ledger.opened():
        known = _noted(project, "kept")
        if known.get(service) != sidecar:
            _note(project, "kept", {**known, service: sidecar})


def kept(project: Project, service: str) -> str:
    """The id of the last sidecar that was to stay, "" where there was none."""
    return str(_noted(project, "kept").get(service, ""))


def _noted(project: Project, key: str) -> dict[str, Any]:
    stored = notebook.read(project.private / "debug.json").get(key)
    return stored if isinstance(stored, dict) else {}


def _note(project: Project, key: str, content: Mapping[str, Any]) -> None:
    file = project.private / "debug.json"
    notebook.write(file, {**notebook.read(file), key: content})
