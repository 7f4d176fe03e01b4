"""Source files and lines of a .NET assembly, from the portable PDB that the compiler wrote beside it.

The format: dotnet/runtime, docs/design/specs/PortablePdb-Metadata.md, on that of ECMA-335, II.24. Not read: a PDB
within the assembly, and the PDBs of Windows.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

_MAGIC = b"BSJB"
_DOCUMENTS, _METHODS = 0x30, 0x31  # numbers of tables
_METHOD_TOKEN = 0x06000000
_HIDDEN = 0xFEEFEE
_LARGE = 1 << 16


class Point(NamedTuple):
    """Where a statement begins: its offset in intermediate code, its file and line; line 0: code that no source has."""

    offset: int
    file: str
    line: int


class Pdb:
    """The lines of one assembly."""

    def __init__(self, content: bytes) -> None:
        """Raises ValueError for what is no portable PDB."""
        try:
            streams = _streams(content)
            self._blobs = streams["#Blob"]
            self._documents, self._methods = self._tables(streams["#~"])
        except (struct.error, IndexError, KeyError) as error:
            raise ValueError(f"it is no portable PDB: {error}") from error
        self.place = lru_cache(maxsize=None)(self._place)

    def _place(self, token: int, offset: int) -> tuple[str, int] | None:
        """The file and line of an offset in the intermediate code of a method; None where they are not known."""
        try:
            points = self.points(token)
        except (ValueError, struct.error, IndexError):
            return None
        index = bisect_right([one.offset for one in points], offset)
        visible = [one for one in points[:index] if one.line] or [one for one in points if one.line]
        return (visible[-1] if index else visible[0])[1:] if visible else None

    def points(self, token: int) -> list[Point]:
        """The statements of a method, by its token. Raises ValueError, struct.error or IndexError for a damaged one."""
        row = token - _METHOD_TOKEN
        if not 0 < row <= len(self._methods):
            return []
        document, blob = self._methods[row - 1]
        return self._points(_Blob(self._blob(blob)), document) if blob else []

    def _points(self, blob: _Blob, document: int) -> list[Point]:
        blob.unsigned()  # of the local variables
        document = document or blob.unsigned()
        found: list[Point] = []
        offset = line = 0
        has_line = False
        while blob.has_more:
            step = blob.unsigned()
            if found and not step:
                document = blob.unsigned()
                continue
            offset += step
            height = blob.unsigned()
            if not (blob.signed() if height else blob.unsigned()) and not height:
                found.append(Point(offset, "", 0))
                continue
            line += blob.signed() if has_line else blob.unsigned()
            _ = blob.signed() if has_line else blob.unsigned()  # the column
            has_line = True
            found.append(Point(offset, self._file(document), line if line != _HIDDEN else 0))
        return found

    def _file(self, document: int) -> str:
        blob = _Blob(self._blob(self._documents[document - 1]))
        separator = blob.byte()
        parts = []
        while blob.has_more:
            part = blob.unsigned()
            parts.append(self._blob(part).decode(errors="replace") if part else "")
        return (chr(separator) if separator else "").join(parts)

    def _blob(self, at: int) -> bytes:
        blob = _Blob(self._blobs, at)
        size = blob.unsigned()
        return self._blobs[blob.at : blob.at + size]

    def _tables(self, stream: bytes) -> tuple[list[int], list[tuple[int, int]]]:
        """The names of documents, and of each method its document and its points."""
        sizes, valid = stream[6], struct.unpack_from("<Q", stream, 8)[0]
        numbers = [bit for bit in range(64) if valid >> bit & 1]
        rows = dict(zip(numbers, struct.unpack_from(f"<{len(numbers)}I", stream, 24), strict=True))
        if not rows or min(rows) < _DOCUMENTS:
            raise ValueError("it has the tables of an assembly")
        guid, blob = ("I" if sizes & bit else "H" for bit in (2, 4))
        index = "I" if rows.get(_DOCUMENTS, 0) >= _LARGE else "H"
        at = 24 + 4 * len(numbers)
        named, at = _rows(stream, at, f"<{blob}{guid}{blob}{guid}", rows.get(_DOCUMENTS, 0))
        methods, _ = _rows(stream, at, f"<{index}{blob}", rows.get(_METHODS, 0))
        return [row[0] for row in named], [(row[0], row[1]) for row in methods]


class _Blob:
    """Numbers in the compressed form of ECMA-335, II.23.2."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self._content, self.at = content, at

    @property
    def has_more(self) -> bool:
        return self.at < len(self._content)

    def byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def unsigned(self) -> int:
        return self._number()[0]

    def signed(self) -> int:
        value, bits = self._number()
        return (value >> 1) - (1 << bits - 1 if value & 1 else 0)

    def _number(self) -> tuple[int, int]:
        """A number, and how many bits it may have."""
        first = self.byte()
        if first < 0x80:
            return first, 7
        if first < 0xC0:
            return (first & 0x3F) << 8 | self.byte(), 14
        return (first & 0x1F) << 24 | self.byte() << 16 | self.byte() << 8 | self.byte(), 29


def _rows(stream: bytes, at: int, layout: str, count: int) -> tuple[list[tuple[int, ...]], int]:
    each = struct.Struct(layout)
    return [each.unpack_from(stream, at + number * each.size) for number in range(count)], at + count * each.size


def _streams(content: bytes) -> dict[str, bytes]:
    """The parts of the file by their names."""
    if content[:4] != _MAGIC:
        raise ValueError(f"it begins with {content[:4]!r}, not with {_MAGIC!r}")
    at = 16 + struct.unpack_from("<I", content, 12)[0]
    (count,) = struct.unpack_from("<H", content, at + 2)
    at += 4
    found = {}
    for _ in range(count):
        offset, size = struct.unpack_from("<II", content, at)
        end = content.index(b"\0", at + 8)
        found[content[at + 8 : end].decode("ascii", "replace")] = content[offset : offset + size]
        at += 8 + (end - at - 8) // 4 * 4 + 4  # with its zero, up to the next multiple of 4
    return found
