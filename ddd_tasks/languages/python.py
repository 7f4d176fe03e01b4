"""Python: ASGI and WSGI applications, Django projects, and programs that serve by themselves."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import Debug, Entry, Language, Metrics, PackageManager, PathMapping
from ddd_tasks.languages._python_code import FRAMEWORKS, Application, Code, Program
from ddd_tasks.languages._python_lines import lines

PORT = 8000
_MODULES = ("main", "app", "asgi", "wsgi", "server", "api", "application", "web", "service", "run")
_NAMES = ("app", "application", "api", "server")
_VARIANTS: dict[str, tuple[str, ...]] = {"asgi": (), "wsgi": ("wsgi",), "flask": ("wsgi", "flask")}
_FACTORY = "--factory "


def entries(directory: Path, app: str | None = None) -> tuple[Entry, ...]:
    """The ways in which the code in a folder starts; see language.Entries. Raises ConfigError."""
    _check_manifests(directory)
    _check_place(directory)
    code, extra = Code(directory), _extra(directory)
    if (directory / "manage.py").is_file() and (django := _django(directory, code, extra)):
        return (django,) if app in (None, django.knobs["APP"]) else ()
    if app is not None:
        return tuple(_named(code, extra, _declared(directory), app))
    found = [_of_application(code, extra, one) for one in _best_applications(code.applications)]
    found = found or [_of_program(code, extra, one) for one in _best_programs(code.programs)]
    if not found and code.broken:
        file, why = next(iter(code.broken.items()))
        raise ConfigError(
            f"{directory / file} cannot be read as Python", cause=why, hint=f"python3 -m py_compile {directory / file}"
        )
    return tuple(found)


def _best_applications(applications: Sequence[Application]) -> list[Application]:
    """Those that no other one beats: an object before a factory, then by depth, module and name."""

    def rank(one: Application) -> tuple[int, ...]:
        module = one.module.rpartition(".")[2]
        depth = len(PurePath(one.file).parts)
        return int(one.is_factory), depth, _place(_MODULES, module), _place(_NAMES, one.name)

    best = min(map(rank, applications), default=())
    return [one for one in applications if rank(one) == best]


def _best_programs(programs: Sequence[Program]) -> list[Program]:
    """The same for programs; a package that can be started beats files below the top."""

    def rank(one: Program) -> tuple[int, ...]:
        path = PurePath(one.file)
        return len(path.parts) - one.app.startswith("-m "), _place(_MODULES, path.stem)

    best = min(map(rank, programs), default=())
    return [one for one in programs if rank(one) == best]


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _of_application(code: Code, extra: tuple[str, ...], one: Application) -> Entry:
    call = _FACTORY if one.is_factory and one.kind == "asgi" else ""
    app = f"{call}{one.module}:{one.name}" + ("()" if one.is_factory and not call else "")
    what = f"a function {one.name} that makes a {one.framework}" if one.is_factory else f"{one.framework} {one.name}"
    return _entry(code, app, (*_VARIANTS[one.kind], *extra), f"{one.file} has {what}", one.file)


def _of_program(code: Code, extra: tuple[str, ...], one: Program) -> Entry:
    return _entry(code, one.app, ("script", *extra), f"{one.file} is a program", one.file, is_program=True)


def _entry(code: Code, app: str, variants: tuple[str, ...], why: str, file: str, *, is_program: bool = False) -> Entry:
    """An entry, with port and health as the code says; a program's port is its own, a server is told ours."""
    said, from_environment = code.port(file)
    port = said or (PORT if from_environment or not is_program else None)
    if said:
        why += f", and the code names port {said}"
    return Entry({"APP": app, **_paths(code)}, port, code.health(), why, variants)


def _paths(code: Code) -> dict[str, str]:
    """What is watched, and where imports begin."""
    roots = code.roots()
    only = next(iter(roots)) if len(roots) == 1 else "."
    return {"WATCH": "." if only.endswith(".py") else only, "PYTHONPATH": "src" if "src" in roots else "."}


def _named(code: Code, extra: tuple[str, ...], declared: str, app: str) -> Iterator[Entry]:
    """The entry that the user names: one that the code shows, or any module:object or file of it."""
    shown = [_of_application(code, extra, one) for one in code.applications]
    shown += [_of_program(code, extra, one) for one in code.programs]
    plain = app.removeprefix(_FACTORY).removesuffix("()")
    for entry in shown:
        if entry.knobs["APP"].removeprefix(_FACTORY).removesuffix("()") == plain:
            yield entry
            return
    files = {module.name: module.file for module in code.modules}
    module = app.removeprefix(_FACTORY).partition(":")[0]
    if ":" in app and module in files:
        kinds = (kind for (package, _), kind in FRAMEWORKS.items() if re.search(rf"(?im)^\W*{package}\b", declared))
        kind = next(kinds, "wsgi")
        yield _entry(code, app, (*_VARIANTS[kind], *extra), "--app names it", files[module])
    elif app in files.values() or app.removeprefix("-m ") in files:
        yield _entry(code, app, ("script", *extra), "--app names it", app, is_program=True)


def _django(directory: Path, code: Code, extra: tuple[str, ...]) -> Entry | None:
    """The project of a manage.py that names a settings module."""
    text = (directory / "manage.py").read_text(encoding="utf-8", errors="replace")
    settings = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)['\"]", text)
    if settings is None:
        return None
    package = settings[1].partition(".")[0]
    own_tests = () if "pytest-django" in _declared(directory) else ("django-test",)
    why = f"manage.py starts a Django project with the settings {settings[1]}"
    knobs = {"APP": f"{package}.wsgi:application", "WATCH": ".", "PYTHONPATH": "."}
    return Entry(knobs, PORT, code.health(), why, ("wsgi", "django", *own_tests, *extra))


def _extra(directory: Path) -> tuple[str, ...]:
    """Variants for every kind of program: whether the code has been formatted with ruff so far."""
    has_ruff = any((directory / name).is_file() for name in ("ruff.toml", ".ruff.toml"))
    return () if has_ruff or re.search(r"\bruff\b", _declared(directory)) else ("unformatted",)


def _declared(directory: Path) -> str:
    """The text of the files that name what the project depends on."""
    files = [directory / "pyproject.toml", *directory.glob("*requirements*.txt"), *directory.glob("requirements/*.txt")]
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())


def _check_manifests(directory: Path) -> None:
    """Raise ConfigError for a manifest that no tool can read, or that none of the package managers takes."""
    file = directory / "pyproject.toml"
    settings = _toml(file) if file.is_file() else {}
    others = any(directory.glob("*requirements*.txt")) or any(directory.glob("requirements/*.txt"))
    if "poetry" in settings.get("tool", {}) and "project" not in settings:
        if not (directory / "poetry.lock").is_file() and not others:
            raise ConfigError(
                f"{file} is Poetry's, and there is no poetry.lock",
                cause="the versions that an image gets are those of the lock file",
                hint="poetry lock",
            )
    elif (directory / "Pipfile").is_file() and not others and "project" not in settings:
        raise ConfigError(
            f"{directory / 'Pipfile'} is Pipenv's, which the stages do not know",
            cause="they install from uv.lock, poetry.lock, requirements*.txt or pyproject.toml",
            hint="pipenv requirements > requirements.txt",
        )


def _check_place(directory: Path) -> None:
    """Raise ConfigError for a Django project whose dependencies are named above it: an image would have no Django."""
    if not (directory / "manage.py").is_file() or _manifests(directory):
        return
    if above := _manifests(directory.resolve().parent):
        files = " ".join(map(str, above))
        raise ConfigError(
            f"{directory / 'manage.py'} has no file beside it that names what it depends on",
            cause=f"an image is built from the service's folder alone, and {files} above it would not be in it",
            hint=f"cp {files} {directory}/",
        )


def _manifests(directory: Path) -> list[Path]:
    """The files of a folder that name what the code in it depends on."""
    names = ("pyproject.toml", "uv.lock", "poetry.lock", "setup.py", "setup.cfg", "Pipfile")
    files = [directory / name for name in names]
    requirements = [*directory.glob("*requirements*.txt"), *directory.glob("requirements/*.txt")]
    return [file for file in files if file.is_file()] + sorted(requirements)


def _toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError."""
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")  # Nox brings tomli for 3.10
    try:
        loaded: dict[str, Any] = toml.loads(file.read_text(encoding="utf-8"))
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read", cause=str(error), hint=f"${{EDITOR:-vi}} {file}") from error
    return loaded


def _attach_arguments(host: str, port: int, mappings: Sequence[PathMapping]) -> dict[str, Any]:
    """What debugpy takes; see language.Arguments. subProcess: reloaders and workers are sessions of their own."""
    return {
        "connect": {"host": host, "port": port},
        "pathMappings": [{"localRoot": str(one.local), "remoteRoot": one.remote} for one in mappings],
        "justMyCode": False,
        "subProcess": True,
    }


PYTHON = Language(
    name="python",
    markers=("pyproject.toml", "uv.lock", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "manage.py"),
    dockerfile="python",
    test=("python", "-m", "pytest"),
    reload="uvicorn",
    debug=Debug(
        port=5678,
        protocol="dap",
        probe_by_connecting=False,
        adapter="debugpy",
        arguments=_attach_arguments,
        programs=r"python(3(\.\d+)?)?t?",
        lines=lines,
        wait=(r"(-m debugpy --listen \S+)", r"\1 --wait-for-client"),
        is_live=True,
        is_traced=True,
        sources=("*.py",),
    ),
    profilers=("py-spy", "memray"),
    metrics=Metrics(path="/metrics", port=PORT),
    managers=(
        PackageManager("uv", ("uv.lock",)),
        PackageManager("poetry", ("poetry.lock",), "poetry"),
        PackageManager("pip", ("requirements*.txt", "requirements/*.txt"), "pip"),
        PackageManager("pip", ("pyproject.toml:[project]",), "pyproject"),
        PackageManager("pip", (), "pip"),
    ),
    entries=entries,
    not_verified=(
        "the official Python image: without a registry, a stand-in with Debian's Python runs",
        "debug.attach to Python 3.14: it was tried by hand, and the tests have 3.13",
    ),
)
