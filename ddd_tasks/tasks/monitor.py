"""The `monitor` collection: Prometheus beside the services, and dashboards from what they really expose.

What only some tasks need is imported by those: `inv --list` would pay for it.
"""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, paths, process
from ddd_tasks import project as projects
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Project
from ddd_tasks.tasks.surface import JSON_HELP, SERVICE_HELP, checked_tail, leave, task


def _project() -> Project:
    return projects.load(Path.cwd())


@task(
    help={
        "grafana": "With Grafana; its image is pulled where it is not here.",
        "no_grafana": "Without Grafana (default: with it where its image is here, or x-ddd names one).",
        "json": JSON_HELP,
    }
)
def up(c: Context, grafana: bool = False, no_grafana: bool = False, json: bool = False) -> None:  # noqa: ARG001
    """Start Prometheus and the page of dashboards.

    It scrapes the running services that say they have metrics, in x-ddd or by
    the label prometheus.io/scrape.
    """
    from ddd_tasks.monitoring import boards, stack

    if grafana and no_grafana:
        raise ConfigError("--grafana and --no-grafana were given", cause="only one can hold", hint="ddd monitor.up")
    project = _project()
    running, found = stack.up(project, with_grafana=False if no_grafana else grafana or None)
    if process.is_dry():
        return
    for name, why in found.unreachable:
        console.warning(f"service {name!r} is not scraped: {why}")
    made = boards.place(project, found.services)
    other = stack.grafana_url(project)
    if json:
        urls = {"url": running.url, "page": running.page, "grafana": other}
        console.result_json({**urls, "services": found.services})
    else:
        console.table(("service", "containers", "dashboard"), boards.rows(found, made))
        console.note(f"page: {running.page}" + (f"\nGrafana: {other}" if other else ""))


@task(help={"volumes": "Remove what was measured as well."})
def down(c: Context, volumes: bool = False) -> None:  # noqa: ARG001
    """Take Prometheus away; the services run on."""
    from ddd_tasks.monitoring import stack

    if not stack.down(_project(), volumes=volumes):
        console.note("no Prometheus ran here")


@task(name="open", help={"print": "Print the URL and open nothing."})
def open_(c: Context, print: bool = False) -> None:  # noqa: ARG001, A002
    """Open the dashboards in a browser: Grafana, or our page."""
    from ddd_tasks.monitoring import stack

    project = _project()
    page = stack.require(project).page
    page = stack.grafana_url(project) or page
    console.result(page)
    if not print:
        import webbrowser

        webbrowser.open(page)


@task(help={"service": "Only this service.", "json": JSON_HELP})
def targets(c: Context, service: str | None = None, json: bool = False) -> None:  # noqa: ARG001
    """Show what is scraped, and why what is not is not."""
    from ddd_tasks.monitoring import scrapes

    project = _project()
    rows = scrapes.look(project, project.service(service).name if service else "")
    if json:
        console.result_json([row.as_dict() for row in rows])
    else:
        console.table(scrapes.COLUMNS, [row.cells for row in rows])
    leave(int(any(row.is_down for row in rows)))


@task()
def reload(c: Context) -> None:  # noqa: ARG001
    """Have Prometheus read rules, targets and boards anew.

    Rules are those of ddd-tasks and the project's own, monitor/rules/*.yml. A
    rule that is wrong is refused, and what was in force stays so.
    """
    from ddd_tasks.monitoring import reload as reloading

    found = reloading.reload(_project())
    if not process.is_dry():
        console.note(f"Prometheus has taken the configuration; targets: {len(found.targets)}")


@task(
    help={
        "service": "Only this service.",
        "once": "Print one table, also on a terminal.",
        "json": JSON_HELP,
    }
)
def stats(c: Context, service: str | None = None, once: bool = False, json: bool = False) -> None:  # noqa: ARG001
    """Show what each container uses: processor, memory ...

    On a terminal anew each second until Ctrl-C; elsewhere one table. 100 % of
    cpu is one processor. It asks the engine; Prometheus need not run.
    """
    from ddd_tasks.monitoring import stats as statistics

    if json:
        console.result_json([one.as_dict() for one in statistics.once(_project(), service or "")])
    else:
        statistics.show(_project(), service or "", is_live=not once)


@task(help={"follow": "Go on as new lines come.", "tail": "Lines from the end, or all."})
def logs(c: Context, follow: bool = False, tail: str = "100") -> None:  # noqa: ARG001
    """Show what Prometheus says of itself."""
    from ddd_tasks.monitoring import stack

    leave(stack.logs(_project(), follow=follow, tail=checked_tail(tail, "monitor.logs")))


@task(
    positional=["promql"],
    help={
        "promql": "The expression, in quotes.",
        "range": "Over this time until now, such as 5m, instead of now.",
        "json": JSON_HELP,
    },
)
def query(c: Context, promql: str, range: str = "", json: bool = False) -> None:  # noqa: ARG001, A002
    """Ask Prometheus for an expression in PromQL.

    Its values now, or with --range the least, the highest and the last of
    them. Where there is none, the names that were probably meant are said.
    """
    from ddd_tasks.monitoring import query as queries

    result = queries.ask(_project(), promql, range)
    if json:
        console.result_json(result.as_dict())
        return
    if result.answer.text:
        console.result(result.answer.text)
    elif result.rows:
        console.table(result.columns, result.rows)
    for note in result.notes:
        console.note(note)


@task(help={"service": "Check only this service (default: all that are scraped).", "json": JSON_HELP})
def check(c: Context, service: str | None = None, json: bool = False) -> None:  # noqa: ARG001
    """Check that each panel of the dashboards has data.

    Each is asked of the running Prometheus: it has data, is idle (it will have
    some once the service works), or is broken. The exit status is 1 where one
    is broken, a service is not scraped, Grafana would not take the file, or a
    rule is wrong.
    """
    from ddd_tasks.monitoring.check import report, run

    found = run.check(_project(), service)
    if json:
        console.result_json(found.as_dict())
    else:
        report.show(found)
    leave(int(not found.is_good))


@task(
    help={
        "service": SERVICE_HELP,
        "diff": "Show the change and write nothing; the exit status is 1 where there is one.",
        "force": "Write over a file that was edited.",
        "from_": "page or prometheus (default: the page, and Prometheus where the page cannot be reached).",
        "match": "Only metrics whose whole name matches, such as 'http_.*'; the file remembers it.",
        "json": JSON_HELP,
    }
)
def dashboard(
    c: Context,  # noqa: ARG001
    service: str | None = None,
    diff: bool = False,
    force: bool = False,
    from_: str = "",
    match: str = "",
    json: bool = False,
) -> None:
    """Write a Grafana dashboard from what a service exposes.

    The service has to run; Prometheus need not, unless the service's port is
    not published. It goes to monitor/dashboards/<service>.json.
    """
    from ddd_tasks.monitoring import dashboard as dashboards

    project = _project()
    made = dashboards.make(project, paths.service_here(project, Path.cwd(), service), source=from_, match=match)
    if not diff:
        dashboards.save(made, force=force)
    if json:
        console.result_json(made.as_dict())
    elif diff or process.is_dry():
        console.result(made.draft.diff())
    else:
        console.table(dashboards.COLUMNS, [made.row])
    for note in made.notes:
        console.note(note)
    leave(int(diff and made.draft.change != "same"))
