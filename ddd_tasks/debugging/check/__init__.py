"""The proof that a line of the host can be debugged: attached, set, triggered, hit, as an editor would do it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ddd_tasks import console, ledger, services
from ddd_tasks.debugging import attach as attaching
from ddd_tasks.debugging import sidecar
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.check import links
from ddd_tasks.debugging.check.expectation import Expectation, Outcome
from ddd_tasks.debugging.check.place import Place, short
from ddd_tasks.debugging.check.report import ATTACH, EXPECTATION, HIT, LISTENING, CheckError, Report
from ddd_tasks.debugging.check.trigger import Command, Nothing, Request, Trigger
from ddd_tasks.debugging.clients import opening
from ddd_tasks.debugging.clients.base import Client, Stop
from ddd_tasks.debugging.clients.errors import AttachError, DebuggerError, EvaluationError, NotListeningError
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ConfigError
from ddd_tasks.language import PathMapping
from ddd_tasks.project import Project, Service

_SECONDS = 10.0
_SECONDS_BY_HAND = 60.0


class Wanted(NamedTuple):
    """What to prove. request: a URL, or a path of the service's first one; run: a command line; "" for neither.

    mappings: to be used in place of those that are found, if any. seconds: until the hit, 0 for the usual.
    """

    place: Place
    request: str = ""
    run: str = ""
    expectations: Sequence[Expectation] = ()
    mappings: Sequence[PathMapping] = ()
    seconds: float = 0

    @property
    def patience(self) -> float:
        """Seconds until the breakpoint has to be hit."""
        return self.seconds or (_SECONDS if self.request or self.run else _SECONDS_BY_HAND)

    def refuse(self) -> None:
        """Raise ConfigError for what cannot be meant."""
        example = "ddd debug.check --break FILE:LINE --request /"
        if self.request and self.run:
            cause = f"--request was given {self.request!r} and --run {self.run!r}: one of them reaches the line"
            raise ConfigError("both --request and --run were given", cause=cause, hint=example)
        if self.seconds < 0:
            raise ConfigError(f"--timeout was given {self.seconds:g}", cause="it is a number of seconds", hint=example)
        if self.request and not self.request.startswith(("/", "http://", "https://")):
            cause = "it has to be a path such as /, or a URL that begins with http:// or https://"
            raise ConfigError(f"--request was given {self.request!r}", cause=cause, hint=example)
        try:
            shlex.split(self.run)
        except ValueError as error:
            raise ConfigError(f"--run was given {self.run!r}", cause=str(error), hint=example) from error


def mapping(text: str) -> PathMapping:
    """The value of --map, HOST=CONTAINER. Raises ConfigError."""
    local, _, remote = text.rpartition("=")
    folder = Path(os.path.normpath(Path.cwd() / Path(local).expanduser()))
    if not local or not remote or not folder.exists():
        cause = f"there is no {folder}" if local and remote else "it has to be HOST=CONTAINER, two folders"
        hint = "ddd debug.check --break FILE:LINE --map .=/app"
        raise ConfigError(f"--map was given {text!r}", cause=cause, hint=hint)
    return PathMapping(folder, remote.rstrip("/") or "/")


def run(project: Project, service: Service, wanted: Wanted) -> Report:
    """Attach, set the breakpoint, trigger it and look at what is there; then leave things as they were.

    Raises CheckError that names the broken link, and what debug.attach raises. A debugger that was brought to the
    service for this is taken away again.
    """
    wanted.refuse()
    name = f"check-{crc32(str(project.directory).encode()):08x}-{service.name}"
    waiting = f"another debug.check is at work on service {service.name!r}: waiting for it"
    with ledger.alone(name, waiting=waiting), closing(Engine.connect()) as engine:
        had_debugger = service.name in sidecar.names(engine, project)
        try:
            attachment = attaching.attach(project, service)
            return _proof(engine, project, attachment, wanted)
        finally:
            if not had_debugger:
                sidecar.remove(engine, project, service.name)


def _proof(engine: Engine, project: Project, attachment: Attachment, wanted: Wanted) -> Report:
    mappings = tuple(wanted.mappings) or attachment.mappings
    report = Report(attachment.service, wanted.place)
    remote = links.remote_of(mappings, wanted.place)
    trigger = _trigger(engine, project, attachment, wanted)
    client = _client(attachment, mappings, report)
    try:
        subject = links.Subject(engine, client, attachment, mappings, remote, report)
        _hit(subject, trigger, wanted)
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


def _hit(subject: links.Subject, trigger: Trigger, wanted: Wanted) -> None:
    """Fill the report. Raises CheckError."""
    client, report = subject.client, subject.report
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
        raise _disappointed(report)


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


def _disappointed(report: Report) -> CheckError:
    """The error for expectations that are not true."""
    wrong = [one for one in report.outcomes if not one.is_true]
    said = [
        f"{one.expectation.expression} cannot be evaluated: {one.cause}"
        if one.cause
        else f"{one.expectation.expression} is {one.got}, not {one.expectation.value}"
        for one in wrong
    ]
    what = f"{report.place.shown} was hit, but {len(wrong)} of {len(report.outcomes)} expectations are not true"
    retry = f"ddd debug.check --service {report.service} --break {shlex.quote(report.place.shown)}"
    return CheckError(EXPECTATION, report, what, cause="\n".join(said), hint=retry)


def _trigger(engine: Engine, project: Project, attachment: Attachment, wanted: Wanted) -> Trigger:
    """Raises ConfigError for a path where the service publishes no port for requests."""
    if wanted.run:
        return Command(shlex.split(wanted.run))
    if not wanted.request:
        return Nothing(wanted.place.shown, wanted.patience)
    if not wanted.request.startswith("/"):
        return Request(wanted.request, wanted.patience)
    # A request to the debugger's own port would break it.
    urls = services.urls(engine, project, project.service(attachment.service))
    fitting = [url for url in urls if url.startswith("http") and not url.endswith(f":{attachment.port}")]
    if not fitting:
        raise ConfigError(
            f"service {attachment.service!r} publishes no port that takes requests",
            cause=f"its ports are {', '.join(urls)}",
            hint="ddd debug.check --break FILE:LINE --run 'COMMAND'",
        )
    return Request(fitting[0] + wanted.request, wanted.patience)
