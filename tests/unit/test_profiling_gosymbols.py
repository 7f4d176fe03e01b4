"""The names behind addresses of a Go program that was stripped: from a small program file made here."""

from __future__ import annotations

import struct

import pytest

from ddd_tasks.profiling import gosymbols
from ddd_tasks.profiling.gosymbols import Read
from ddd_tasks.profiling.stacks import Frame

TEXT, TABLE, DATA, CALLS = 0x401000, 0x500000, 0x600000, 0x700000
FILES = ("/src/main.go", "/src/inner.go")
NAMES = ("main.main", "main.hot", "main.inner")


def varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def ranges(*rows: tuple[int, int]) -> bytes:
    """(value, length) of consecutive addresses, as Go writes them: each as the difference to the one before."""
    written, before = b"", -1
    for value, length in rows:
        change = value - before
        written += varint(change << 1 if change >= 0 else ~change << 1 | 1) + varint(length)
        before = value
    return written + b"\0"


def texts(words: tuple[str, ...]) -> tuple[bytes, list[int]]:
    data, places = b"", []
    for word in words:
        places.append(len(data))
        data += word.encode() + b"\0"
    return data, places


def table(text: int) -> bytes:
    """main at 0..0x20; hot at 0x20..0x60, into which inner is inlined from 0x30 to 0x40, called from line 20."""
    names, name = texts(NAMES)
    files, file = texts(FILES)
    values, at = b"\0", {}
    for key, rows in {
        "main file": [(0, 0x20)],
        "main line": [(10, 0x10), (11, 0x10)],
        "hot file": [(0, 0x10), (1, 0x10), (0, 0x20)],
        "hot line": [(20, 0x10), (5, 0x10), (21, 0x20)],
        "hot inlined": [(-1, 0x10), (0, 0x10), (-1, 0x20)],
    }.items():
        at[key] = len(values)
        values += ranges(*rows)
    head = 72
    units = struct.pack("<II", *file)
    main = struct.pack("<IIiIIIIIIiBBBB", 0, name[0], 0, 0, 0, at["main file"], at["main line"], 0, 0, 9, 0, 0, 0, 0)
    hot = struct.pack("<IIiIIIIIIiBBBB", 0x20, name[1], 0, 0, 0, at["hot file"], at["hot line"], 3, 0, 19, 0, 0, 0, 4)
    hot += struct.pack("<III", 0, 0, at["hot inlined"]) + struct.pack("<IIII", *[0xFFFFFFFF] * 3, 16)
    entries = struct.pack("<5I", 0, 20, 0x20, 20 + len(main), 0x60)
    parts = (names, units, files, values, entries + main + hot)
    places = [head + sum(map(len, parts[:number])) for number in range(len(parts))]
    header = struct.pack("<IBBBB8Q", 0xFFFFFFF1, 0, 0, 1, 8, 2, 2, text, *places)
    return header + b"".join(parts)


def module(layout: int) -> bytes:
    """The runtime's own description; layout: the word that has the place of inlined calls."""
    words = [0] * 48
    words[0], words[22], words[layout] = TABLE, TEXT, CALLS
    return struct.pack("<48Q", *words)


def elf(sections: dict[str, tuple[int, bytes]], kind: int = 2) -> bytes:
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    body, rows = b"", [b"\0" * 64]
    for name, (address, data) in [*sections.items(), (".shstrtab", (0, names))]:
        place = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(struct.pack("<IIQQQQIIQQ", place, 1, 0, address, 120 + len(body), len(data), 0, 0, 1, 0))
        body += data
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0x1000, 0x1000, 0x1000)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack(
        "<HHIQQQIHHHHHH", kind, 62, 1, 0, 64, 120 + len(body), 0, 64, 56, 1, 64, len(rows), len(rows) - 1
    )
    return header + segment + body + b"".join(rows)


def reader(content: bytes) -> Read:
    return lambda offset, size: content[offset : offset + size]


def program(layout: int | None = 43, *, text: int = 0) -> bytes:
    calls = b"\0" * 16 + struct.pack("<Iiii", 0, len("main.main\0main.hot\0"), 8, 4)
    sections = {".text": (TEXT, b"\0" * 0x60), ".gopclntab": (TABLE, table(text)), ".go.func": (CALLS, calls)}
    if layout:
        sections[".noptrdata"] = (DATA, b"\0" * 16 + module(layout))
    return elf(sections)


MAIN, OUTER, INNER = Frame("main.main", FILES[0], 11), Frame("main.hot", FILES[0], 20), Frame("main.inner", FILES[1], 5)


@pytest.mark.parametrize("layout", [40, 43])
def test_addresses_have_functions_files_lines_and_what_was_inlined(layout: int) -> None:
    found = gosymbols.symbols(reader(program(layout)))
    assert found
    assert found.frames(TEXT + 0x18) == (MAIN,)
    assert found.frames(TEXT + 0x2F) == (OUTER,)
    assert found.frames(TEXT + 0x38) == (OUTER, INNER)
    assert found.frames(TEXT + 0x40) == (OUTER._replace(line=21),)
    assert [found.frames(TEXT + place) for place in (-1, 0x60, 0x10000)] == [(), (), ()]


@pytest.mark.parametrize("layout", [40, 43])
def test_a_program_linked_by_c_has_neither_a_named_table_nor_addresses_before_it_is_loaded(layout: int) -> None:
    calls = b"\0" * 16 + struct.pack("<Iiii", 0, len("main.main\0main.hot\0"), 8, 4)
    place = TABLE + 64  # among other data
    moved = {DATA: place, DATA + 8 * 22: TEXT, DATA + 8 * layout: CALLS, DATA + 4096: place + 8}
    sections = {
        ".text": (TEXT, b"\0" * 0x60),
        ".rodata": (CALLS, calls),
        ".data.rel.ro": (TABLE, b"\xf1\xff\xff\xff" * 16 + table(0)),
        ".data": (DATA, b"\0" * 8 * 48),
        ".rela.dyn": (0x1000, b"".join(struct.pack("<QQQ", address, 8, addend) for address, addend in moved.items())),
    }
    found = gosymbols.symbols(reader(elf(sections, 3)))
    assert found
    assert found.frames(TEXT + 0x18) == (MAIN,)
    assert found.frames(TEXT + 0x38) == (OUTER, INNER)


def test_without_the_runtimes_description_an_inlined_call_has_the_name_of_its_function() -> None:
    for text in (TEXT, 0):
        found = gosymbols.symbols(reader(program(None, text=text)))
        assert found
        assert found.frames(TEXT + 0x38) == (Frame("main.hot", FILES[1], 5),)


def test_headers_tell_whether_a_program_is_loaded_where_its_file_says() -> None:
    fixed, moved = (gosymbols.program(reader(elf({".text": (TEXT, b"x")}, kind))) for kind in (2, 3))
    assert fixed
    assert moved
    assert (fixed.is_fixed, moved.is_fixed, fixed.start) == (True, False, 0x400000)
    assert fixed.sections[".text"] == (TEXT, 120, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\n" * 20,
        b"\x7fELF\x01\x01" + b"\0" * 100,
        elf({".text": (TEXT, b"x")}),
        elf({".gopclntab": (TABLE, b"\xfb\xff\xff\xff" + b"\0" * 100)}),
        elf({".gopclntab": (TABLE, table(0)[:40])}),
        program()[:200],
    ],
)
def test_other_files_have_no_symbols(content: bytes) -> None:
    assert gosymbols.symbols(reader(content)) is None


def test_a_table_that_is_broken_names_nothing() -> None:
    whole = table(TEXT)
    cut = elf({".text": (TEXT, b"\0" * 0x60), ".gopclntab": (TABLE, whole[:-40])})
    found = gosymbols.symbols(reader(cut))
    assert found
    assert found.frames(TEXT + 0x38) == ()
