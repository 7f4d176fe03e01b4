"""Source maps (version 3): which place in the code that runs stands for which place in the code that was written."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urljoin

_DIGITS = {char: n for n, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
_GUARD = ")]}'"  # before the JSON: it keeps a browser from running the map as a script


class Segment(NamedTuple):
    """One line of a map, all numbers from 0: a place in the code that runs, and the source and place behind it."""

    line: int
    column: int
    source: int
    source_line: int
    source_column: int


def decode_vlq(text: str) -> list[int]:
    """The numbers of a segment: base 64 digits of five bits, lowest first; the sixth says that more follow.

    Raises ValueError for another character, or where more should follow.
    """
    numbers, value, shift = [], 0, 0
    for char in text:
        digit = _DIGITS.get(char, -1)
        if digit < 0:
            raise ValueError(f"{char!r} is no digit of a source map")
        value |= (digit & 0b11111) << shift
        shift += 5
        if not digit & 0b100000:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise ValueError(f"{text!r} ends within a number")
    return numbers


def decode_mappings(text: str) -> Iterator[Segment]:
    """The segments of a map that have a source, in the order of the code that runs."""
    source = source_line = source_column = 0
    for line, group in enumerate(text.split(";")):
        column = 0
        for word in filter(None, group.split(",")):
            numbers = decode_vlq(word)
            column += numbers[0]
            if len(numbers) >= 4:
                source, source_line, source_column = (
                    source + numbers[1],
                    source_line + numbers[2],
                    source_column + numbers[3],
                )
                yield Segment(line, column, source, source_line, source_column)


def read_data_url(url: str) -> str:
    """The text in a data: URL."""
    head, _, data = url.partition(",")
    raw = unquote_to_bytes(data)
    return (base64.b64decode(raw) if head.endswith(";base64") else raw).decode()


class SourceMap:
    """A map. base: the URL of its file, or of the script that holds it, which its sources are relative to.

    sources: the URLs of the sources. Places are (line, column), all numbers from 0. Raises ValueError for text that
    is no source map.
    """

    def __init__(self, text: str, base: str) -> None:
        try:
            whole = json.loads(text.partition("\n")[2] if text.startswith(_GUARD) else text)
            self._sections = [(_offset(part), part["map"]) for part in whole.get("sections", ())] or [((0, 0), whole)]
            self._names = [[_resolve(base, part, name) for name in part["sources"]] for _, part in self._sections]
            self.sources = tuple(name for names in self._names for name in names)
            self._mappings = [str(part["mappings"]) for _, part in self._sections]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no source map: {error!r}") from error

    @cached_property
    def segments(self) -> list[Segment]:
        """All segments in the order of the code that runs; decoded when first asked for."""
        found, before = [], 0
        for ((line, column), _), names, mappings in zip(self._sections, self._names, self._mappings, strict=True):
            for one in decode_mappings(mappings):
                shift = column if one.line == 0 else 0
                found.append(one._replace(line=one.line + line, column=one.column + shift, source=one.source + before))
            before += len(names)
        return found

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [(one.line, one.column) for one in self.segments]

    def original(self, line: int, column: int) -> tuple[str, int, int] | None:
        """The source and the place in it behind a place in the code that runs; None where the map knows none."""
        index = bisect_right(self._starts, (line, column)) - 1
        if index < 0 or self.segments[index].line != line:
            return None
        one = self.segments[index]
        return self.sources[one.source], one.source_line, one.source_column

    def generated(self, source: str, line: int) -> tuple[int, int] | None:
        """The first place in the code that runs which stands for a line of a source, or for the next that has one."""
        wanted = {index for index, name in enumerate(self.sources) if name == source}
        behind = [one for one in self.segments if one.source in wanted and one.source_line >= line]
        if not behind:
            return None
        best = min(behind, key=lambda one: (one.source_line, one.source_column, one.line, one.column))
        return best.line, best.column


def _offset(section: Mapping[str, Any]) -> tuple[int, int]:
    return int(section["offset"]["line"]), int(section["offset"]["column"])


def _resolve(base: str, part: Mapping[str, Any], name: str) -> str:
    """The URL of a source: sourceRoot stands before its name."""
    root = part.get("sourceRoot") or ""
    return urljoin(base, f"{root.rstrip('/')}/{name}" if root else name)
