"""Language: what a programming language says about itself. What it lacks is None."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

# Paths that services answer when asked how they are, the usual ones first.
HEALTH_PATHS = ("/health", "/healthz", "/livez", "/readyz", "/ready", "/ping", "/status", "/up", "/api/health")


@dataclass(frozen=True)
class PathMapping:
    """A folder of source as the host has it, and as the debugger in the container knows it."""

    local: Path
    remote: str


# What an editor or a client of ours sends to attach: host, port and mappings (longest local path first) in the words of
# the language's debugger. With VS Code's name, type and request before them they are an entry of launch.json. For a
# debugger without a port, the host is the name of the container and the port 0.
Arguments: TypeAlias = Callable[[str, int, Sequence[PathMapping]], dict[str, Any]]


class CodeLines(NamedTuple):
    """Lines of a source file that a breakpoint can stand on. once: those that run only while the file is loaded."""

    every: frozenset[int]
    once: frozenset[int]


@dataclass(frozen=True)
class Debug:
    """How a debugger gets to the code, and what editors call it.

    port: the container port that the debugger of the debug stage listens on, or None for one that is a program of the
    container and talks through its standard streams. protocol: dap or cdp (the Debug Adapter Protocol, the Chrome
    DevTools Protocol). probe_by_connecting: whether a mere connection may test the port; it breaks some debuggers for
    the client that comes after it, and then the port is looked up in /proc/net/tcp instead.

    adapter: VS Code's name for the type of debugger. arguments: see Arguments. programs: a pattern for the file names
    of the programs that run such code, or "" where the code is a program itself. is_compiled: whether the debugger
    knows the paths of the stage where the code was compiled, not those of the image that runs. wait: a pattern in the
    debug stage's command, and what to put in its place so that the program stops at its first line. is_live: whether
    a debugger can be brought to a process that has none (docker/toolbox then has a stage of the language's name).
    is_traced: whether that takes the right to trace the process; a signal needs less.
    sources: globs for the names of files of source, in which breakpoints can be set. debuggers: for one without a port,
    the names and paths in the container of the programs that will do, the usual one first. lines: the lines with code
    of a file's content, or None where they cannot be told; needed for a debugger that takes breakpoints on any line.
    """

    port: int | None
    protocol: str
    probe_by_connecting: bool
    adapter: str
    arguments: Arguments
    programs: str = ""
    is_compiled: bool = False
    wait: tuple[str, str] | None = None
    is_live: bool = False
    is_traced: bool = False
    sources: tuple[str, ...] = ()
    debuggers: tuple[tuple[str, str], ...] = ()
    lines: Callable[[bytes], CodeLines | None] | None = None


@dataclass(frozen=True)
class Metrics:
    """Where the service's page for Prometheus is, unless its x-ddd says otherwise."""

    path: str
    port: int


@dataclass(frozen=True)
class PackageManager:
    """A program that installs what a project depends on.

    markers are names or globs of files that reveal it; NAME:TEXT is a file that holds this text. variant is the name of
    docker/<language>/<variant>.Dockerfile, whose stages replace those of the same name in Dockerfile; None where
    Dockerfile itself is written for it.
    """

    name: str
    markers: tuple[str, ...]
    variant: str | None = None


@dataclass(frozen=True)
class Entry:
    """One way in which the code in a folder starts as a service.

    knobs are values for names on the ENV line of the Dockerfile's base stage; those that are not given stay as they
    are. APP is the one that says what is started (app.main:app, server.js, ./cmd/server): it tells two entries of a
    folder apart, and is what `ddd init --app` gives. PORT and HEALTH come from port and health.
    port is the port that the service listens on in its container, or None for a program that listens on none. health is
    the path that answers 200 once the service works, or None where the code shows none: then it is healthy as soon as
    it listens. variants are the names of docker/<language>/<variant>.Dockerfile for this kind of program, without the
    package manager's. why says what in which file told all this, for people: "app/main.py has FastAPI app".
    """

    knobs: Mapping[str, str]
    port: int | None
    health: str | None
    why: str
    variants: tuple[str, ...] = ()


# The entries of a folder, the likeliest first: none, where nothing in it can be started. More than one means that the
# code does not say which of them is the service, and the user is asked. The second argument is the APP that the user
# named, or None: with one, the answer is the entry with that APP, or none. It reads files and changes nothing. What
# cannot be read, such as a package.json that is no JSON, is raised as a ConfigError that names the file.
Entries: TypeAlias = Callable[[Path, str | None], tuple[Entry, ...]]


@dataclass(frozen=True)
class Language:
    """The facts that tasks need.

    markers are names or globs of files that reveal the language, the surest first. dockerfile is the folder under
    docker/ with its stages: Dockerfile, Dockerfile.dockerignore and the variants. test is the command that runs the
    tests in the test stage. reload is the program that restarts the service after a save in the dev stage. profilers
    are the programs that can profile a running process.

    For `ddd init`: managers are its package managers, the surest first; the first one whose marker is there is taken,
    and the last one where there is none. entries reads a folder and says how its service starts. volumes are folders,
    seen from the project's, into which the stages install: a mounted checkout would hide them, so each becomes a volume
    of the service. not_verified are the parts of docker/<language>/ that were never run by the tests of this project,
    each as a phrase; `ddd languages` shows them.
    """

    name: str
    markers: tuple[str, ...]
    dockerfile: str
    test: tuple[str, ...]
    reload: str | None = None
    debug: Debug | None = None
    profilers: tuple[str, ...] = ()
    metrics: Metrics | None = None
    managers: tuple[PackageManager, ...] = ()
    entries: Entries | None = None
    volumes: tuple[str, ...] = ()
    not_verified: tuple[str, ...] = ()
