"""Places in JavaScript that was made from TypeScript, as places in that: by the source maps in the container."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from ddd_tasks.debugging import files
from ddd_tasks.debugging.clients.sourcemaps import SourceMap, read_data_url
from ddd_tasks.engine.api import Engine
from ddd_tasks.profiling import v8
from ddd_tasks.profiling.stacks import Frame
from ddd_tasks.profiling.v8 import Call

_MAP = re.compile(rb"^//[#@] sourceMappingURL=(\S+)\s*\Z", re.MULTILINE)


class Originals:
    """The sources behind the scripts of a container. Each script and map is read once; packages' never."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container
        self._maps: dict[str, SourceMap | None] = {}

    def frame(self, call: Call) -> Frame:
        """The call as a frame of its source; of the script itself, where it has no map that can be read."""
        made = v8.frame(call)
        if not made.file.startswith("/") or "/node_modules/" in made.file:
            return made
        if call.place.url not in self._maps:
            self._maps[call.place.url] = self._load(call.place.url)
        known = self._maps[call.place.url]
        found = known and _original(known, call.place.line, call.place.column)
        if not found:
            return made
        url, line, _ = found
        return Frame(made.function, v8.path_of(url), line + 1)

    def _load(self, url: str) -> SourceMap | None:
        script = files.content(self._engine, self._container, v8.path_of(url)) or b""
        if not (named := _MAP.search(script.rstrip())):
            return None
        where = named[1].decode(errors="replace")
        try:
            if where.startswith("data:"):
                return SourceMap(read_data_url(where), url)
            where = urljoin(url, where)
            text = files.content(self._engine, self._container, v8.path_of(where))
            return SourceMap(text.decode(), where) if text else None
        except ValueError:  # no source map: the script itself is shown
            return None


def _original(known: SourceMap, line: int, column: int) -> tuple[str, int, int] | None:
    """Of a line without a column, its first place that has a source."""
    if column >= 0:
        return known.original(line, column)
    starts = (one for one in known.segments if one.line == line)
    first = next(starts, None)
    return known.original(line, first.column) if first else None
