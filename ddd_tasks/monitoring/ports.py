"""The ports of this machine that lead to Prometheus and Grafana: the same at each start, where they are free."""

from __future__ import annotations

from collections.abc import Collection

from ddd_tasks import ledger, notebook, portbook
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import PortTakenError
from ddd_tasks.project import Project


def choose(engine: Engine, project: Project, key: str, usual: int, ours: Collection[str]) -> int:
    """The port that it had, its usual one, or another that is free, remembered under this key of .ddd/monitor.json.

    ours: ids of the containers that may hold theirs already. Raises PortTakenError where none is free.
    """
    file = project.private / "monitor.json"
    memory = notebook.read(file)
    known = memory.get(key)
    remembered = known if type(known) is int else 0
    others = [port for name, port in memory.items() if name != key and type(port) is int]
    purpose = "monitor" if key == "port" else f"monitor {key}"
    port = next(portbook.free(engine, project, purpose, (remembered, usual), others, ours=ours), 0)
    if not port:
        raise PortTakenError(
            f"no port of this machine is free for the {purpose} of {project.name!r}",
            cause="all that ddd-tasks may take are taken",
            hint="ddd engine.info",
        )
    with ledger.opened() as taken:
        portbook.take(taken, project, port, remembered or port)
    notebook.write(file, {**memory, key: port})
    return port
