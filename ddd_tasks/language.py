"""Language: what a programming language says about itself. What it lacks is None."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Debug:
    """How to debug: the container port that the debugger listens on, and whether a mere connection may test it.

    A probe by connecting breaks some debuggers for the client that comes after it; then the port is looked up in
    /proc/net/tcp instead.
    """

    port: int
    protocol: str
    probe_by_connecting: bool


@dataclass(frozen=True)
class Metrics:
    """Where the service's page for Prometheus is, unless its x-ddd says otherwise."""

    path: str
    port: int


@dataclass(frozen=True)
class Language:
    """The facts that tasks need.

    markers are names or globs of files that reveal the language, the surest first. dockerfile is the folder under
    docker/ with its stages. test is the command that runs the tests in the test stage. reload is the program that
    restarts the service after a save in the dev stage. profilers are the programs that can profile a running process.
    """

    name: str
    markers: tuple[str, ...]
    dockerfile: str
    test: tuple[str, ...]
    reload: str | None = None
    debug: Debug | None = None
    profilers: tuple[str, ...] = ()
    metrics: Metrics | None = None
