"""Tasks at the top about all of it: how the project is, and what keeps it from working."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console
from ddd_tasks import project as projects
from ddd_tasks.tasks.surface import JSON_HELP, leave, task


@task(name="doctor", help={"fix": "Run the fixes that take nothing from anybody.", "json": JSON_HELP})
def doctor(_c: Context, fix: bool = False, json: bool = False) -> None:
    """Say what keeps this machine or project from working.

    Each warning and problem comes with why it matters and the command that
    mends it. The exit status is 1 where there is a problem.
    """
    from ddd_tasks import doctor as doctors

    findings = doctors.examine(Path.cwd())
    if fix:
        findings = doctors.repair(findings, Path.cwd())
    if json:
        console.result_json([one.as_dict() for one in findings])
    else:
        console.table(doctors.COLUMNS, [one.cells for one in findings])
        for one in findings:
            if one.state != doctors.OK:
                console.note("\n" + "\n".join(one.lines()))
    leave(int(doctors.has_problem(findings)))


@task(name="status", help={"watch": "Anew each second, until Ctrl-C.", "json": JSON_HELP})
def status(_c: Context, watch: bool = False, json: bool = False) -> None:
    """Show the services: health, URLs, debugger, usage.

    Also what restarts the code after a save, whether Prometheus scrapes it,
    and the last lines of those that have failed. --watch --json is a line of
    JSON each second.
    """
    from ddd_tasks import status as overview

    project = projects.load(Path.cwd())
    if json and watch:
        for rows in overview.watch(project):
            console.result_json([row.as_dict() for row in rows], is_line=True)
    elif json:
        console.result_json([row.as_dict() for row in overview.once(project)])
    else:
        overview.show(project, is_live=watch)


@task(name="completion", positional=["shell"], help={"shell": "bash, zsh or fish."})
def completion(_c: Context, shell: str) -> None:
    """Print what makes a shell complete ddd and inv.

    In ~/.bashrc or ~/.zshrc: eval "$(ddd completion bash)", or zsh; for fish:
    ddd completion fish > ~/.config/fish/conf.d/ddd.fish
    """
    from ddd_tasks import completions

    console.result(completions.script(shell).rstrip())


@task(name="report")
def report(_c: Context) -> None:
    """Print what an issue tracker needs, without secrets.

    Versions, what doctor finds, the Compose configuration with its values
    masked, and the last lines of services that have failed. Read it before
    you post it.
    """
    from ddd_tasks import report as reports

    console.result(reports.text(Path.cwd()))
