"""Go: modules with one or more programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks.language import Debug, Entry, Language, Metrics, PackageManager, PathMapping
from ddd_tasks.languages import _go_code as code

PORT = 8080
_NOT_SERVICES = {"example", "examples", "tool", "tools", "script", "scripts", "hack", "test", "tests", "e2e"}
_NAMES = ("server", "api", "service", "web", "app", "http", "serve")


def entries(directory: Path, app: str | None = None) -> tuple[Entry, ...]:
    """The programs of the module in a folder; see language.Entries. Raises ConfigError."""
    if not (directory / "go.mod").is_file():
        return ()
    module = code.Code(directory)
    found = module.mains()
    if app is not None:
        folder = PurePosixPath(app).as_posix()
        return (_entry(module, folder, "--app names it"),) if folder in found else ()
    ranked = {folder: _rank(module, folder) for folder in found}
    best = min(ranked.values(), default=None)
    return tuple(_entry(module, folder) for folder in found if ranked[folder] == best)


def _rank(module: code.Code, folder: str) -> tuple[int, ...]:
    """Smaller is likelier: a program that listens, not among the tools, at the top, called as services are."""
    parts = PurePosixPath(folder).parts
    names = (*_NAMES, PurePosixPath(module.module).name)
    name = parts[-1] if parts else ""
    return (
        int(any(part in _NOT_SERVICES for part in parts)),
        int(not code.listens(module.of_program(folder))),
        int(bool(parts)),
        int(name not in names),  # cmd/api beside cmd/server: both may be the service, and the user is asked
    )


def _entry(module: code.Code, folder: str, said: str = "") -> Entry:
    """A program with its port and health path; one that does not listen has neither."""
    text = module.of_program(folder)
    place = "the folder itself" if folder == "." else folder
    why = said or f"{place} has package main"
    app = "." if folder == "." else f"./{folder}"
    if not code.listens(text):
        return Entry({"APP": app}, None, None, f"{why}, which does not listen", ("worker",))
    number, from_environment = code.port(text)
    if number:
        why += f", and the code names port {number}"
    elif from_environment:
        why += ", which listens on $PORT"
    return Entry({"APP": app}, number or PORT, code.health(text), why)


def _attach_arguments(host: str, port: int, mappings: Sequence[PathMapping]) -> dict[str, Any]:
    """What Delve takes from VS Code; see language.Arguments. Without debugAdapter its versions differ."""
    return {
        "mode": "remote",
        "debugAdapter": "dlv-dap",
        "host": host,
        "port": port,
        "substitutePath": [{"from": str(one.local), "to": one.remote} for one in mappings],
    }


GO = Language(
    name="go",
    markers=("go.mod",),
    dockerfile="go",
    test=("go", "test", "./..."),
    reload="reload",
    debug=Debug(
        port=2345,
        protocol="dap",
        probe_by_connecting=False,
        adapter="go",
        arguments=_attach_arguments,
        is_compiled=True,
        wait=(r"--continue\b(?!=)", "--continue=false"),
        is_live=True,
        is_traced=True,
        sources=("*.go",),
    ),
    profilers=("pprof",),
    metrics=Metrics(path="/metrics", port=PORT),
    managers=(PackageManager("go", ("go.mod",)),),
    entries=entries,
    not_verified=(
        "the official Go image: without a registry, a stand-in with Debian's Go runs, which has no C compiler",
        "Delve from Go's module proxy in the debug stage: the stand-in has Debian's",
    ),
)
