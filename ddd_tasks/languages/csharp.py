"""C#: ASP.NET Core services, and programs that serve by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks.language import Debug, Entry, Language, Metrics, PackageManager, PathMapping
from ddd_tasks.languages import _csharp_code as code
from ddd_tasks.languages._csharp_code import Project

PORT = 8080
# vsdbg may be used with Microsoft's own editors only, says its licence; it has to be put into the image there.
_DEBUGGERS = (("netcoredbg", "/opt/netcoredbg/netcoredbg"), ("vsdbg", "/vsdbg/vsdbg"))


def entries(directory: Path, app: str | None = None) -> tuple[Entry, ...]:
    """The programs of a folder and of those below it; see language.Entries. Raises ConfigError."""
    projects = code.projects(directory)
    programs = [project for project in projects if project.is_program and not project.is_test]
    if app is not None:
        found = [project for project in programs if project.file == PurePosixPath(app).as_posix()]
    else:
        best = min(map(_rank, programs), default=())
        found = [project for project in programs if _rank(project) == best]
    tests = [project for project in projects if project.is_test]
    return tuple(_entry(directory, project, tests) for project in found)


def _rank(project: Project) -> tuple[int, ...]:
    """What serves the web before what does not, then what lies higher."""
    return int(not project.is_web), len(PurePosixPath(project.file).parts)


def _entry(directory: Path, project: Project, tests: Sequence[Project]) -> Entry:
    source = code.Source(directory, project)
    port, why_port = source.port()
    if port is None and (project.is_web or source.reads_port):
        port = PORT
    kind = "an ASP.NET Core service" if project.is_web else "a program"
    why = f"{project.file} is {kind}" + (f", and {why_port}" if why_port else "")
    chosen, variants = _tests(directory, tests)
    knobs = {"APP": project.file, "TESTS": " ".join(chosen)}
    return Entry(knobs, port, source.health(), why, (*variants, *_lint(directory)))


def _tests(directory: Path, tests: Sequence[Project]) -> tuple[list[str], tuple[str, ...]]:
    """What the test stage runs, and the variants for it."""
    on_platform = [project.file for project in tests if project.has_platform]
    solutions = code.solutions(directory)
    if on_platform:
        return (solutions if len(solutions) == 1 else on_platform), ("dotnet-test",)
    if tests:  # a program; of several, the first
        return [tests[0].file], ()
    return [], ("untested",)


def _lint(directory: Path) -> tuple[str, ...]:
    """Whether the code has rules of its own for dotnet format."""
    return () if (directory / ".editorconfig").is_file() else ("unformatted",)


def _attach_arguments(host: str, port: int, mappings: Sequence[PathMapping]) -> dict[str, Any]:  # noqa: ARG001
    """What VS Code's extensions for C# take; host is the container, whose debugger is started; see language.Arguments.

    The process is picked from a list: under `dotnet watch` there are several, and its number changes with every save.
    """
    return {
        "processId": "${command:pickRemoteProcess}",
        "pipeTransport": {
            "pipeProgram": "docker",
            "pipeArgs": ["exec", "-i", host],
            "debuggerPath": _DEBUGGERS[0][1],
            "quoteArgs": False,
        },
        "sourceFileMap": {one.remote: str(one.local) for one in mappings},
        "justMyCode": False,
    }


CSHARP = Language(
    name="csharp",
    markers=("*.csproj", "*.sln", "*.slnx"),
    dockerfile="csharp",
    test=("dotnet", "run", "--project", "tests"),
    reload="dotnet watch",
    debug=Debug(
        port=None,
        protocol="dap",
        probe_by_connecting=False,
        adapter="coreclr",
        arguments=_attach_arguments,
        programs=r"dotnet",
        is_compiled=True,
        sources=("*.cs",),
        debuggers=_DEBUGGERS,
    ),
    metrics=Metrics(path="/metrics", port=PORT),
    managers=(PackageManager("dotnet", ()),),
    entries=entries,
    not_verified=(
        "the official .NET images: without a registry, a stand-in with .NET Core 3.1 and Mono's compiler was run",
        "dotnet restore of packages from NuGet, and its configuration and cache in deps",
        "ASP.NET Core services, and what SIGTERM does to a program on .NET 10",
        "dotnet watch, dotnet format and dotnet test of the real SDK",
        "breakpoints: neither netcoredbg nor vsdbg was run, and only the form of their entries was checked",
    ),
)
