"""The `stage` collection: the stages of a Dockerfile, their images and layers."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ddd_tasks import console
from ddd_tasks.tasks.surface import JSON_HELP, leave, task

_SERVICE = {"service": "The service whose Dockerfile it is (default: the only one that is built)."}
_LIST = ("stage", "base", "for", "size", "session")
_LAYERS = ("line", "stage", "instruction", "took", "layer", "size", "because")
_DIFF = ("only in", "kind", "name", "version", "size")
_FOUND = ("where", "level", "rule", "message")


@task(name="list", help={**_SERVICE, "json": JSON_HELP})
def list_(_c: Context, service: str | None = None, json: bool = False) -> None:
    """Show the stages: base, purpose, size, sessions."""
    from ddd_tasks.stages import building, listing

    rows = listing.rows(building.source(Path.cwd(), service), service)
    if json:
        console.result_json([row.as_dict() for row in rows])
    else:
        console.table(_LIST, [row.row for row in rows])


@task(
    help={
        "stage": "Only this stage; repeatable.",
        **_SERVICE,
        "no_cache": "Build every layer again.",
        "json": JSON_HELP,
    },
    iterable=["stage"],
)
def build(
    _c: Context,
    stage: list[str] = [],  # noqa: B006
    service: str | None = None,
    no_cache: bool = False,
    json: bool = False,
) -> None:
    """Build stages and record how it went.

    Without --stage, all that have a name. stage.layers shows the record.
    """
    from ddd_tasks.stages import building

    origin = building.source(Path.cwd(), service)
    made = []
    for result in building.build(origin, stage, service=service, no_cache=no_cache):
        made.append(result)
        if not json:
            console.note(result.line)
    if json:
        console.result_json([result.as_dict() for result in made])


@task(
    help={
        "stage": "The stage (default: all that the last build had).",
        **_SERVICE,
        "svg": "Write it as a picture to this file.",
        "json": JSON_HELP,
    }
)
def layers(
    _c: Context, stage: str | None = None, service: str | None = None, svg: str | None = None, json: bool = False
) -> None:
    """Show the last build's layers, and what rebuilt each.

    Time, size, whether it was cached, and which file, value or instruction made the first one run again.
    """
    from ddd_tasks.stages import building, picture
    from ddd_tasks.stages import layers as last

    report = last.report(building.source(Path.cwd(), service), stage)
    if svg:
        picture.write(report, Path(svg))
        console.note(f"written: {svg}")
    if json:
        console.result_json(report.as_dict())
    elif not svg:
        console.table(_LAYERS, [layer.row for layer in report.layers])
        console.note("\n".join(line for line in (report.summary, report.invalidated) if line))


@task(
    help={
        "one": "A stage.",
        "other": "The stage to compare it with.",
        **_SERVICE,
        "limit": "Rows of each kind, 0 for all.",
        "json": JSON_HELP,
    }
)
def diff(_c: Context, one: str, other: str, service: str | None = None, limit: int = 20, json: bool = False) -> None:
    """Show packages and files that only one of two images has.

    Both stages have to be built. The largest come first.
    """
    from ddd_tasks.stages import building, difference

    report = difference.compare(building.source(Path.cwd(), service), one, other, service)
    if json:
        console.result_json(report.as_dict(limit))
        return
    for what, rows in (("package", report.packages), ("file", report.files)):
        if rows:
            console.table(_DIFF, [row.row for row in rows[: limit or None]])
        else:
            console.note(f"each {what} of one is in the other, too")
        if 0 < limit < len(rows):
            console.note(f"and {len(rows) - limit} more, {difference.total(rows[limit:])}; --limit 0 shows all")
    console.note(report.summary)


@task(
    help={"file": "This Dockerfile instead; repeatable.", **_SERVICE, "json": JSON_HELP},
    iterable=["file"],
)
def lint(
    _c: Context,
    file: list[str] = [],  # noqa: B006
    service: str | None = None,
    json: bool = False,
) -> None:
    """Check Dockerfiles with hadolint and our own rules.

    It ends with 1 where something is wrong at the level error. `# hadolint ignore=RULE` above an instruction ignores
    one of its rules, or of ours.
    """
    from ddd_tasks.stages import lint as linting

    chosen = linting.subjects(Path.cwd(), file, service)
    problems = linting.check(chosen, Path.cwd())
    if json:
        console.result_json([problem.as_dict() for problem in problems])
    elif problems:
        console.table(_FOUND, [problem.row for problem in problems])
    else:
        console.note(f"nothing found in {', '.join(str(subject.file) for subject in chosen)}")
    if not linting.program():
        console.note(f"hadolint is not installed, so only our own rules were checked; to have it: {linting.INSTALL}")
    leave(int(any(problem.is_error for problem in problems)))
