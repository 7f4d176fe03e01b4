"""What tests of debuggers share: a client where debug.attach said, and requests that come while a program stands."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ddd_tasks import languages
from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.clients import opening
from ddd_tasks.debugging.clients.base import Client, Stop
from ddd_tasks.debugging.clients.dap import DapClient
from ddd_tasks.debugging.clients.errors import DebuggerError
from ddd_tasks.debugging.clients.transport import Tcp
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import PathMapping
from tests import support
from tests.examples import Example
from tests.support import Stack


class Subject:
    """A running project: an example, and its service in other ways, each with a port. line: where its breakpoint is.

    written: paths in containers that the programs of the language itself write to.
    """

    written: tuple[str, ...] = ()

    def __init__(self, example: Example, engine: Engine, ports: dict[str, int], line: str) -> None:
        self.example, self.stack, self.engine = example, example.stack, engine
        self.urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()} | {"visits": example.url}
        self.line = line_of(example.source, line)

    @property
    def file(self) -> str:
        """The source, by its host path."""
        return str(self.example.source)

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.stack.run("docker", "compose", "ps", "-q", service).ok().out.strip()

    def facts(self, service: str) -> tuple[Any, ...]:
        """What a live debugger must not change: start, process, image, rights and files."""
        container = self.container(service)
        info = self.engine.get(f"/containers/{container}/json")
        rows = self.engine.get(f"/containers/{container}/changes") or []
        changes = [row["Path"] for row in rows if not row["Path"].startswith(self.written or ("?",))]
        return container, info["State"]["StartedAt"], info["State"]["Pid"], info["Image"], info["HostConfig"], changes

    def processes(self, service: str) -> list[str]:
        """The command lines in the service's process namespace, see processes."""
        return processes(self.container(service))


def processes(container: str) -> list[str]:
    """The command lines of all processes in a container's namespace, in the order of their numbers.

    Those of containers that share it are among them; the engine's top would list those of the one container alone.
    """
    pid = support.run("docker", "inspect", "--format", "{{.State.Pid}}", container).ok().out.strip()
    namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    found = []
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda entry: int(entry.name)):
        with contextlib.suppress(OSError):  # it has ended
            if (entry / "ns" / "pid").readlink() == namespace:
                found.append((entry / "cmdline").read_text().replace("\0", " ").strip())
    return [words for words in found if words]


def _place(said: dict[str, Any]) -> Attachment:
    mappings = tuple(PathMapping(Path(one["localRoot"]), one["remoteRoot"]) for one in said["pathMappings"])
    language = languages.get(said["language"])
    return Attachment(said["service"], language, said["host"], said["port"], said["pid"], "", True, mappings)


def attach(stack: Stack, *words: str, task: str = "debug.attach") -> dict[str, Any]:
    """What debug.attach --json says."""
    said: dict[str, Any] = json.loads(stack.ddd(task, "--json", *words, timeout=300).ok().out)
    return said


def broken(ran: support.Ran, link: str, *, status: int = 1) -> dict[str, Any]:
    """What debug.check --json says where this link is broken."""
    said: dict[str, Any] = json.loads(ran.out)
    assert (ran.status, said["exit_code"], said["link"]) == (status, status, link), ran.out
    return said


@contextmanager
def client(said: dict[str, Any]) -> Iterator[Client]:
    """The client that attaches where debug.attach said."""
    with contextlib.closing(opening.connect(_place(said))) as made:
        yield made


@contextmanager
def waiting(said: dict[str, Any], path: str, line: int) -> Iterator[Client]:
    """The client of a program that waits for it, with a breakpoint from the beginning, as an editor has it.

    A program that has not waited is past a line that runs once, at its start.
    """
    place = _place(said)
    if place.language.debug and place.language.debug.protocol == "cdp":  # stands at its entry until it is told to go on
        with client(said) as made:
            entry = stop_of(made)
            made.set_breakpoints(path, {line: ""})
            made.resume(entry)
            yield made
        return
    with contextlib.closing(DapClient(timeout=20)) as early:
        with contextlib.suppress(DebuggerError):  # nobody hears of it so far
            early.set_breakpoints(path, {line: ""})
        early.add(Tcp(place.host, place.port, 20), place.arguments)
        yield early


def line_of(file: Path, text: str) -> int:
    """The number of the one line that holds a text, from 1."""
    (found,) = [number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line]
    return found


def stop_of(debugger: Client, *, seconds: float = 20) -> Stop:
    """The next stop. Raises AssertionError when the time is over."""
    stop = debugger.wait_for_stop(seconds)
    assert stop is not None, f"nothing stopped within {seconds:g} s; loaded: {debugger.sources()}"
    return stop


@contextmanager
def visitors(url: str) -> Iterator[list[bytes]]:
    """Requests one after the other, until the end of the block; the answers so far.

    A debugger has to be closed within the block: the last request may stand at a breakpoint.
    """
    answers: list[bytes] = []
    is_over = threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            try:
                with urllib.request.urlopen(url, timeout=30) as response:
                    answers.append(response.read())
            except OSError:
                time.sleep(0.05)  # restarting

    thread = threading.Thread(target=visit, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        thread.join(30)
