"""The `monitor` collection: dashboards from what a service really exposes.

What only some tasks need is imported by those: `inv --list` would pay for it.
"""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, paths, process
from ddd_tasks import project as projects
from ddd_tasks.tasks.surface import JSON_HELP, SERVICE_HELP, leave, task


@task(
    help={
        "service": SERVICE_HELP,
        "diff": "Show the change and write nothing; the exit status is 1 where there is one.",
        "force": "Write over a file that was edited.",
        "json": JSON_HELP,
    }
)
def dashboard(
    c: Context,  # noqa: ARG001
    service: str | None = None,
    diff: bool = False,
    force: bool = False,
    json: bool = False,
) -> None:
    """Write a Grafana dashboard from a service's metrics page.

    The service has to run; Prometheus does not. It goes to monitor/dashboards/<service>.json.
    """
    from ddd_tasks.monitoring import dashboard as dashboards

    project = projects.load(Path.cwd())
    made = dashboards.make(project, paths.service_here(project, Path.cwd(), service))
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
