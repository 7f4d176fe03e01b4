"""What Go code says about the service in it: main packages, ports and health paths, read without a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import HEALTH_PATHS

_NOT_OURS = {"vendor", "testdata", "node_modules"}
_MODULE = re.compile(r'^\s*module\s+"?([^\s"]+)', re.MULTILINE)
# Texts stay, so that what looks like a comment in them does as well.
_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*"|`[^`]*`|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/', re.DOTALL)
_NOT_BUILT = re.compile(r"^//go:build\s+(?:ignore|tools?)\b", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s+main\b", re.MULTILINE)
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_IMPORTS = re.compile(r'^import\s+(?:[\w.]+\s+)?"([^"]+)"|^import\s*\(([^)]*)\)', re.MULTILINE)
_QUOTED = re.compile(r'"([^"]+)"')
_LISTENS = re.compile(
    r"\bListenAndServe(?:TLS)?\b|\bhttp\.Serve(?:r|TLS)?\b|\b(?:net|tls)\.Listen\w*\b"
    r'|"github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber|kataras/iris|beego/beego|cloudwego/hertz)[/"]'
)
# An address to listen on: ":8080", "0.0.0.0:8080", "localhost:8080".
_ADDRESS = re.compile(r'"(?P<host>[\w.*-]*|\[::\d?\]):(?P<port>\d{2,5})"')
_OPEN = {"", "0.0.0.0", "[::]"}
# A port by itself: port := "8080", getenv("PORT", "8080"), flag.Int("port", 8080, ...), httpPort = 8080.
_NAMED = re.compile(
    r"(?:(?<![A-Za-z])(?:port|PORT)|Port)(?:s?\b|[A-Z_]\w*)" r"[^\n;{}]{0,60}?[\"=(:,\s]:?(?P<port>\d{2,5})\b"
)
_OF_OTHERS = re.compile(
    r"(?i)metric|pprof|debug|admin|redis|postgres|sql|(?<![a-z])db|database|mongo|kafka|nats|amqp|rabbit|elastic|otel|smtp"
    r"|dial|client"
)
_FROM_ENVIRONMENT = re.compile(r"""["'`]PORT["'`]|env:"PORT\b""")
_ROUTE = re.compile(r'"(?:(?:GET|HEAD)\s+)?(/[\w/.-]*)"')
_LAST_PORT = 65535


class Code:
    """The Go files of one module: those of tests, other modules and other people's packages are left out."""

    def __init__(self, directory: Path) -> None:
        """Read the files below the folder of a go.mod. Raises ConfigError for a go.mod that names no module."""
        text = (directory / "go.mod").read_text(encoding="utf-8", errors="replace")
        name = _MODULE.search(re.sub(r"//.*", "", text))
        if name is None:
            file = directory / "go.mod"
            cause = "it has no line `module NAME`"
            raise ConfigError(f"{file} names no module", cause=cause, hint=f"${{EDITOR:-vi}} {file}")
        self.module = name[1]
        self.packages: dict[str, str] = {}
        for file in _files(directory):
            code = file.read_text(encoding="utf-8", errors="replace")
            if not _NOT_BUILT.search(code):
                folder = file.parent.relative_to(directory).as_posix()
                self.packages[folder] = (
                    self.packages.get(folder, "") + "\n" + _COMMENT.sub(lambda match: match[1] or " ", code)
                )

    def mains(self) -> list[str]:
        """The folders with a program: "." or, for example, cmd/server."""
        return [folder for folder in sorted(self.packages) if self._is_main(folder)]

    def of_program(self, folder: str) -> str:
        """The code of a program, and of the packages of this module that it imports, near ones first."""
        order, seen = [folder], {folder}
        for one in order:
            new = [name for name in self._imports(one) if name in self.packages and name not in seen]
            order += new
            seen.update(new)
        return "\n".join(self.packages[one] for one in order)

    def _is_main(self, folder: str) -> bool:
        text = self.packages[folder]
        return bool(_PACKAGE.search(text) and _MAIN.search(text))

    def _imports(self, folder: str) -> Iterator[str]:
        for one, many in _IMPORTS.findall(self.packages[folder]):
            for path in [one] if one else _QUOTED.findall(many):
                if path == self.module or path.startswith(f"{self.module}/"):
                    yield PurePosixPath(path.removeprefix(self.module).strip("/") or ".").as_posix()


def listens(text: str) -> bool:
    """Whether code waits for connections."""
    return bool(_LISTENS.search(text))


def port(text: str) -> tuple[int | None, bool]:
    """The port that code listens on, None where it names none; and whether PORT of the environment can change it."""
    from_environment = bool(_FROM_ENVIRONMENT.search(text))
    ours = [line for line in text.splitlines() if not _OF_OTHERS.search(line)]
    for lines in (ours, text.splitlines()):
        found = [match for line in lines for match in _ADDRESS.finditer(line)]
        named = [int(match["port"]) for line in lines for match in _NAMED.finditer(line)]
        open_ones = [int(match["port"]) for match in found if match["host"] in _OPEN]
        for number in (*open_ones, *named, *(int(match["port"]) for match in found)):
            if 0 < number <= _LAST_PORT:
                return number, from_environment
    return None, from_environment


def health(text: str) -> str | None:
    """The first of the usual paths that code has a route for."""
    routes = {route.rstrip("/") for route in _ROUTE.findall(text)}
    return next((path for path in HEALTH_PATHS if path in routes), None)


def _files(directory: Path) -> Iterator[Path]:
    """Files that the build may read, the top first."""
    for path in sorted(directory.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.name.startswith((".", "_")):
            continue
        if path.is_file() and path.suffix == ".go" and not path.name.endswith("_test.go"):
            yield path
        elif path.is_dir() and not path.is_symlink() and path.name not in _NOT_OURS and not (path / "go.mod").exists():
            yield from _files(path)
