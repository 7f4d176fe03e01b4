"""Node.js: programs in JavaScript and TypeScript, and services that a package's command starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks.language import Debug, Entry, Language, Metrics, PackageManager, PathMapping
from ddd_tasks.languages._node_code import SCRIPT, TYPESCRIPT, Code, Package, Start, parse

PORT = 8000
# What frameworks listen on when PORT is not set; they honour it.
_FRAMEWORKS = {"next": 3000, "nest": 3000, "nuxt": 3000, "remix-serve": 3000, "astro": 4321, "fastify": 3000}
_PLACES = ("", "src/", "app/", "server/", "bin/", "lib/")
_NAMES = ("server", "index", "main", "app", "service", "www")
_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", "")


def entries(directory: Path, app: str | None = None) -> tuple[Entry, ...]:
    """The ways in which the code in a folder starts; see language.Entries. Raises ConfigError."""
    package, code = Package(directory), Code(directory)
    shown = list(_shown(package, code))
    if app is None:
        return tuple(shown)
    named = [entry for entry in shown if app in (entry.knobs["APP"], entry.knobs["APP"].rpartition(" ")[2])]
    if not named and code.has(app) and SCRIPT.search(app):
        named = [_of_file(package, code, app, "--app names it")]
    return tuple(named)


def _shown(package: Package, code: Code) -> Iterator[Entry]:
    """What the start script says; without one, main; without that, each file of a usual name that listens."""
    for name in ("start:prod", "start"):
        script = package.script(name)
        if (start := parse(script)) and (entry := _of_start(package, code, start, f"the {name} script is {script!r}")):
            yield entry
            return
    if entry := _of_main(package, code):
        yield entry
        return
    usual = [f"{place}{name}{suffix}" for place in _PLACES for name in _NAMES for suffix in _SUFFIXES]
    for file in usual:
        if code.has(file) and code.listens(file):
            yield _of_file(package, code, file, f"{file} listens")


def _of_start(package: Package, code: Code, start: Start, why: str) -> Entry | None:
    """A file that is there or that the build script makes, or a program of a package."""
    if not start.file:
        return _of_command(package, code, start, why) if _is_installed(package, start) else None
    for file in (start.file, f"{start.file}.js", f"{start.file}/index.js"):
        if code.has(file):
            return _of_file(package, code, file, why, start.command.replace(start.file, file, 1))
    return _of_compiled(package, code, start.file, why, start.command)


def _of_main(package: Package, code: Code) -> Entry | None:
    """The file that main names, if it is a program and not a library's door."""
    why = f"main of package.json is {package.main!r}"
    if code.has(package.main) and code.listens(package.main):
        return _of_file(package, code, package.main, why)
    source = code.source_of(package.main) if package.main else ""
    return _of_compiled(package, code, package.main, why, package.main) if code.listens(source) else None


def _of_compiled(package: Package, code: Code, file: str, why: str, command: str) -> Entry | None:
    """A file that the build script makes; in development its source runs, or what the dev script says."""
    if not package.script("build"):
        return None
    dev = _dev(package)
    source = code.source_of(file) or (dev.file if dev and code.has(dev.file) else "")
    app = command if SCRIPT.search(file) else command.replace(file, f"{file}.js", 1)
    if dev and not dev.file and _is_installed(package, dev):
        knobs = {"APP": app, "DEV_APP": dev.command}
        return _entry(package, code, knobs, source, f"{why}; {dev.command!r} in development", ("command",))
    if not source:
        return None
    return _entry(package, code, {"APP": app, "DEV_APP": source}, source, f"{why}, from {source}", ("typescript",))


def _of_file(package: Package, code: Code, file: str, why: str, command: str = "") -> Entry:
    variants = ("typescript",) if TYPESCRIPT.search(file) else ()
    return _entry(package, code, {"APP": command or file, "DEV_APP": ""}, file, why, variants)


def _of_command(package: Package, code: Code, start: Start, why: str) -> Entry:
    """A program of a package; what reloads is its own business, as the dev script tells."""
    dev = _dev(package)
    reloading = dev.command if dev and dev.program == start.program else ""
    said = re.search(r"(?:-p|--port)[ =](\d+)", start.command)
    port = int(said[1]) if said else _FRAMEWORKS.get(start.program)
    knobs = {"APP": start.command, "DEV_APP": reloading}
    return _entry(package, code, knobs, "", why, ("command", "command-prod"), port)


def _dev(package: Package) -> Start | None:
    return parse(package.script("start:dev") or package.script("dev"))


def _is_installed(package: Package, start: Start) -> bool:
    return start.program in _FRAMEWORKS or package.needs(start.program)


def _entry(
    package: Package,
    code: Code,
    knobs: dict[str, str],
    file: str,
    why: str,
    variants: tuple[str, ...],
    usual_port: int | None = None,
) -> Entry:
    """The entry, with port and health as the code says."""
    said, from_environment = code.port(file)
    listens = from_environment or any(map(code.listens, (file, *code.texts)))
    port = said or usual_port or (PORT if listens else None)
    if said:
        why += f", and the code names port {said}"
    return Entry(knobs, port, code.health(), why, (*variants, *_checks(package, code, file)))


def _checks(package: Package, code: Code, file: str) -> Iterator[str]:
    """Variants for scripts that package.json does not have."""
    if not package.script("test"):
        yield "untested"
    if not package.script("lint"):
        typed = TYPESCRIPT.search(file) and package.needs("typescript") and code.has("tsconfig.json")
        yield "typecheck" if typed else "unlinted"


def _attach_arguments(host: str, port: int, mappings: Sequence[PathMapping]) -> dict[str, Any]:
    """What VS Code's debugger for JavaScript takes; see language.Arguments. It knows one folder: here the outermost."""
    outermost = min(mappings, key=lambda one: len(PurePosixPath(one.remote).parts), default=None)
    roots = {"localRoot": str(outermost.local), "remoteRoot": outermost.remote} if outermost else {}
    return {"address": host, "port": port, **roots, "restart": True, "continueOnAttach": True}


NODE = Language(
    name="node",
    markers=("package.json",),
    dockerfile="node",
    test=("npm", "test", "--"),
    reload="nodemon",
    debug=Debug(
        port=9229,
        protocol="cdp",
        probe_by_connecting=True,
        adapter="node",
        arguments=_attach_arguments,
        programs=r"node(js)?",
        wait=(r"--inspect(?!-)", "--inspect-brk"),
        is_live=True,
        sources=("*.js", "*.mjs", "*.cjs", "*.ts", "*.mts"),
    ),
    profilers=("inspector",),
    metrics=Metrics(path="/metrics", port=PORT),
    managers=(
        PackageManager("pnpm", ("pnpm-lock.yaml",), "pnpm"),
        PackageManager("yarn", (".yarnrc.yml",), "berry"),
        PackageManager("yarn", ("yarn.lock",), "yarn"),
        PackageManager("npm", ("package-lock.json", "npm-shrinkwrap.json")),
    ),
    entries=entries,
    not_verified=(
        "the official Node images: without a registry, a stand-in with PyPI's Node 24 runs",
        "frameworks that start by a command of their own, such as next and nest",
    ),
)
