"""The search for canaries: images with each file of each layer, containers, processes, output and files."""

from __future__ import annotations

import json
import os
import re
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.sessions.container import SESSION_LABEL
from tests import support
from tests.engine.leaks.planted import TOKEN

TOTAL = {"places": 0, "found": 0}
_TOKEN = TOKEN.encode()
_CANARY = re.compile(rb"%s-[a-z-]+" % re.escape(_TOKEN))
_CHUNK = 1 << 20
_PAUSE = 0.05  # seconds between two looks at processes and containers
# How values reach the process that builds: it has to be told, and the environment is closed to other users.
_HANDED_OVER = re.compile(r"DDD_SECRET_\w+|BUILD_COMMAND")
# Programs of a session get the variables that speak to its tools (docs/nox.md): package managers among them.
_FOR_TOOLS = re.compile(r"(PIP|UV)_\w+")
_BUILDS = re.compile(r"docker(-compose|-buildx)?\b.*\b(compose|build|buildx)\b", re.DOTALL)


class Find(NamedTuple):
    """A canary where it must not be: the kind of place, which one, and the canary."""

    kind: str
    where: str
    canary: str


class Search:
    """Counts the places that were looked at, and keeps what was found in them."""

    def __init__(self) -> None:
        self.places = 0
        self.unexpected: list[Find] = []
        self._layers: set[str] = set()
        self._seen: set[bytes] = set()
        self._sessions: set[bytes] = set()
        self._processes: set[tuple[str, bytes]] = set()

    def look(self, kind: str, where: str, data: bytes) -> None:
        """Look at one place."""
        self.places += 1
        if _TOKEN in data:
            self._found(kind, where, data)

    def kinds(self) -> set[str]:
        """The kinds of places in which something was found."""
        return {find.kind for find in self.unexpected}

    def _found(self, kind: str, where: str, data: bytes) -> None:
        for canary in {match.decode() for match in _CANARY.findall(data)} or {TOKEN}:
            find = Find(kind, where, canary)
            if find not in self.unexpected:
                self.unexpected.append(find)

    def ran(self, ran: support.Ran) -> support.Ran:
        """Look at what a program wrote."""
        self.look("output", " ".join(ran.argv[-3:]), ran.stdout + ran.stderr)
        return ran

    def files(self, folder: Path, kind: str = "file of ours") -> None:
        """Look at the names and contents of all files below a folder."""
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                self.look(kind, str(file), os.fsencode(file) + file.read_bytes())

    def images(self, engine: Engine, names: Sequence[str]) -> None:
        """Look at the configuration and history of images, and at each file of their layers: every layer once."""
        for name in names:
            self.look("image configuration", name, _json(engine.get(f"/images/{name}/json")))
            for step in engine.get(f"/images/{name}/history"):
                self.look("image history", f"{name}: {step['CreatedBy'][:60]}", _json(step))
        with support.popen("docker", "save", *names) as saving:
            assert saving.stdout
            with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
                for entry in archive:
                    content = archive.extractfile(entry) if entry.isfile() else None
                    if content and entry.name not in self._layers:
                        self._layers.add(entry.name)
                        self._blob(entry.name, content)
            saving.stdout.read()

    def _blob(self, blob: str, content: IO[bytes]) -> None:
        """A layer is an archive of its own; anything else is looked at as it is."""
        try:
            with tarfile.open(fileobj=content, mode="r|*") as layer:
                for file in layer:
                    self._file(f"{blob}: {file.name}", file, layer.extractfile(file) if file.isreg() else None)
        except tarfile.ReadError:  # no archive: a short text, which was read in part already
            return

    def _file(self, where: str, file: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        self.look("image layer", where, f"{file.name} {file.linkname} {file.pax_headers}".encode(errors="replace"))
        tail = b""
        while content and (chunk := content.read(_CHUNK)):
            if _TOKEN in tail + chunk:
                self._found("image layer", where, tail + chunk)
            tail = chunk[-len(_TOKEN) :]

    def container(self, engine: Engine, container: str) -> None:
        """Look at what the engine says of a container, at what it has logged, and at its own files."""
        self.inspect(engine, container)
        logs = engine.get(f"/containers/{container}/logs", stdout=1, stderr=1)
        self.look("container log", container, logs if isinstance(logs, bytes) else _json(logs))
        with support.popen("docker", "export", container) as exporting:
            assert exporting.stdout
            with tarfile.open(fileobj=exporting.stdout, mode="r|") as archive:
                for file in archive:
                    content = archive.extractfile(file) if file.isreg() else None
                    self._file(f"container {container[:12]}: {file.name}", file, content)
            exporting.stdout.read()

    def inspect(self, engine: Engine, container: str) -> None:
        """Look at a container's configuration."""
        self.look("inspect", container, _json(engine.get(f"/containers/{container}/json")))

    @contextmanager
    def watching(self, given: Mapping[str, str]) -> Iterator[None]:
        """Within the block, look at all processes and at this run's containers again and again.

        given: the environment that the client was given: what is in it already may be in its children's.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(given, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _watch(self, given: Mapping[str, str], done: threading.Event) -> None:
        with closing(Engine.connect()) as engine:
            while not done.wait(_PAUSE):
                for row in engine.get("/containers/json", all=1):
                    if SESSION_LABEL in row["Labels"]:
                        self._sessions.add(row["Id"].encode())
                    if support.RUN in " ".join(row["Names"]):
                        self._sampled(engine, row["Id"])
                for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - many times a second
                    self._process(process, given)

    def _sampled(self, engine: Engine, container: str) -> None:
        try:
            found = _json(engine.get(f"/containers/{container}/json"))
        except ApiError:
            return  # gone in the meantime
        self._once("inspect", container, found)

    def _process(self, process: str, given: Mapping[str, str]) -> None:
        try:
            command = _read(process, "cmdline")
            if not command or (process, command) in self._processes:
                return  # it is just becoming a program, and looked at then; what it was started with does not change
            environment, group = _read(process, "environ"), _read(process, "cgroup")
        except OSError:
            return
        self._processes.add((process, command))
        self._once("command line", f"process {process}", command)
        is_build = bool(_BUILDS.search(command.replace(b"\0", b" ").decode(errors="replace")))
        for variable in environment.split(b"\0"):
            name = variable.partition(b"=")[0].decode(errors="replace")
            if not self._may_have(name, given, group, is_build=is_build):
                where = f"{name} of process {process}: {command[:60]!r}"
                self._once("environment of a process", where, variable)

    def _may_have(self, name: str, given: Mapping[str, str], group: bytes, *, is_build: bool) -> bool:
        """Whether a process may have a variable. group: its cgroups, which name its container."""
        if b"docker" in group:
            is_session = any(container in group for container in self._sessions)
            return name.lower().endswith("_proxy") or (is_session and bool(_FOR_TOOLS.fullmatch(name)))
        return name in given or (is_build and bool(_HANDED_OVER.fullmatch(name)))

    def _once(self, kind: str, where: str, data: bytes) -> None:
        """Look at it, unless the same was looked at before."""
        if data not in self._seen:
            self._seen.add(data)
            self.look(kind, where, data)


def _read(process: str, name: str) -> bytes:
    return Path("/proc", process, name).read_bytes()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
