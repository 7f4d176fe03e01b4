"""Functions, files and lines behind the addresses of a Go program: from .gopclntab, which stripping leaves in.

The layout is that of Go 1.20 and newer. Sources: debug/gosym/pclntab.go, runtime/symtab.go, runtime/symtabinl.go.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from ddd_tasks.profiling.stacks import Frame

Read: TypeAlias = Callable[[int, int], bytes]

_MAGIC = 0xFFFFFFF1
_TABLES = (".gopclntab", ".data.rel.ro.gopclntab")
_UNNAMED = (".data.rel.ro", ".rodata")
_BEGIN = re.compile(rb"\xf1\xff\xff\xff\0\0[\1\2\4]\x08")
_WORDS = 44  # of the runtime's moduledata, as far as it is looked at
_MODULE = (".go.module", ".noptrdata", ".data", ".data.rel.ro", ".data.rel.ro.go.module")
_TEXT, _GOFUNC = 22, (40, 43)  # which of them; the second of Go before 1.27, and since
_INLINED = 2  # which table of a function tells the inlined call at an address
_CALLS = 3  # which data of a function are its inlined calls
_CALL = 16  # bytes of one of them
_FUNCTION = 44  # bytes before a function's tables
_NONE = 0xFFFFFFFF


class Section(NamedTuple):
    """A section of an ELF file: where it is in memory, and in the file."""

    address: int
    offset: int
    size: int


class Program(NamedTuple):
    """What an ELF file's headers say. is_fixed: whether its addresses are those of the running process.

    start: the address of the file's first byte.
    """

    sections: dict[str, Section]
    is_fixed: bool
    start: int


def program(read: Read) -> Program | None:
    """The headers of a file; None of one that is no 64-bit little-endian ELF. read: offset and size -> bytes."""
    header = read(0, 64)
    if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
        return None
    kind = struct.unpack_from("<H", header, 16)[0]
    segments, table = struct.unpack_from("<QQ", header, 32)
    segment_size, segment_count, size, count, names = struct.unpack_from("<HHHHH", header, 54)
    loaded = (
        struct.unpack_from("<IIQQ", row)
        for row in _rows(read(segments, segment_size * segment_count), segment_size, 32)
    )
    start = min((address - offset for kind_, _, offset, address in loaded if kind_ == 1), default=0)
    rows = [struct.unpack_from("<IIQQQQ", row) for row in _rows(read(table, size * count), size, 40)]
    if not names < len(rows):
        return None
    texts = read(rows[names][4], rows[names][5])
    sections = {
        texts[name:].split(b"\0", 1)[0].decode(errors="replace"): Section(address, offset, length)
        for name, _, _, address, offset, length in reversed(rows)
    }
    return Program(sections, kind == 2, start)


def symbols(read: Read) -> Symbols | None:
    """The symbols of a Go program; None of a file without, or of a Go before 1.20."""
    found = program(read)
    section = _table(read, found) if found else None
    if found is None or section is None:
        return None
    table = read(section.offset, section.size)
    if len(table) < 72 or struct.unpack_from("<I", table)[0] != _MAGIC or table[7] != 8:
        return None
    text, calls = _module(read, found, section.address)
    text = text or struct.unpack_from("<Q", table, 24)[0] or found.sections.get(".text", Section(0, 0, 0)).address
    inlined = b""
    within = next((one for one in found.sections.values() if one.address and _holds(one, calls)), None)
    if within:
        skipped = calls - within.address
        inlined = read(within.offset + skipped, within.size - skipped)
    return Symbols(table, text, inlined)


class Symbols:
    """The symbols of a program. text: the address that those of functions are counted from; calls: of inlined calls."""

    def __init__(self, table: bytes, text: int, calls: bytes = b"") -> None:
        self._table, self._text, self._calls = table, text, calls
        self._step = table[6]
        count, _, _, self._names, self._units, self._files, self._values, self._functions = struct.unpack_from(
            "<8Q", table, 8
        )
        rows = struct.unpack_from(f"<{2 * count + 1}I", table, self._functions)
        self._entries, self._places = rows[::2], rows[1::2]
        self.frames = lru_cache(maxsize=1 << 16)(self._frames)

    def _frames(self, address: int) -> tuple[Frame, ...]:
        """What is at work at an address, the outermost first: a function, and those inlined into it. () for none."""
        offset = address - self._text
        index = bisect_right(self._entries, offset) - 1
        if not 0 <= index < len(self._places):  # the last entry is the end of all
            return ()
        try:
            return tuple(reversed(list(self._at(self._functions + self._places[index], offset))))
        except (struct.error, IndexError):
            return ()

    def _at(self, function: int, offset: int) -> Iterator[Frame]:
        """The frames of a function at an offset, the innermost first."""
        (entry, name, _, _, _, files, lines, count, unit, _, _, _, _, data_count) = struct.unpack_from(
            "<IIiIIIIIIiBBBB", self._table, function
        )
        tables = struct.unpack_from(f"<{count}I", self._table, function + _FUNCTION)
        data = struct.unpack_from(f"<{data_count}I", self._table, function + _FUNCTION + 4 * count)
        tree = data[_CALLS] if len(data) > _CALLS and data[_CALLS] != _NONE and self._calls else None
        while True:
            file = self._file(unit, self._value(files, entry, offset))
            line = max(0, self._value(lines, entry, offset))
            which = self._value(tables[_INLINED], entry, offset) if tree is not None and count > _INLINED else -1
            if tree is None or which < 0:
                yield Frame(self._name(name), file, line)
                return
            _, inner, call, _ = struct.unpack_from("<Iiii", self._calls, tree + which * _CALL)
            yield Frame(self._name(inner), file, line)
            offset = entry + call

    def _value(self, table: int, entry: int, offset: int) -> int:
        """What a table of address ranges says of an offset; -1 where it says nothing."""
        if not table:
            return -1
        at, value, end, is_first = self._values + table, -1, entry, True
        while True:
            change, at = _varint(self._table, at)
            if not change and not is_first:
                return -1
            value += ~(change >> 1) if change & 1 else change >> 1
            length, at = _varint(self._table, at)
            end += length * self._step
            if offset < end:
                return value
            is_first = False

    def _file(self, unit: int, number: int) -> str:
        if number < 0:
            return ""
        place = struct.unpack_from("<I", self._table, self._units + 4 * (unit + number))[0]
        return "" if place == _NONE else self._string(self._files + place)

    def _name(self, place: int) -> str:
        return self._string(self._names + place)

    def _string(self, at: int) -> str:
        return self._table[at : self._table.index(b"\0", at)].decode(errors="replace")


def _table(read: Read, found: Program) -> Section | None:
    """Where the table is: C's linker puts it among other data where the program may be loaded anywhere."""
    if named := next((found.sections[name] for name in _TABLES if name in found.sections), None):
        return named
    for section in (found.sections[name] for name in _UNNAMED if name in found.sections):
        if match := _BEGIN.search(read(section.offset, section.size)):
            at = match.start()
            return Section(section.address + at, section.offset + at, section.size - at)
    return None


def _module(read: Read, found: Program, table: int) -> tuple[int, int]:
    """Where the runtime says that code begins, and the data of inlined calls; 0 for what is not found.

    The runtime's own description of the program begins with the address of the table.
    """
    text = found.sections.get(".text", Section(0, 0, 0))
    constants = [one for name, one in found.sections.items() if name.startswith((".rodata", ".go", ".data.rel.ro"))]
    for words in _descriptions(read, found, table):
        if _holds(text, words[_TEXT]):
            calls = (words[place] for place in reversed(_GOFUNC))
            return words[_TEXT], next((one for one in calls if any(_holds(area, one) for area in constants)), 0)
    return 0, 0


def _descriptions(read: Read, found: Program, table: int) -> Iterator[list[int]]:
    """What may be the runtime's description, as words: in the file, or where it is loaded by relocations."""
    wanted = struct.pack("<Q", table)
    for section in (found.sections[name] for name in _MODULE if name in found.sections):
        data = read(section.offset, section.size)
        at = data.find(wanted)
        while at >= 0:
            if at % 8 == 0 and at + 8 * _WORDS <= len(data):
                yield list(struct.unpack_from(f"<{_WORDS}Q", data, at))
            at = data.find(wanted, at + 1)
    if relocations := found.sections.get(".rela.dyn"):
        rows = _rows(read(relocations.offset, relocations.size), 24, 24)
        addends = {address: addend for address, _, addend in (struct.unpack("<QQQ", row) for row in rows)}
        for address in [address for address, addend in addends.items() if addend == table]:
            yield [addends.get(address + 8 * word, 0) for word in range(_WORDS)]


def _holds(section: Section, address: int) -> bool:
    return section.address <= address < section.address + section.size


def _rows(data: bytes, size: int, least: int) -> Iterator[bytes]:
    rows = (data[at : at + size] for at in range(0, len(data), size or 1))
    return (row for row in rows if len(row) >= least)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
