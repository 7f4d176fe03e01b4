"""What Python code says about the service in it: applications, programs, ports and health paths, read without a run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from ddd_tasks.language import HEALTH_PATHS

# The package that a class comes from, the class, and the kind of application that it makes.
FRAMEWORKS = {
    ("fastapi", "FastAPI"): "asgi",
    ("starlette", "Starlette"): "asgi",
    ("litestar", "Litestar"): "asgi",
    ("quart", "Quart"): "asgi",
    ("flask", "Flask"): "flask",
    ("apiflask", "APIFlask"): "flask",
    ("bottle", "Bottle"): "wsgi",
    ("bottle", "default_app"): "wsgi",
    ("falcon", "App"): "wsgi",
}
_NOT_OURS = {"tests", "test", "docs", "node_modules", "site-packages", "venv", "build", "dist", "migrations"}
_NOT_STARTED = {"setup.py", "noxfile.py", "tasks.py", "conftest.py", "manage.py"}
_LISTENING = {
    *("run", "run_app", "serve", "run_simple", "make_server", "start_server", "create_server", "listen", "bind"),
    *("HTTPServer", "ThreadingHTTPServer", "TCPServer", "ThreadingTCPServer", "TCPSite", "Server", "Config"),
}
# What shows that a folder below is a virtual environment, or a project of its own.
_ELSEWHERE = {"pyvenv.cfg", "pyproject.toml", "requirements.txt", "setup.py", "manage.py"}
_DEEPEST = 4
_MOST_FILES = 500


class Application(NamedTuple):
    """A WSGI or ASGI application, or a function without required arguments that makes one (is_factory)."""

    file: str
    module: str
    name: str
    kind: str
    framework: str
    is_factory: bool


class Program(NamedTuple):
    """A file that is meant to be started: it asks whether __name__ is "__main__", or is a package's __main__.py."""

    file: str
    app: str


@dataclass
class Module:
    """One file: its import name, and what its names were imported as."""

    file: str
    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)

    def origin(self, node: ast.expr) -> str:
        """The dotted name that an expression stands for, with what was imported under another name put in full."""
        if isinstance(node, ast.Attribute):
            return f"{self.origin(node.value)}.{node.attr}"
        return self.imports.get(node.id, node.id) if isinstance(node, ast.Name) else ""


class Code:
    """The Python files of a folder; broken are those that are not valid Python, with the reason."""

    def __init__(self, directory: Path) -> None:
        self.broken: dict[str, str] = {}
        self.modules = list(self._modules(directory))
        self.applications = list(self._applications())
        self.programs = [program for module in self.modules for program in _programs(module)]

    def _modules(self, directory: Path) -> Iterator[Module]:
        src = directory / "src"
        is_root = src.is_dir() and not (src / "__init__.py").exists()
        for file in _files(directory):
            relative = file.relative_to(directory)
            parts = relative.with_suffix("").parts
            parts = parts[1:] if is_root and parts[0] == "src" else parts
            parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
            try:
                tree = ast.parse(file.read_bytes())
            except (SyntaxError, ValueError, OSError) as error:
                self.broken[str(relative)] = f"{type(error).__name__}: {error}"
                continue
            yield _with_imports(Module(str(relative), ".".join(parts), tree))

    def _applications(self) -> Iterator[Application]:
        factories = {f"{module.name}.{name}": made for module in self.modules for name, made, _ in _factories(module)}
        for module in self.modules:
            for name, value in _assignments(module.tree):
                origin = module.origin(value.func)
                made = _framework(origin) or factories.get(origin) or factories.get(f"{module.name}.{origin}")
                if made:
                    yield Application(module.file, module.name, name, *made, is_factory=False)
            for name, made, is_ready in _factories(module):
                if is_ready:
                    yield Application(module.file, module.name, name, *made, is_factory=True)

    def port(self, file: str) -> tuple[int | None, bool]:
        """The port that the code listens on, as far as it says one, and whether the variable PORT may set it.

        The file is looked at first, then all others.
        """
        ordered = sorted(self.modules, key=lambda module: module.file != file)
        from_environment = [port for module in ordered for port in _ports_of_environment(module.tree)]
        if from_environment:
            return from_environment[0], True
        return next((port for module in ordered for port in _ports(module.tree)), None), False

    def health(self) -> str | None:
        """The path of a route that looks like a health check."""
        texts = {
            node.value
            for module in self.modules
            for call in ast.walk(module.tree)
            if isinstance(call, ast.Call)
            for node in call.args
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        spelled = {f"/{text.removeprefix('/')}" for text in texts if text.startswith("/") or text.endswith("/")}
        return next((path for wanted in HEALTH_PATHS for path in (wanted, f"{wanted}/") if path in spelled), None)

    def roots(self) -> set[str]:
        """The folders and files at the top that hold code of the service."""
        return {PurePath(module.file).parts[0] for module in self.modules} - _NOT_STARTED


def _files(directory: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, files in os.walk(directory):
        depth = len(Path(folder).relative_to(directory).parts)
        folders[:] = sorted(
            name for name in folders if depth < _DEEPEST and name not in _NOT_OURS and not name.startswith(".")
        )
        if depth and not _ELSEWHERE.isdisjoint(files):
            folders.clear()
            continue
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_") and not name.endswith("_test.py"):
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(folder) / name


def _with_imports(module: Module) -> Module:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                module.imports[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(module, node)
            module.imports.update({alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names})
    return module


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = PurePath(module.file).name == "__init__.py"
    parts = module.name.split(".")[: None if is_package else -1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _framework(origin: str) -> tuple[str, str] | None:
    """(kind, class) when the dotted name is a framework's application class."""
    package, name = origin.partition(".")[0], origin.rpartition(".")[2]
    kind = FRAMEWORKS.get((package, name))
    shown = "Bottle" if name == "default_app" else name
    return ("asgi" if ".asgi." in origin else kind, shown) if kind else None


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Names at the top of a module that are given what a call returns."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.If | ast.Try | ast.With):
            todo[:0] = node.body
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Call):
            yield target.id, value


def _factories(module: Module) -> Iterator[tuple[str, tuple[str, str], bool]]:
    """Functions that make an application and return something: name, kind and class, and whether they need nothing."""
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        inner = list(ast.walk(node))
        made = [_framework(module.origin(call.func)) for call in inner if isinstance(call, ast.Call)]
        found = next((one for one in made if one), None)
        if found and any(isinstance(one, ast.Return) and one.value for one in inner):
            needed = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
            yield node.name, found, needed + node.args.kw_defaults.count(None) == 0


def _programs(module: Module) -> Iterator[Program]:
    path = PurePath(module.file)
    if path.name in _NOT_STARTED:
        return
    if path.name == "__main__.py" and len(path.parts) > 1:
        yield Program(module.file, f"-m {module.name.removesuffix('.__main__')}")
    elif any(isinstance(node, ast.If) and "'__main__'" in ast.dump(node.test) for node in module.tree.body):
        yield Program(module.file, module.file)


def _ports_of_environment(tree: ast.Module) -> Iterator[int | None]:
    """The defaults of os.environ.get("PORT", N) and getenv; None for a PORT without one."""
    for node in ast.walk(tree):
        words = node.args if isinstance(node, ast.Call) else [node.slice] if isinstance(node, ast.Subscript) else []
        if words and isinstance(words[0], ast.Constant) and words[0].value == "PORT":
            yield _number(words[1]) if len(words) > 1 else None


def _ports(tree: ast.Module) -> Iterator[int]:
    """Numbers that a call of something that listens is given as its port."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in _LISTENING:
            given = [word.value for word in node.keywords if word.arg == "port"]
            given += [item for word in node.args for item in (word.elts if isinstance(word, ast.Tuple) else [word])]
            yield from (port for port in map(_number, given) if port)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _number(node: ast.expr) -> int | None:
    """A port as a number or as digits in a string; also inside int(...)."""
    if isinstance(node, ast.Call):
        return _number(node.args[0]) if _last_name(node.func) == "int" and node.args else None
    value = node.value if isinstance(node, ast.Constant) else None
    text = "" if isinstance(value, bool) else str(value)
    return int(text) if text.isdecimal() and 80 <= int(text) < 65536 else None
