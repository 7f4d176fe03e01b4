"""What package.json and the code of a Node.js project say about the service in it, read without a run."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import HEALTH_PATHS

SCRIPT = re.compile(r"\.[cm]?[jt]sx?$")
TYPESCRIPT = re.compile(r"\.[cm]?tsx?$")
_NOT_OURS = {"node_modules", "test", "tests", "__tests__", "docs", "dist", "build", "coverage", "public", "static"}
_NO_CODE = re.compile(r"\.(test|spec|d|config)\.[cm]?[jt]sx?$")
_DEEPEST = 5
_MOST_FILES = 500
_MOST_BYTES = 500_000
# Programs whose first argument that is a file is run by Node.
_RUNNERS = {"node", "nodemon", "tsx", "ts-node", "ts-node-dev", "tsnd"}
_WITH_VALUE = {"-r", "--require", "--import", "--loader", "--experimental-loader", "--env-file", "-C", "--conditions"}
_WITH_VALUE_OF = {"nodemon": {"-w", "--watch", "-e", "--ext", "-x", "--exec", "-d", "--delay", "-i", "--ignore"}}
_WATCHES = ("--watch", "--inspect")
# A start script may build first; the build stage does.
_BUILDS = re.compile(r"^(?:(?:npm|pnpm|yarn)(?:\s+run)?\s+build|(?:npx\s+)?tsc)\s*&&\s*")
# The images have no .env, by their .dockerignore: where it is missing, it is not read.
_ENV_FILE = re.compile(r"^--env-file(?==|$)")
_LISTENS = re.compile(r"\.listen\s*\(|\b(?:serve|createServer)\s*\(")
_NUMBER = r"""["'`]?(\d{2,5})\b"""
_OTHERWISE = rf"[\s)]*(?:(?:\|\||\?\?)\s*{_NUMBER})?"
_ENVIRONMENT = re.compile(r"""\benv\s*(?:\.\s*PORT\b|\[\s*["']PORT["']\s*\])""" + _OTHERWISE)
_PORTS = (
    re.compile(r"\.listen\s*\(\s*(?:\{[^}]*?\bport\s*:\s*)?" + _NUMBER),
    re.compile(r"""\bport\b["']?\s*(?::\s*number\s*)?[:=]\s*(?:Number\(|parseInt\()?\s*""" + _NUMBER, re.IGNORECASE),
)
_COMMENTS = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_PLACEHOLDER = "no test specified"


class Start(NamedTuple):
    """A command line: the program, and the file that Node runs with the options before it, "" where it is none."""

    program: str
    options: tuple[str, ...]
    file: str
    command: str


class Package:
    """The package.json of a folder. Raises ConfigError when it cannot be read."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "package.json"
        try:
            values = json.loads(self.file.read_text(encoding="utf-8-sig")) if self.file.is_file() else {}
        except (OSError, ValueError) as error:
            raise self._broken(str(error)) from error
        if not isinstance(values, dict):
            raise self._broken("it holds no object")
        self._values: Mapping[str, Any] = values

    @property
    def main(self) -> str:
        """The file that `main` names, "" without one."""
        main = self._values.get("main")
        return PurePosixPath(main).as_posix() if isinstance(main, str) and main else ""

    def script(self, name: str) -> str:
        """The command line of a script, "" without one; npm's own refusal in place of a test is none."""
        script = self._table("scripts").get(name)
        return script if isinstance(script, str) and _PLACEHOLDER not in script else ""

    def needs(self, name: str) -> bool:
        """Whether it depends on a package, also only for development."""
        return name in self._table("dependencies") or name in self._table("devDependencies")

    def _table(self, key: str) -> Mapping[str, Any]:
        table = self._values.get(key)
        return table if isinstance(table, dict) else {}

    def _broken(self, cause: str) -> ConfigError:
        return ConfigError(f"{self.file} cannot be read", cause=cause, hint=f"${{EDITOR:-vi}} {self.file}")


class Code:
    """The JavaScript and TypeScript files of a folder, without tests and what is built."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def texts(self) -> dict[str, str]:
        """Path -> text without comments."""
        return {path: _without_comments(self.directory / path) for path in _files(self.directory)}

    def has(self, path: str) -> bool:
        """Whether there is such a file, inside the folder."""
        return bool(path) and ".." not in PurePath(path).parts and (self.directory / path).is_file()

    def listens(self, path: str) -> bool:
        """Whether a file itself starts something that listens."""
        return bool(_LISTENS.search(self.text(path)))

    def text(self, path: str) -> str:
        """A file without comments, also one whose name has no ending; "" where there is none."""
        return self.texts.get(path) or (_without_comments(self.directory / path) if self.has(path) else "")

    def port(self, path: str) -> tuple[int | None, bool]:
        """The port that the code listens on, as far as it says one, and whether the variable PORT may set it.

        The file is looked at first, then all others.
        """
        ordered = [self.text(path), *self.texts.values()]
        found = [match for text in ordered for match in _ENVIRONMENT.finditer(text)]
        if found:
            return next((int(match[1]) for match in found if match[1]), None), True
        for pattern in _PORTS:
            ports = (int(match[1]) for text in ordered for match in pattern.finditer(text))
            if port := next((port for port in ports if 80 <= port < 65536), None):
                return port, False
        return None, False

    def health(self) -> str | None:
        """The path of a route that looks like a health check."""
        said = {match for text in self.texts.values() for match in re.findall(r"""["'`](/[\w/-]+)["'`]""", text)}
        return next((path for path in HEALTH_PATHS if path.rstrip("/") in {one.rstrip("/") for one in said}), None)

    def source_of(self, path: str) -> str:
        """The TypeScript file that a compiled one, such as dist/server.js, is made from; "" when none is found."""
        compiled = PurePosixPath(path)
        below = PurePosixPath(*compiled.parts[1:])
        suffixes = [compiled.suffix.replace("js", "ts"), ".ts", ".mts", ".cts", ".tsx"]
        places = [below, PurePosixPath("src") / below] if below.name else [compiled] if compiled.name else []
        sources = (place.with_suffix(suffix).as_posix() for place in places for suffix in suffixes)
        return next((source for source in sources if self.has(source)), "")


def parse(command: str) -> Start | None:
    """What the command line of a script starts: None for one that only a shell could say."""
    command = _BUILDS.sub("", command.strip())
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if set(command) & set("|;&<>`$"):
        return None
    while words and (re.match(r"\w+=", words[0]) or words[0] in ("cross-env", "npx", "exec", "--")):
        words.pop(0)
    if not words:
        return None
    program, options, rest = words[0], [], words[1:]
    if program not in _RUNNERS:
        return Start(program, (), "", shlex.join(words))
    while rest and (rest[0].startswith("-") or rest[0] == "watch"):
        option = rest.pop(0)
        has_value = option in _WITH_VALUE or option in _WITH_VALUE_OF.get(program, ())
        value = [rest.pop(0)] if has_value and rest else []
        if program == "node" and not option.startswith(_WATCHES):
            options += [_ENV_FILE.sub("--env-file-if-exists", option), *value]
    if not rest:
        return None
    file = PurePosixPath(rest[0]).as_posix()
    return Start(program, tuple(options), file, shlex.join([*options, file, *rest[1:]]))


def _without_comments(file: Path) -> str:
    return _COMMENTS.sub("", file.read_text(encoding="utf-8", errors="replace"))


def _files(directory: Path) -> Iterator[str]:
    """Paths of at most so many files of the service, those of a folder before those below it."""
    count = 0
    for folder, folders, files in os.walk(directory):
        depth = len(Path(folder).relative_to(directory).parts)
        folders[:] = sorted(
            name for name in folders if depth < _DEEPEST and name not in _NOT_OURS and not name.startswith(".")
        )
        for name in sorted(files):
            file = Path(folder) / name
            if SCRIPT.search(name) and not _NO_CODE.search(name) and file.stat().st_size < _MOST_BYTES:
                count += 1
                if count > _MOST_FILES:
                    return
                yield file.relative_to(directory).as_posix()
