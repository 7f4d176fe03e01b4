"""How a Go program was built, as the Go toolchain has written it into the program."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"\xff Go buildinf:"
_HEADER = 32  # of .go.buildinfo; the texts come after it, since Go 1.18
_INLINE = 2
_MARK = 16  # bytes before and after the module's text
_DWARF = (".debug_info", ".zdebug_info")


@dataclass(frozen=True)
class GoBinary:
    """version: such as go1.27.4, "" of a Go before 1.18. package: the import path of its main package; module: the path
    of its module, "" where it was built from single files. settings: those of `go version -m`. has_dwarf: whether it
    has what a debugger needs to know lines and variables.
    """

    version: str
    has_dwarf: bool
    package: str = ""
    module: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def is_trimmed(self) -> bool:
        """Whether it knows its sources by the paths of their modules, not of their folders."""
        return self.settings.get("-trimpath") == "true"

    @property
    def is_optimised(self) -> bool:
        """Whether the compiler was free to keep variables where a debugger does not find them."""
        flags = self.settings.get("-gcflags", "")
        return not re.search(r"-N\b", flags) or not re.search(r"-l\b", flags)

    def as_dict(self) -> dict[str, Any]:
        """What the host has to know, as JSON values."""
        return {
            "go": self.version,
            "module": self.module,
            "package": self.package,
            "trimpath": self.is_trimmed,
            "optimised": self.is_optimised,
        }


def read(path: Path) -> GoBinary | None:
    """The Go program in a file, None where it is none. Raises OSError."""
    with path.open("rb") as file:
        found = dict(_sections(file))
        if ".go.buildinfo" not in found:
            return None
        offset, size = found[".go.buildinfo"]
        file.seek(offset)
        return parse(file.read(size), any(found.get(name, (0, 0))[1] for name in _DWARF))


def parse(section: bytes, has_dwarf: bool) -> GoBinary | None:
    """What a section .go.buildinfo says."""
    if not section.startswith(_MAGIC) or len(section) < _HEADER:
        return None
    if not section[15] & _INLINE:  # only pointers to the texts
        return GoBinary("", has_dwarf)
    version, rest = _text(section[_HEADER:])
    about, _ = _text(rest)
    rows = [line.split("\t") for line in about[_MARK:-_MARK].decode(errors="replace").splitlines()]
    named = {row[0]: row[1] for row in reversed(rows) if len(row) > 1}
    settings = dict(row[1].split("=", 1) for row in rows if row[0] == "build" and "=" in row[1])
    return GoBinary(
        version.decode(errors="replace"),
        has_dwarf,
        named.get("path", ""),
        named.get("mod", ""),
        {name: text.strip('"') for name, text in settings.items()},
    )


def _text(data: bytes) -> tuple[bytes, bytes]:
    """A text that begins with its length, seven bits a byte, and what comes after it."""
    length = used = 0
    is_last = not data
    while not is_last and used < len(data):
        length |= (data[used] & 0x7F) << 7 * used
        is_last = data[used] < 0x80
        used += 1
    return data[used : used + length], data[used + length :]


def _sections(file: BinaryIO) -> Iterator[tuple[str, tuple[int, int]]]:
    """The name, place and size of each section of an ELF file; none of another file."""
    header = file.read(64)
    if len(header) < 64 or header[:4] != b"\x7fELF":
        return
    order = "<" if header[5] == 1 else ">"
    is_64 = header[4] == 2
    start = struct.unpack_from(order + ("Q" if is_64 else "I"), header, 40 if is_64 else 32)[0]
    size, count, names = struct.unpack_from(order + "HHH", header, 58 if is_64 else 46)
    file.seek(start)
    table = file.read(size * count)
    if len(table) < size * count or not names < count:
        return
    layout = order + ("IIQQQQ" if is_64 else "IIIIII")
    rows = [struct.unpack_from(layout, table, number * size) for number in range(count)]
    file.seek(rows[names][4])
    strings = file.read(rows[names][5])
    for name, *_, offset, length in rows:
        yield strings[name : strings.index(b"\0", name)].decode(errors="replace"), (offset, length)
