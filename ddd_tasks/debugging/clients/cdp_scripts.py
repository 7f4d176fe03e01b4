"""The scripts that a JavaScript program has loaded, and how places in them relate to places in source files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urljoin

from ddd_tasks.debugging.clients.sourcemaps import SourceMap, read_data_url
from ddd_tasks.debugging.clients.urls import path_of, url_of

# Reads a file that the program sees; "" where it cannot.
ReadFile = Callable[[str], Awaitable[str]]


class Place(NamedTuple):
    """A place in a script that runs; line and column from 0."""

    url: str
    line: int
    column: int

    def as_parameters(self) -> dict[str, Any]:
        """Those of Debugger.setBreakpointByUrl."""
        return {"url": self.url, "lineNumber": self.line, "columnNumber": self.column}


@dataclass
class Script:
    """A loaded script: id and url as the engine has them, map_url its source map, "" without one."""

    id: str
    url: str
    map_url: str
    map: SourceMap | None = None

    @property
    def path(self) -> str:
        """Its path in the container, or its URL where it comes from elsewhere (node:internal/...)."""
        return path_of(self.url) or self.url


class Scripts:
    """All scripts of a program. Source maps are read when they are needed, those of packages never."""

    def __init__(self, read: ReadFile) -> None:
        self._read = read
        self._by_id: dict[str, Script] = {}

    def add(self, script: Script) -> None:
        """Remember a script that was loaded."""
        self._by_id[script.id] = script

    async def sources(self) -> list[str]:
        """The container paths of all files that places can be asked for: scripts, and what they were made from."""
        found = [name for script in self._files() for name in (script.path, *await self._made_from(script))]
        return sorted(set(found))

    async def concerns(self, script: Script, path: str) -> bool:
        """Whether a file, given by its path in the container, became part of a script through a source map."""
        return path in await self._made_from(script)

    async def places(self, path: str, line: int) -> list[Place]:
        """Where a line (from 0) of a file is in the loaded scripts; [] while none was made from it."""
        found = []
        for script in self._files():
            if path in await self._made_from(script):
                assert script.map is not None
                name = next(name for name in script.map.sources if path_of(name) == path)
                if place := script.map.generated(name, line):
                    found.append(Place(script.url, *place))
            elif script.path == path:
                found.append(Place(script.url, line, 0))
        return sorted(set(found))

    async def is_loaded(self, path: str) -> bool:
        """Whether a file was loaded, as a script or as part of one."""
        return any([script.path == path or path in await self._made_from(script) for script in self._files()])

    async def original(self, script_id: str, line: int, column: int) -> tuple[str, int]:
        """The container path and the line (from 0) behind a place in a script: its own where there is no map."""
        script = self._by_id.get(script_id)
        if script is None:
            return "", line
        if await self._made_from(script):
            assert script.map is not None
            if (found := script.map.original(line, column)) and (path := path_of(found[0])):
                return path, found[1]
        return script.path, line

    def _files(self) -> Iterator[Script]:
        """The scripts that come from files; a copy, since more are loaded while a map is read."""
        return iter([script for script in self._by_id.values() if path_of(script.url)])

    async def _made_from(self, script: Script) -> list[str]:
        """The container paths of the sources of a script; [] without a source map that can be read."""
        if script.map is None and script.map_url and "/node_modules/" not in script.url:
            url, script.map_url = script.map_url, ""  # one that cannot be read is not tried again
            script.map = await self._load(script, url)
        return [path for name in script.map.sources if (path := path_of(name))] if script.map else []

    async def _load(self, script: Script, url: str) -> SourceMap | None:
        base = script.url if script.url.startswith("file:") else url_of(script.url)
        try:
            if url.startswith("data:"):
                return SourceMap(read_data_url(url), base)
            where = urljoin(base, url)
            text = await self._read(path_of(where) or "")
            return SourceMap(text, where) if text else None
        except ValueError:
            return None  # the script is debugged as it is, which an editor would do as well
