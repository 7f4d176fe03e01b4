"""The `profile` collection: where a running service spends its time, without a change to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ddd_tasks import console, paths
from ddd_tasks import project as projects
from ddd_tasks.project import Project, Service
from ddd_tasks.tasks.surface import JSON_HELP, SERVICE_HELP, task

if TYPE_CHECKING:
    from ddd_tasks.profiling.sampling import Report


def _project() -> Project:
    return projects.load(Path.cwd())


def _service(project: Project, name: str | None) -> Service:
    return paths.service_here(project, Path.cwd(), name)


def _show(report: Report | None, json: bool) -> None:
    """A profile that was made; nothing after a dry run."""
    from ddd_tasks.profiling import summary

    if report and json:
        console.result_json(report.as_dict())
    elif report:
        console.table(summary.COLUMNS, report.cells(Path.cwd()))
        console.note(report.line)
        _show_load(report.artefact.meta.get("load"))


def _show_load(load: Mapping[str, Any] | None) -> None:
    """What requests took without the profiler and with it, where some were sent."""
    from ddd_tasks.profiling.load import latency

    if load:
        console.table(latency.COLUMNS, latency.rows(load))
        for remark in latency.remarks(load):
            console.note(remark)


@task(
    help={
        "service": SERVICE_HELP,
        "seconds": "How long to sample; Ctrl-C ends it early.",
        "rate": "Samples a second, up to 1000.",
        "native": "With the stacks of C code; the process stands still for each sample.",
        "load": "Send requests meanwhile: a path as /work?n=3, or http://SERVICE:PORT/PATH.",
        "rps": "Requests a second with --load, up to 1000 (default: 20).",
        "json": JSON_HELP,
    }
)
def cpu(
    c: Context,  # noqa: ARG001
    service: str | None = None,
    seconds: int = 10,
    rate: int = 100,
    native: bool = False,
    load: str | None = None,
    rps: str | None = None,
    json: bool = False,
) -> None:
    """Sample where a running service spends its time.

    The service is not restarted or changed. The hottest functions are shown,
    and a flame graph is kept below .ddd/profiles. With --load, it is shown
    what requests take without the profiler and with it.
    """
    from ddd_tasks.profiling import sampling
    from ddd_tasks.profiling import wanted as asked
    from ddd_tasks.profiling.load import wanted as traffic

    wanted, sent = asked.checked(seconds, rate, native=native), traffic.checked(load, rps)
    project = _project()
    _show(sampling.record(project, _service(project, service), sampling.CPU, wanted, sent), json)


@task(
    help={
        "service": SERVICE_HELP,
        "seconds": "How long to follow it; Ctrl-C ends it early.",
        "json": JSON_HELP,
    }
)
def memory(c: Context, service: str | None = None, seconds: int = 10, json: bool = False) -> None:  # noqa: ARG001
    """Show which code holds on to memory it allocates.

    What is allocated from now on is followed for some seconds; what is still
    in use at their end is shown by the function that allocated it: a leak, a
    cache that grows, or a request that is not over. The service is not
    restarted, but is slower meanwhile. Of .NET, what was freed is in it, too.
    """
    from ddd_tasks.profiling import sampling
    from ddd_tasks.profiling import wanted as asked

    wanted = asked.checked(seconds, asked.RATE, native=False, task="profile.memory")
    project = _project()
    _show(sampling.record(project, _service(project, service), sampling.MEMORY, wanted), json)


@task(
    help={
        "service": SERVICE_HELP,
        "rate": "Samples a second, up to 1000.",
        "seconds": "How long, where the output is no terminal or with --json.",
        "json": JSON_HELP,
    }
)
def top(c: Context, service: str | None = None, rate: int = 100, seconds: int = 10, json: bool = False) -> None:  # noqa: ARG001
    """Show live which functions a service spends its time in.

    For the last five seconds, self and total are shares of one core; the
    seconds are those since the start. q ends it. Nothing is written.
    """
    from ddd_tasks.profiling import top as live
    from ddd_tasks.profiling import wanted as asked

    wanted = asked.checked(seconds, rate, native=False, task="profile.top")
    project = _project()
    live.show(project, _service(project, service), wanted, json=json)


@task(
    help={
        "service": SERVICE_HELP,
        "locals": "With local variables, which may hold secrets.",
        "json": JSON_HELP,
    }
)
def dump(c: Context, service: str | None = None, locals: bool = False, json: bool = False) -> None:  # noqa: A002, ARG001
    """Show what each thread of a service does right now.

    It stands still for some milliseconds.
    """
    from ddd_tasks.profiling import dumping

    project = _project()
    threads = dumping.threads(project, _service(project, service), with_locals=locals)
    if threads is not None and json:
        console.result_json([thread.as_dict() for thread in threads])
    elif threads is not None:
        console.result("\n".join(line for thread in threads for line in thread.lines()))


@task(
    positional=["before", "after"],
    help={
        "before": "SERVICE/TIME of profile.list, a service for its newest, latest or previous.",
        "after": "The later one, named the same way.",
        "absolute": "Compare what each takes in a second instead of its share: for the same load.",
        "open": "Open the page in a browser.",
        "json": JSON_HELP,
    },
)
def diff(
    c: Context,  # noqa: ARG001
    before: str,
    after: str,
    absolute: bool = False,
    open: bool = False,  # noqa: A002
    json: bool = False,
) -> None:
    """Compare two profiles: what takes more, and what less.

    The last two are `profile.diff previous latest`. A flame graph in red and
    blue is kept with the later one.
    """
    from ddd_tasks.profiling import comparison

    found = comparison.compare(_project(), before, after, absolute=absolute)
    if json:
        console.result_json(found.as_dict())
    else:
        console.table(comparison.COLUMNS, [row.cells(Path.cwd()) for row in found.notable])
        for line in found.lines:
            console.note(line)
    if open:
        import webbrowser

        webbrowser.open(found.page.as_uri())


@task(name="list", help={"service": "Only this service or session (default: all).", "json": JSON_HELP})
def list_(c: Context, service: str | None = None, json: bool = False) -> None:  # noqa: ARG001
    """List the profiles that were made, the newest last."""
    from ddd_tasks.profiling import artefacts

    found = artefacts.listed(_project(), service)
    if json:
        console.result_json([one.as_dict() for one in found])
    else:
        console.table(artefacts.COLUMNS, [one.row for one in found])


@task(
    name="open",
    help={
        "profile": "SERVICE/TIME of profile.list, a service for its newest, latest or previous.",
        "print": "Print the path and open nothing.",
    },
)
def open_(c: Context, profile: str = "latest", print: bool = False) -> None:  # noqa: A002, ARG001
    """Open the flame graph of a profile in a browser."""
    from ddd_tasks.profiling import artefacts

    page = artefacts.find(_project(), profile).folder / artefacts.FLAMEGRAPH
    console.result(str(page))
    if not print:
        import webbrowser

        webbrowser.open(page.as_uri())
