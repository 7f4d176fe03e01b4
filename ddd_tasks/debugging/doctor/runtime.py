"""Whether the program in the container is one that a debugger of the language gets into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ddd_tasks.debugging import toolbox
from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Subject, command_of

_OLDEST_PYTHON = (3, 9)  # of the debugger; older ones are not tried
_REMOTE_EXEC = (3, 14)  # PEP 768: a debugger can be brought without gdb


def interpreter(subject: Subject) -> Iterator[Finding]:
    """The process that a debugger would get."""
    if subject.language is None or subject.inside is None:
        return
    process, name = subject.inside.process, subject.language.name
    if process is None:
        there = ", ".join(sorted({_program(one) for one in subject.inside.processes}))
        what = f"no process runs {name}; there are {there or 'none'}"
        yield Finding("process", PROBLEM, what, f"services.{subject.service.name}: x-ddd: {{language: ...}}")
        return
    yield Finding("process", OK, f"{name} in {command_of(process)}, {process['exe'] or 'its program cannot be read'}")
    if name == "python":
        yield from _python(subject, process)
    if name == "csharp":
        yield from _dotnet(subject, process, subject.inside.facts.get("dotnet") or ())


def _python(subject: Subject, process: Mapping[str, Any]) -> Iterator[Finding]:
    """What the version of Python means for a live attach."""
    minor = process.get("python") or ""
    match = re.fullmatch(r"(\d+)\.(\d+)", minor)
    if match is None:
        what = "its version cannot be read: a toolbox of another minor version does not get in"
        yield Finding("python", WARNING, what, f"ddd debug.up --service {subject.service.name}")
        return
    version = int(match[1]), int(match[2])
    if version < _OLDEST_PYTHON:
        what = f"Python {minor} is older than 3.9: debuggers of today do not get in"
        yield Finding("python", PROBLEM, what, "FROM python:3.13-slim-trixie")
    elif (ours := toolbox.available(subject.engine, subject.project, "python", minor)) != minor:
        what = f"Python {minor}, and the toolbox's is {ours}: debug.attach needs the same minor version"
        yield Finding("python", PROBLEM, what, f"ddd debug.up --service {subject.service.name}")
    elif version >= _REMOTE_EXEC:
        yield Finding("python", OK, f"Python {minor}: by sys.remote_exec, or by gdb while the program waits")
    else:
        yield Finding("python", OK, f"Python {minor}: by gdb")


def _dotnet(subject: Subject, process: Mapping[str, Any], runtimes: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether the runtime has the socket that debuggers and profilers find it by."""
    own = next((one for one in runtimes if one["pid"] == process["pid"]), None)
    if own is None:
        what = f"process {process['pid']} has not loaded .NET"
        yield Finding("dotnet", WARNING, what, f"services.{subject.service.name}: x-ddd: {{language: ...}}")
    elif own["socket"]:
        yield Finding("dotnet", OK, f".NET {own['version'] or '?'} answers on {own['socket']}")
    else:
        what = f".NET {own['version'] or '?'} has no diagnostic socket: it is turned off, or cannot write to /tmp"
        yield Finding("dotnet", PROBLEM, what, f"services.{subject.service.name}: tmpfs: [/tmp]")


def _program(process: Mapping[str, Any]) -> str:
    said = process["exe"] or (process["argv"] or ["?"])[0]
    return str(said).rpartition("/")[2]
