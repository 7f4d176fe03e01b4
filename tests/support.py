"""What tests share: programs run as a user runs them, throw-away projects, and what they leave on the engine."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pexpect

from ddd_tasks.engine.api import ApiError, Engine

REPO = Path(__file__).resolve().parent.parent
# Everything a run puts on the engine carries this text in its name, a label or a mount, so two runs never mix.
RUN = f"ddd-test-{secrets.token_hex(3)}"
LABEL = "ddd-tasks.test"
# The least that a command can run in: a service that sleeps, with its project mounted.
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS dev
WORKDIR /app
CMD ["sleep", "infinity"]
"""
COMPOSE = """\
services:
  api:
    build: {context: ., target: dev}
    init: true
    volumes: [".:/app"]
"""


def unique(what: str = "") -> str:
    """A name for a container, volume, network or image that the leak check knows as this run's."""
    return f"{RUN}-{what}{'-' if what else ''}{secrets.token_hex(3)}"


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], *, seconds: float = 20, what: str = "the condition") -> Any:
    """The condition's first true value. Raises AssertionError naming what when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        time.sleep(0.05)
    return value


@dataclass(frozen=True)
class Ran:
    """A program that ended: status as a shell shows it (128+n for signal n) and the bytes it wrote."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """What it wrote to stdout, as text."""
        return self.stdout.decode(errors="replace")

    @property
    def err(self) -> str:
        """What it wrote to stderr, as text."""
        return self.stderr.decode(errors="replace")

    def ok(self) -> Ran:
        """Itself. Raises AssertionError with everything it wrote when its status is not 0."""
        assert self.status == 0, f"{self.argv} ended with status {self.status}\n{self.out}\n{self.err}"
        return self


def run(
    *argv: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 120,
    **options: Any,
) -> Ran:
    """Run a program to its end with bytes in and out; env is added to ours. Raises TimeoutExpired, its group killed."""
    with popen(*argv, cwd=cwd, env=env, **options) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except BaseException:
            kill_group(process)
            raise
    status = process.returncode
    return Ran(argv, 128 - status if status < 0 else status, out or b"", err or b"")


def popen(
    *argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own with pipes for its three streams; options override Popen's arguments."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(argv, cwd=cwd, env=environment(env), **{**pipes, "start_new_session": True, **options})


def end_of(process: subprocess.Popen[bytes], *, seconds: float = 30) -> int:
    """Wait for a program of popen, close its pipes and return its status as a shell shows it."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        process.communicate()
        raise
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def kill_group(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """Send a signal to a program of popen and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program under test: this venv first on PATH, and nothing of an outer Nox or Compose."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("NOX_", "COMPOSE_", "PYTEST_"))}
    inherited["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**inherited, **(extra or {})}


def ddd_argv(*words: str) -> tuple[str, ...]:
    """The command line of `ddd`, run from this checkout."""
    return (sys.executable, "-m", "ddd_tasks", *words)


def run_ddd(*words: str, **options: Any) -> Ran:
    """`ddd WORDS`, with the options of run."""
    return run(*ddd_argv(*words), **options)


@contextlib.contextmanager
def venv_for_everybody() -> Iterator[Path]:
    """The folder of programs of a venv with this package that any user may run: root's own is closed to others."""
    venv = Path(tempfile.gettempdir()) / unique("venv")
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    try:
        run(sys.executable, "-m", "virtualenv", "--no-download", "-q", "--python", python, str(venv)).ok()
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(venv), cwd=REPO).ok()
        (wheel,) = venv.glob("*.whl")
        run(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel), timeout=300).ok()
        yield venv / "bin"
    finally:
        shutil.rmtree(venv, ignore_errors=True)


@dataclass(frozen=True)
class Stack:
    """A throw-away project: a folder whose name, and so its Compose project's, is this run's."""

    directory: Path

    @property
    def name(self) -> str:
        """The Compose project's name."""
        return self.directory.name

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, given by their path in the folder."""
        for path, text in files.items():
            target = self.directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def run(self, *argv: str, cwd: str = "", **options: Any) -> Ran:
        """Run a program in the folder, or in a folder below it, with the options of run."""
        return run(*argv, cwd=self.directory / cwd, **options)

    def ddd(self, *words: str, **options: Any) -> Ran:
        """`ddd WORDS` in the folder."""
        return self.run(*ddd_argv(*words), **options)

    def inv(self, *words: str, **options: Any) -> Ran:
        """`inv WORDS` in the folder; it needs a tasks.py there."""
        return self.run("inv", *words, **options)

    def nox(self, *words: str, **options: Any) -> Ran:
        """`nox WORDS` in the folder; it needs a noxfile.py there."""
        return self.run("nox", *words, **options)

    def popen(self, *argv: str, cwd: str = "", **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in the folder, for tests that send signals."""
        return popen(*argv, cwd=self.directory / cwd, **options)

    def spawn(
        self,
        *argv: str,
        cwd: str = "",
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (24, 80),
        timeout: float = 30,
    ) -> pexpect.spawn[str]:
        """Start a program on a terminal of its own (rows, columns), for tests of what a person sees."""
        return pexpect.spawn(
            argv[0],
            list(argv[1:]),
            cwd=str(self.directory / cwd),
            env={**environment(env), "TERM": "xterm"},
            dimensions=size,
            timeout=timeout,
            encoding="utf-8",
        )

    def down(self) -> None:
        """Remove the folder and everything of it on the engine."""
        with contextlib.closing(Engine.connect()) as engine:
            remove(engine, list(leftovers(engine, self.name)))
        shutil.rmtree(self.directory, ignore_errors=True)


def make_stack(files: Mapping[str, str]) -> Stack:
    """A project with these files; it knows the base images of this checkout, as any project does after bootstrap."""
    stack = Stack(Path(tempfile.gettempdir()).resolve() / unique())
    stack.write({".ddd/bases.json": json.dumps(stand_ins()), **files})
    return stack


def stand_ins() -> dict[str, str]:
    """Official image -> its stand-in here; empty where a registry answers."""
    try:
        return dict(json.loads((REPO / ".ddd" / "bases.json").read_text()))
    except FileNotFoundError:
        return {}


def base(official: str) -> str:
    """The name under which an official base image can be used here without ddd: its own, or its stand-in's."""
    return stand_ins().get(official, official)


@dataclass(frozen=True, order=True)
class Item:
    """Something on the engine: its kind as the API's path has it, its id, and the text that ties it to a run."""

    kind: str
    id: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind[:-1]} {self.id[:19]} ({self.text})"


def leftovers(engine: Engine, run: str = RUN) -> set[Item]:
    """Containers, networks, volumes and images that are a test run's. The build cache does not count."""
    return {item for item in _everything(engine) if run in item.text}


def remove(engine: Engine, items: list[Item]) -> None:
    """Remove items of the engine: containers first, since the others may be in use by them."""
    order = ["containers", "networks", "volumes", "images"]
    for item in sorted(items, key=lambda item: order.index(item.kind)):
        forced = {} if item.kind == "networks" else {"force": 1}
        volumes = {"v": 1} if item.kind == "containers" else {}
        try:
            engine.delete(f"/{item.kind}/{item.id}", **forced, **volumes)
        except ApiError as error:
            if error.status == 409 and item.kind == "containers":  # its own --rm is at it
                wait_until(partial(_is_gone, engine, item.id), what=f"the end of {item}")
            elif error.status != 404:  # removed with another one of them, or by its own --rm
                raise


def _is_gone(engine: Engine, container: str) -> bool:
    try:
        engine.get(f"/containers/{container}/json")
    except ApiError as error:
        return error.status == 404
    return False


def _everything(engine: Engine) -> Iterator[Item]:
    for row in engine.get("/containers/json", all=1):
        mounts = sorted(mount.get("Source") or "" for mount in row["Mounts"])  # their order changes
        yield Item("containers", row["Id"], _text(row["Names"], row["Image"], row["Labels"], mounts))
    for row in engine.get("/networks"):
        yield Item("networks", row["Id"], _text([row["Name"]], row["Labels"]))
    for row in engine.get("/volumes")["Volumes"] or []:
        yield Item("volumes", row["Name"], _text([row["Name"]], row["Labels"]))
    for row in engine.get("/images/json"):
        # By tag, not by id: the same content may carry the tag of somebody else as well.
        for name in row["RepoTags"] or [row["Id"]]:
            yield Item("images", name, _text([name], row["Labels"]))


def _text(*parts: Any) -> str:
    """Names and label values in one line."""
    words = [part.values() if isinstance(part, dict) else [part] if isinstance(part, str) else part for part in parts]
    return " ".join(str(word) for group in words for word in group or () if word)
