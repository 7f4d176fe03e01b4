"""The proof that a line of the host can be debugged: attached, set, triggered, hit, as an editor would do it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from ddd_tasks import console, process, services
from ddd_tasks.debugging import attach
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.check import links, reaching
from ddd_tasks.debugging.check.expectation import Expectation, Outcome
from ddd_tasks.debugging.check.place import Place, short
from ddd_tasks.debugging.check.report import (
    ATTACH,
    EXPECTATION,
    HIT,
    LISTENING,
    CheckError,
    NoDebuggerError,
    Report,
)
from ddd_tasks.debugging.check.trigger import Command, Nothing, Request, Trigger
from ddd_tasks.debugging.check.wanted import Wanted
from ddd_tasks.debugging.clients import opening
from ddd_tasks.debugging.clients.base import Client, Stop
from ddd_tasks.debugging.clients.errors import AttachError, DebuggerError, EvaluationError, NotListeningError
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError, DddError
from ddd_tasks.language import PathMapping
from ddd_tasks.project import Project, Service


def run(project: Project, service: Service, wanted: Wanted) -> Report:
    """Attach, set the breakpoint, trigger it and look at what is there; then leave things as they were.

    Raises CheckError that names the broken link: NoDebuggerError with the exit code of what debug.attach refuses.
    A debugger that was brought to the service for this is taken away again, unless debug.attach was called meanwhile.
    """
    wanted = wanted._replace(words=wanted.words._replace(service=service.name))
    alone = attach.only_one(project, service.name, "check", "debug.check")
    with alone, closing(Engine.connect()) as engine, ExitStack() as stack:
        try:
            attachment = stack.enter_context(reaching.reached(engine, project, service))
        except DddError as error:
            raise NoDebuggerError(Report(service.name, wanted.place), error) from error
        return _proof(engine, project, attachment, wanted)


def announce(project: Project, service: Service, wanted: Wanted) -> None:
    """Print about what run would do, as commands that can be pasted where there are some. Nothing is done."""
    with closing(Engine.connect()) as engine:
        reaching.announce(engine, project, service)
        console.note(f"would attach, and set a breakpoint on {wanted.place.shown}")
        trigger = _trigger(engine, project, service, wanted)
    if trigger.command:
        process.announce(trigger.command)
    for one in wanted.expectations:
        console.note(f"would evaluate {one.expression}, which has to be {one.value}")


def _proof(engine: Engine, project: Project, attachment: Attachment, wanted: Wanted) -> Report:
    mappings = tuple(wanted.mappings) or attachment.mappings
    report = Report(attachment.service, wanted.place, notes=reaching.notes(attachment))
    remote = links.remote_of(mappings, wanted.place)
    trigger = _trigger(engine, project, project.service(attachment.service), wanted, but=attachment.port)
    client = _client(attachment, mappings, report)
    try:
        subject = links.Subject(engine, client, attachment, mappings, remote, report, wanted)
        _hit(subject, trigger)
    except DebuggerError as error:
        hint = f"ddd dev.logs --service {attachment.service} --tail 20"
        raise CheckError(HIT, report, error.what, cause=error.cause, hint=hint) from error
    finally:
        client.close()
        trigger.end()
        for note in report.notes:
            console.note(note)
    return report


def _client(attachment: Attachment, mappings: Sequence[PathMapping], report: Report) -> Client:
    try:
        return opening.connect(attachment, mappings)
    except DebuggerError as error:
        link = LISTENING if isinstance(error, NotListeningError) else ATTACH
        hint = f"ddd debug.doctor --service {attachment.service}"
        where = f"{attachment.host}:{attachment.port}"
        what = "attaching was refused" if isinstance(error, AttachError) else error.what
        raise CheckError(link, report, f"{what} ({where})", cause=error.cause or error.what, hint=hint) from error


def _hit(subject: links.Subject, trigger: Trigger) -> None:
    """Fill the report. Raises CheckError."""
    client, report, wanted = subject.client, subject.report, subject.wanted
    path, line = str(wanted.place.file), wanted.place.line
    (told,) = client.set_breakpoints(path, {line: ""})
    if problem := links.refused(subject, told):
        raise problem
    trigger.start()
    stop = _wait(client, report, wanted)
    if stop is None:
        client.set_breakpoints(path, {})
        raise links.not_hit(subject, wanted.patience, trigger.outcome())
    report.stop = stop
    report.variables = client.variables(stop.frames[0])
    report.outcomes = [_outcome(client, stop, one) for one in wanted.expectations]
    client.set_breakpoints(path, {})
    client.resume(stop)
    if any(not one.is_true for one in report.outcomes):
        raise _disappointed(report, wanted)


def _wait(client: Client, report: Report, wanted: Wanted) -> Stop | None:
    """The stop at the wanted line, or None when the time is over. The program goes on after any other stop."""
    deadline = time.monotonic() + wanted.patience
    while (stop := client.wait_for_stop(max(0.0, deadline - time.monotonic()))) is not None:
        if stop.frames and _is_at(stop, wanted.place):
            return stop
        where = f"{short(stop.place[0])}:{stop.place[1]}" if stop.frames else "a place without code"
        report.notes.append(f"the program stopped at {where} ({stop.reason}), and was told to go on")
        client.resume(stop)
    return None


def _is_at(stop: Stop, place: Place) -> bool:
    path, line = stop.place
    return line == place.line and os.path.realpath(path) == os.path.realpath(place.file)


def _outcome(client: Client, stop: Stop, one: Expectation) -> Outcome:
    try:
        got = client.evaluate(one.expression, stop.frames[0])
    except EvaluationError as error:
        return Outcome(one, is_true=False, got="", cause=error.cause or error.what)
    return Outcome(one, one.holds(got), got)


def _disappointed(report: Report, wanted: Wanted) -> CheckError:
    """The error for expectations that are not true."""
    wrong = [one for one in report.outcomes if not one.is_true]
    said = [
        f"{one.expectation.expression} cannot be evaluated: {one.cause}"
        if one.cause
        else f"{one.expectation.expression} is {one.got}, not {one.expectation.value}"
        for one in wrong
    ]
    what = f"{report.place.shown} was hit, but {len(wrong)} of {len(report.outcomes)} expectations are not true"
    return CheckError(EXPECTATION, report, what, cause="\n".join(said), hint=wanted.retry())


def _trigger(engine: Engine, project: Project, service: Service, wanted: Wanted, *, but: int = 0) -> Trigger:
    """Raises ConfigError for a path where the service publishes no port for requests but that of its debugger."""
    words = wanted.words
    if words.run:
        return Command(shlex.split(words.run))
    if not words.request:
        return Nothing(wanted.place.shown, wanted.patience)
    if not words.request.startswith("/"):
        return Request(words.request, wanted.patience)
    # A request to the debugger's own port would break it.
    urls = services.urls(engine, project, service)
    fitting = [url for url in urls if url.startswith("http") and not url.endswith(f":{but}")]
    if not fitting:
        raise ConfigError(
            f"service {service.name!r} publishes no port that takes requests",
            cause=f"its ports are {', '.join(urls)}",
            hint=words._replace(request="", run="COMMAND").command(wanted.place.shown),
        )
    return Request(fitting[0] + words.request, wanted.patience)
