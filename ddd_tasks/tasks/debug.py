"""The `debug` collection: any service under a debugger, from its debug stage or live, and the proof that it works.

What only some tasks need is imported by those: `inv --list` would pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from ddd_tasks import console, paths, process
from ddd_tasks import project as projects
from ddd_tasks.project import Project, Service
from ddd_tasks.tasks.surface import JSON_HELP, SERVICE_HELP, leave, task, words


def _project() -> Project:
    return projects.load(Path.cwd())


def _service(project: Project, name: str | None) -> Service:
    return paths.service_here(project, Path.cwd(), name)


@task(
    help={
        "service": SERVICE_HELP,
        "wait": "Stop before the first line, until a debugger comes.",
        "timeout": "Seconds until the service and what it depends on have to be healthy.",
        "json": JSON_HELP,
    }
)
def up(
    c: Context,  # noqa: ARG001
    service: str | None = None,
    wait: bool = False,
    timeout: int = 120,
    json: bool = False,
) -> None:
    """Run a service under the debugger of its debug stage.

    dev.up or debug.down brings it back to the stage that it declares.
    """
    from ddd_tasks.debugging import up as upping

    project = _project()
    made = upping.start(project, _service(project, service), waits=wait, timeout=timeout)
    if made and json:
        console.result_json(made.as_dict())
    elif made:
        console.result(made.line)


@task(help={"service": "Only this service (default: all)."})
def down(c: Context, service: str | None = None) -> None:  # noqa: ARG001
    """Bring services back from their debug stage.

    Those that debug.up started are removed. Debuggers that debug.attach
    brought are taken away, too.
    """
    from ddd_tasks.debugging import up as upping

    project = _project()
    gone = upping.stop(project, [project.service(service).name] if service else [])
    done = "would bring back" if process.is_dry() else "back"
    console.note(f"{done} from the debug stage: {', '.join(gone)}" if gone else "no service here runs its debug stage")


@task(
    help={
        "service": SERVICE_HELP,
        "port": "Host port for the debugger (default: the one it had, or the usual one).",
        "json": JSON_HELP,
    }
)
def attach(c: Context, service: str | None = None, port: int = 0, json: bool = False) -> None:  # noqa: ARG001
    """Bring a debugger to a running service and say where.

    The service is not restarted, and its image and files stay as they are.
    A debugger that it has already is used.
    """
    from ddd_tasks.debugging import attach as attaching

    project = _project()
    if process.is_dry():
        attaching.announce(project, _service(project, service), port=port)
        return
    made = attaching.attach(project, _service(project, service), port=port)
    if json:
        console.result_json(made.as_dict())
    else:
        console.result(made.line)


@task(help={"service": "Only this service (default: all)."})
def detach(c: Context, service: str | None = None) -> None:  # noqa: ARG001
    """Take away the debuggers that debug.attach brought.

    The services run on.
    """
    from ddd_tasks.debugging import attach as attaching

    project = _project()
    gone = attaching.detach(project, [project.service(service).name] if service else [])
    done = "would detach" if process.is_dry() else "detached"
    console.note(f"{done} from {', '.join(gone)}" if gone else "no debugger was brought to any service here")


@task(help={"service": "Only this service (default: all whose language is known).", "json": JSON_HELP})
def doctor(c: Context, service: str | None = None, json: bool = False) -> None:  # noqa: ARG001
    """Say what keeps a debugger away, and how to mend it.

    Ports are looked up, never connected to. The exit status is 1 where there
    is a problem.
    """
    from ddd_tasks.debugging import doctor as doctors

    project = _project()
    rows = doctors.examine(project, [project.service(service)] if service else doctors.candidates(project))
    if json:
        console.result_json([row.as_dict() for row in rows])
    else:
        console.table(doctors.COLUMNS, [row.cells for row in rows])
    leave(int(doctors.has_problem(rows)))


@task(
    help={
        "service": SERVICE_HELP,
        "root": "As root that may trace any process, instead of the service's user.",
    }
)
def toolbox(c: Context, service: str | None = None, root: bool = False) -> None:
    """Run the words after -- beside a service (ps, ss, gdb).

    They see its processes, its network and its files in a container of their
    own; without words, a shell opens. For example: ddd debug.toolbox -- ss -lnt
    """
    from ddd_tasks.debugging import shell

    project = _project()
    leave(shell.run(project, _service(project, service), words(c), as_root=root))


@task(
    help={
        "editor": "vscode, nvim, zed or jetbrains.",
        "service": "Only this service (default: all that have a debugger).",
        "devcontainer": "Write .devcontainer/devcontainer.json for the service instead.",
        "debugger": "The debugger for C#: netcoredbg or vsdbg, which only Microsoft's editors may use.",
        "json": JSON_HELP,
    }
)
def config(
    c: Context,  # noqa: ARG001
    editor: str = "vscode",
    service: str | None = None,
    devcontainer: bool = False,
    debugger: str = "",
    json: bool = False,
) -> None:
    """Write the configuration of an editor.

    One entry per service, which runs debug.attach first. What else is in a
    file stays as it is, comments too.
    """
    from ddd_tasks.debugging import editors

    project, chosen = _project(), editors.get(editor)
    if devcontainer:
        result = editors.container(project, _service(project, service))
    else:
        wanted = [project.service(service)] if service else list(project.services.values())
        result = editors.configure(project, wanted, chosen, is_all=not service, debugger=debugger)
    for draft in result.drafts if process.is_dry() else ():
        console.note(editors.diff(draft))
    if json:
        console.result_json(editors.as_dict(result, editor))
    else:
        console.table(("file", "entry", "change"), editors.rows(result, Path.cwd()))
        for note in result.notes:
            console.note(note)


@task(
    iterable=["expect", "map"],
    help={
        "service": SERVICE_HELP,
        "break": "FILE:LINE of yours.",
        "request": "URL, or path of the service's first URL, whose request reaches the line.",
        "run": "Command line whose program reaches the line.",
        "expect": "EXPR == VALUE at the line, EXPR in the language's words (repeatable).",
        "map": "HOST=CONTAINER, in place of the path mappings that are found (repeatable).",
        "timeout": "Seconds until the line has to be reached (default: 10, or 60 when you make it run).",
        "json": JSON_HELP,
    },
)
def check(
    c: Context,  # noqa: ARG001
    break_: str = "",
    service: str | None = None,
    request: str = "",
    run: str = "",
    expect: Sequence[str] | None = None,
    map: Sequence[str] | None = None,  # noqa: A002 - the flag's name
    timeout: float = 0.0,
    json: bool = False,
) -> None:
    """Prove that a breakpoint on a line of yours is hit.

    It attaches as an editor does, sets the breakpoint, shows stack and locals,
    and lets the program go on. The exit status is 1 where it is not hit or an
    expectation is not true; then it says which link is broken.
    """
    from ddd_tasks.debugging import check as checking
    from ddd_tasks.debugging.check import wanted as asked

    wanted = asked.parse(break_, asked.Words(service or "", request, run, expect or (), map or (), timeout))
    project = _project()
    if process.is_dry():
        checking.announce(project, _service(project, service), wanted)
        return
    report = checking.run(project, _service(project, service), wanted)
    if json:
        console.result_json(report.as_dict())
    else:
        console.result("\n".join(report.lines()))
