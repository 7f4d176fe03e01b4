"""Python: py-spy, in a container beside the service that is the service's user. The process does not stand still."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from ddd_tasks import console, process
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import DddError, EngineError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.dumping import Thread
from ddd_tasks.profiling.samplers import program, pyspy, subject
from ddd_tasks.profiling.samplers.memray import memory as memory
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

_FILE = "/tmp/py-spy.speedscope.json"
_TO_STDOUT = f'"$@" >&2 && cat {_FILE}'
# Arguments of setpriv, which the tracer is. Not tested: no kernel with Yama is at hand.
_WITH_TRACING = ("--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace", "--")


def cpu(engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted) -> Recorded | None:
    """What the service does on the CPU for so long, its child processes too; None in a dry run.

    Ctrl-C ends it early, and what was sampled counts. Raises NotRunningError where nothing was at work or the service
    ended, UnsupportedError where the kernel lets nobody in, EngineError.
    """
    allowed = rights.of(engine, found, language.debug)
    pid = subject.pid(found, language)
    argv = _argv(pid, wanted)
    if process.is_dry():
        subject.announce(project, found, _image(found, language), allowed, [*_tracer(allowed), *argv])
        return None
    image = toolbox.ensure(engine, project, language.name, toolbox.python_of(found, language))
    began = time.monotonic()
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            began = time.monotonic()
            what = f"sample {found.service.name}, {wanted.seconds} s at {wanted.rate} Hz"
            ran = program.run(engine, found, container, [*_tracer(allowed), *argv], what, wanted.seconds)
            seconds = min(time.monotonic() - began, wanted.seconds)
            ran = _explained(engine, container, allowed, pid, ran)
            native = b"" if ran.status else program.written(engine, found, container, _FILE)
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    if ran.status:
        raise _refusal(engine, found, allowed, ran)
    return _recorded(found, wanted, native, (ran.stdout + ran.stderr).decode(errors="replace"), seconds)


@contextmanager
def windows(
    engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted
) -> Iterator[Callable[[], Profile]]:
    """A function for what the service does on the CPU in the next second; nothing at work is no error.

    One container is there for all of them. Raises as cpu does.
    """
    allowed = rights.of(engine, found, language.debug)
    pid = subject.pid(found, language)
    argv = ["sh", "-c", _TO_STDOUT, "sh", *_tracer(allowed), *_argv(pid, wanted._replace(seconds=1))]
    image = toolbox.ensure(engine, project, language.name, toolbox.python_of(found, language))

    def window() -> Profile:
        try:
            with closing(Engine.connect()) as own:
                ran = execs.capture(own, container, argv)
                ran = _explained(own, container, allowed, pid, ran)
                if ran.status:
                    raise _refusal(own, found, allowed, ran)
        except DddError as error:
            raise target.gone(engine, found, program.MEANWHILE) or error from error
        seen = _stacks(found, ran.stdout, said := ran.stderr.decode(errors="replace"))[1]
        return Profile("python", SAMPLES, wanted.rate, 1.0, pyspy.lost(said), seen)

    with shell.container(engine, project, found, allowed, image) as container:
        yield window


def dump(
    engine: Engine, project: Project, found: Target, language: Language, *, with_locals: bool
) -> list[Thread] | None:
    """What each thread does at this moment; None in a dry run.

    The process stands still for some milliseconds. Raises as cpu does.
    """
    allowed = rights.of(engine, found, language.debug)
    argv = ["py-spy", "dump", "--json", "--subprocesses", "--pid", str(subject.pid(found, language))]
    argv += ["--locals"] if with_locals else []
    if process.is_dry():
        subject.announce(project, found, _image(found, language), allowed, [*_tracer(allowed), *argv])
        return None
    image = toolbox.ensure(engine, project, language.name, toolbox.python_of(found, language))
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            ran = execs.capture(engine, container, [*_tracer(allowed), *argv])
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    if ran.status:
        raise _refusal(engine, found, allowed, ran)
    return pyspy.threads(json.loads(ran.stdout))


def _argv(pid: int, wanted: Wanted) -> list[str]:
    # Stacks of C need a process that stands still; for others py-spy reads while it goes on.
    how = "--native" if wanted.native else "--nonblocking"
    words = ["py-spy", "record", "--pid", str(pid), "--duration", str(wanted.seconds), "--rate", str(wanted.rate)]
    return [*words, how, "--subprocesses", "--full-filenames", "--format", "speedscope", "--output", _FILE]


def _explained(engine: Engine, container: str, allowed: Rights, pid: int, ran: Captured) -> Captured:
    """The run; one that hides why it has failed with the words of a dump, where that fails, too."""
    if not ran.status or not pyspy.is_vague(ran.stderr.decode(errors="replace")):
        return ran
    looked = execs.capture(engine, container, [*_tracer(allowed), "py-spy", "dump", "--pid", str(pid)])
    return looked if looked.status else ran


def _image(found: Target, language: Language) -> str:
    return toolbox.image(language.name, toolbox.python_of(found, language))


def _tracer(allowed: Rights) -> list[str]:
    return [rights.TRACER, *_WITH_TRACING] if allowed.reason else []


def _stacks(found: Target, native: bytes, said: str) -> tuple[dict[str, Any], dict[tuple[Frame, ...], int]]:
    """What py-spy wrote, without command lines, and its stacks. Raises EngineError."""
    try:
        document = pyspy.without_commands(native)
        return document, pyspy.stacks(document)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        what = f"what py-spy wrote of service {found.service.name!r} cannot be read"
        raise EngineError(what, cause=f"{error}\n{said}") from error


def _recorded(found: Target, wanted: Wanted, native: bytes, said: str, seconds: float) -> Recorded:
    document, seen = _stacks(found, native, said)
    for remark in pyspy.remarks(said):
        console.note(remark)
    profile = Profile("python", SAMPLES, wanted.rate, seconds, pyspy.lost(said), seen)
    if not profile.weight:
        raise subject.idle(found, wanted, seconds, "none of its Python threads was at work on the CPU")
    content = json.dumps(document, ensure_ascii=False).encode()
    return subject.recorded(found, "cpu", profile, ("py-spy.speedscope.json", content))


def _refusal(engine: Engine, found: Target, allowed: Rights, ran: Captured) -> DddError:
    """Why py-spy has failed."""
    name, said = found.service.name, ran.stderr.decode(errors="replace").strip()
    if gone := target.gone(engine, found, program.MEANWHILE):
        return gone
    if pyspy.is_denied(said):
        return UnsupportedError(
            f"the process of service {name!r} may not be looked into",
            cause=f"{said}\n{subject.missing(engine, found, allowed)}",
            hint=f"ddd debug.doctor --service {name}",
        )
    words = [line for line in said.splitlines() if line.strip() and not line.startswith("py-spy>")]
    with suppress(IndexError):
        if "python version" in words[0] or "process executable" in words[0]:
            return UnsupportedError(
                f"py-spy finds no Python in service {name!r}",
                cause="\n".join(words),
                hint=f"ddd debug.toolbox --service {name} -- ps -ef",
            )
    return EngineError(
        f"py-spy could not profile service {name!r}",
        cause="\n".join(words) or f"it ended with status {ran.status}",
        hint=f"ddd debug.doctor --service {name}",
    )
