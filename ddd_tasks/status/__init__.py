"""One screen about a project: how its services are, where they answer, what watches and debugs them, what they use."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

from ddd_tasks import console, services
from ddd_tasks.debugging import sidecar
from ddd_tasks.engine import terminal
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.errors import DddError, NotRunningError
from ddd_tasks.monitoring import stack, stats
from ddd_tasks.monitoring.api import Prometheus
from ddd_tasks.monitoring.usage import Usage
from ddd_tasks.project import Project
from ddd_tasks.status import container
from ddd_tasks.status.container import Around
from ddd_tasks.status.row import Row, columns, last_words

_GONE = (404, 409)
# An engine that says nothing for so long is told as one that does not answer, instead of an empty screen.
_SECONDS = 10.0


def once(project: Project) -> list[Row]:
    """How everything is now, measured over about a second; a service without a container has a row, too.

    Raises EngineError, also when the engine says nothing for 10 s.
    """
    with closing(Engine.connect(seconds=_SECONDS)) as engine:
        try:
            used = _by_container(stats.once(project, seconds=_SECONDS))
        except NotRunningError:
            used = {}
        return rows(engine, project, used)


def watch(project: Project) -> Iterator[list[Row]]:
    """The same again and again, about a second apart, also while nothing runs. Raises as once does."""
    with closing(Engine.connect(seconds=_SECONDS)) as engine:
        while True:
            try:
                for found in stats.watch(project, seconds=_SECONDS):
                    yield rows(engine, project, _by_container(found))
            except NotRunningError:
                yield rows(engine, project, {})
                time.sleep(1)


def show(project: Project, *, is_live: bool) -> None:
    """Print the table; live: anew each second until Ctrl-C, where there is a terminal."""
    size = terminal.size()
    if not (is_live and size):
        found = once(project)
        console.table(columns(size), [row.cells(is_short=bool(size)) for row in found])
        for line in last_words(found):
            console.result(line)
        return
    with console.live_table() as draw:
        for found in watch(project):
            draw(columns(terminal.size()), [row.cells(is_short=True) for row in found], below=last_words(found))


def rows(engine: Engine, project: Project, used: Mapping[str, Usage]) -> list[Row]:
    """A row for each container, then for each service that has none. used: by the container's name."""
    states = services.states(engine, project)
    around = Around(frozenset(sidecar.names(engine, project)), _scraped(engine, project), used)
    counts = Counter(state.service for state in states)
    found = []
    for state in states:
        with _unless_gone():
            row = container.row(engine, project, state, around)
            found.append(row if counts[state.service] == 1 else _numbered(project, row))
    there = {row.service for row in found}
    return found + [container.without(service) for name, service in project.services.items() if name not in there]


def _by_container(found: list[Usage]) -> dict[str, Usage]:
    return {one.container: one for one in found}


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Do without a container that was taken away since it was listed."""
    try:
        yield
    except ApiError as error:
        if error.status not in _GONE:
            raise


def _numbered(project: Project, row: Row) -> Row:
    return row._replace(name=row.container.removeprefix(f"{project.name}-"))


def _scraped(engine: Engine, project: Project) -> dict[str, str]:
    """The state of each scrape target by its container's name; {} where no Prometheus runs."""
    with suppress(DddError):
        if found := stack.running(engine, project):
            targets = Prometheus(found.url, seconds=1.0).targets()
            return {one.instance.rpartition(":")[0]: one.health for one in targets}
    return {}
