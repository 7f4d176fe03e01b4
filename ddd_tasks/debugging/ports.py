"""The host port of a debugged service: chosen once, and remembered in .ddd/debug.json."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from ddd_tasks import console, ledger, notebook
from ddd_tasks.engine import ports
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, PortTakenError
from ddd_tasks.project import Project

ADDRESS = "127.0.0.1"
# Below the range that Linux takes for outgoing connections.
_FIRST, _LAST = 20000, 32767


def candidates(engine: Engine, project: Project, service: str, usual: int, named: int = 0) -> Iterator[int]:
    """Free ports, the likeliest first: the named one alone, else the remembered, the usual, and others.

    Raises PortTakenError with its holder where the named one is taken, ConfigError where it is no port.
    """
    if named:
        if not 0 < named < 65536:
            cause = "a port is a number from 1 to 65535"
            raise ConfigError(f"--port was given {named}", cause=cause, hint=f"ddd debug.attach --service {service}")
        if held := ports.holder(engine, ADDRESS, named):
            raise PortTakenError(f"port {named} is taken", cause=f"{held.what} has it", hint=held.hint)
        yield named
        return
    remembered = recall(project).get(service, 0)
    others = {port for name, port in recall(project).items() if name != service}
    with ledger.opened() as taken:
        others |= {int(port) for port, at in taken["ports"].items() if at != str(project.directory)}
    for port in filter(None, dict.fromkeys((remembered, usual, *_free(project, service)))):
        if port not in others and ports.holder(engine, ADDRESS, port) is None:
            if port not in (remembered, usual):
                console.note(f"port {usual} is taken: the debugger of service {service!r} is on port {port}")
            yield port


def recall(project: Project) -> dict[str, int]:
    """Service -> its port, as remembered."""
    stored = notebook.read(project.private / "debug.json").get("ports")
    return {str(name): port for name, port in stored.items() if type(port) is int} if isinstance(stored, dict) else {}


def remember(project: Project, service: str, port: int) -> None:
    """Have the next debugger of this service get the same port, and those of other checkouts another one.

    An editor's entry names the port: it has to be the service's own also while no debugger is there.
    """
    known, here = recall(project), str(project.directory)
    if known.get(service) != port:
        file = project.private / "debug.json"
        notebook.write(file, {**notebook.read(file), "ports": {**known, service: port}})
    with ledger.opened() as taken:
        before = str(known.get(service, port))
        if taken["ports"].get(before) == here:
            del taken["ports"][before]
        taken["ports"].setdefault(str(port), here)


def _free(project: Project, service: str) -> Iterator[int]:
    """All ports, beginning somewhere that depends on the checkout and the service."""
    size = _LAST - _FIRST + 1
    start = crc32(f"{project.directory} debug {service}".encode())
    yield from (_FIRST + (start + offset) % size for offset in range(size))
