"""The debug stage, and what kills a program that stands at a breakpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Subject

_DEBUGGER = {"python": r"\bdebugpy\b", "node": r"--inspect(-brk|-wait)?\b", "go": r"\bdlv\b"}
_DLV_ALONE = re.compile(r"\bdlv\b(?!.*--accept-multiclient)")
_GUNICORN = re.compile(r"\bgunicorn\b")
_TIMEOUT = re.compile(r"(?:--timeout[= ]|-t ?)(\d+)")
_GUNICORN_SECONDS = 30
_UVICORN_WORKERS = re.compile(r"\buvicorn\b.*--workers[= ](?!1\b)\d+")
_UVICORN_PATIENCE = re.compile(r"--timeout-worker-healthcheck[= ](\d{4,})")


def debug_stage(subject: Subject) -> Iterator[Finding]:
    """Is there a stage for debug.up, and does its command start a debugger?"""
    service, name = subject.service, subject.language.name if subject.language else ""
    if service.build is None or not name:
        return
    if subject.debug_stage is None:
        what = f"{service.build.dockerfile.name} has no stage debug: debug.up needs one, debug.attach does not"
        yield Finding("debug stage", WARNING, what, f"ddd debug.attach --service {service.name}")
        return
    command = " ".join(subject.debug_stage.command)
    pattern = _DEBUGGER.get(name)
    if pattern is None or re.search(pattern, command):
        yield Finding("debug stage", OK, command or "starts what the stage below it starts")
    else:
        what = f"its command starts no debugger: {command or 'it has none'}"
        yield Finding("debug stage", PROBLEM, what, f"CMD {_example(name)}  # in stage debug")
    if name == "go" and _DLV_ALONE.search(command):
        what = "dlv serves one client and ends after it, even if that only looked whether the port is open"
        yield Finding("debug stage", WARNING, what, "add --accept-multiclient to dlv in stage debug")


def patience(subject: Subject) -> Iterator[Finding]:
    """A server that watches its workers kills one that stands at a breakpoint."""
    commands = {"the debug stage": " ".join(subject.debug_stage.command)} if subject.debug_stage else {}
    if subject.inside:
        running = [" ".join(one["argv"]) for one in subject.inside.processes]
        commands["the container"] = next(filter(impatient, running), "")
    for where, command in commands.items():
        if found := impatient(command):
            yield Finding("workers", WARNING, f"in {where}, {found[0]}", found[1])


def impatient(command: str) -> tuple[str, str] | None:
    """What ends a paused worker of this command, and the change that prevents it; None where nothing does."""
    if _GUNICORN.search(command):
        match = _TIMEOUT.search(command)
        seconds = int(match[1]) if match else _GUNICORN_SECONDS
        if seconds:
            return f"gunicorn kills a worker that stands at a breakpoint for {seconds} s", "add --timeout 0 to gunicorn"
    if _UVICORN_WORKERS.search(command) and not _UVICORN_PATIENCE.search(command):
        what = "uvicorn kills a worker that stands at a breakpoint and so does not answer for 5 s"
        return what, "leave --workers away while you debug"
    return None


def _example(language: str) -> str:
    return {
        "python": '["python", "-Xfrozen_modules=off", "-m", "debugpy", "--listen", "0.0.0.0:5678", "-m", "app"]',
        "node": '["node", "--inspect=0.0.0.0:9229", "app.js"]',
        "go": '["dlv", "exec", "--headless", "--listen=:2345", "--accept-multiclient", "--continue", "/app/service"]',
    }[language]
