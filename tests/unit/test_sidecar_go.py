"""What the sidecar reads from Go programs and their processes, and what it does not let a client ask for."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import gobinary, guard, injection, machinecode
from sidecar.arms import go

ABOUT = """\
path\texample.test/shop/cmd/shop
mod\texample.test/shop\t(devel)\t
dep\texample.test/words\tv1.0.0\th1:abc=
build\t-buildmode=exe
build\t-gcflags="all=-N -l"
build\t-trimpath=true
build\tCGO_ENABLED=0
"""


def length(number: int) -> bytes:
    """A number as Go writes it: seven bits a byte, the lowest first."""
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + length(number >> 7)


def section(version: str = "go1.27.4", about: str = ABOUT) -> bytes:
    framed = b"\0" * 16 + about.encode() + b"\1" * 16
    header = b"\xff Go buildinf:" + bytes([8, 2]) + b"\0" * 16
    return header + length(len(version)) + version.encode() + length(len(framed)) + framed


def elf(order: str, *, is_64: bool, sections: dict[str, bytes]) -> bytes:
    """The least of an ELF file that has these sections."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    parts = {**sections, ".shstrtab": names}
    body, rows = b"", [b"\0" * (64 if is_64 else 40)]
    for name, data in parts.items():
        place = (names.index(b"\0" + name.encode() + b"\0") + 1, 64 + len(body), len(data))
        layout = "IIQQQQIIQQ" if is_64 else "IIIIIIIIII"
        rows.append(struct.pack(order + layout, place[0], 1, 0, 0, place[1], place[2], 0, 0, 1, 0))
        body += data
    header = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if order == "<" else 2, 1]) + b"\0" * 9
    numbers = (0, 0, 1, 0, 0, 64 + len(body), 0, 0, 0, 0, len(rows[0]), len(rows), len(rows) - 1)
    header += struct.pack(order + ("HHIQQQIHHHHHH" if is_64 else "HHIIIIIHHHHHH"), *numbers)
    return header.ljust(64, b"\0") + body + b"".join(rows)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_64", [True, False])
def test_a_go_program_tells_how_it_was_built(tmp_path: Path, order: str, is_64: bool) -> None:
    file = tmp_path / "program"
    file.write_bytes(elf(order, is_64=is_64, sections={".go.buildinfo": section(), ".debug_info": b"x"}))
    found = gobinary.read(file)
    assert found is not None
    assert found.has_dwarf
    assert found.as_dict() == {
        "go": "go1.27.4",
        "module": "example.test/shop",
        "package": "example.test/shop/cmd/shop",
        "trimpath": True,
        "optimised": False,
    }


def test_a_stripped_program_has_nothing_for_a_debugger(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_bytes(elf("<", is_64=True, sections={".go.buildinfo": section(), ".debug_info": b""}))
    found = gobinary.read(file)
    assert found is not None
    assert not found.has_dwarf


def test_what_is_no_go_program(tmp_path: Path) -> None:
    assert gobinary.read(Path(sys.executable)) is None
    for number, data in enumerate([b"", b"#!/bin/sh\n", elf("<", is_64=True, sections={".text": b"x"})[:70]]):
        file = tmp_path / str(number)
        file.write_bytes(data)
        assert gobinary.read(file) is None
    assert gobinary.parse(b"\xff Go buildinf:", True) is None


def test_a_program_of_single_files_has_no_module() -> None:
    found = gobinary.parse(section(about="path\tcommand-line-arguments\nbuild\t-compiler=gc\n"), False)
    assert found is not None
    assert (found.module, found.package) == ("", "command-line-arguments")
    assert not found.is_trimmed
    assert found.is_optimised


def test_a_program_of_an_old_go_has_no_texts() -> None:
    old = b"\xff Go buildinf:" + bytes([8, 0]) + b"\0" * 16
    assert gobinary.parse(old, True) == gobinary.GoBinary("", True)


def test_the_machine_code_of_a_program_is_found_among_its_mappings() -> None:
    maps = """\
00400000-00626000 r-xp 00001000 00:3f 12 /app/service
00626000-008a0000 r--p 00227000 00:3f 12 /app/service
7f0000000000-7f0000001000 r-xp 00000000 00:3f 13 /lib/libc.so.6
7fff00000000-7fff00001000 r-xp 00000000 00:00 0 [vdso]
7fff10000000-7fff10001000 r-xp 00000000 00:00 0
"""
    assert list(machinecode.parse_maps(maps, "/app/service")) == [(0x400000, 0x1000, 0x226000)]
    assert list(machinecode.parse_maps("1000-2000 r-xp 0 00:1 2 /a b (deleted)\n", "/a b (deleted)"))


@pytest.mark.parametrize("places", [[], [0], [4095, 4096], [9999]])
@pytest.mark.parametrize("breakpoint_", [b"\xcc", b"\x00\x00\x20\xd4"])
def test_breakpoints_are_found_and_nothing_else_that_differs(places: list[int], breakpoint_: bytes) -> None:
    size = len(breakpoint_)
    wanted = bytes(range(250)) * 40
    there = bytearray(wanted)
    for place in (17, 4200, 9000):
        there[place] ^= 0x55
    for at in (place - place % size for place in places):
        there[at : at + size] = breakpoint_
    found = list(machinecode.replaced(wanted, bytes(there), breakpoint_))
    assert found == [place - place % size for place in places]
    assert not list(machinecode.replaced(wanted, bytes(there), b""))  # a machine that we know no breakpoint of


@pytest.mark.skipif(sys.platform != "linux", reason="processes are in /proc on Linux only")
@pytest.mark.parametrize("is_orderly", [True, False])
def test_only_behind_a_sidecar_that_was_killed_somebody_cleans_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_orderly: bool
) -> None:
    cleaned, file = list[int](), tmp_path / "socket"
    file.touch()
    monkeypatch.setattr(guard, "clean", lambda: cleaned.append(1))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as sidecar:
        guard.watch(sidecar.pid, str(file))
        assert sidecar.pid in guard._watched
        if is_orderly:
            file.unlink()
        sidecar.kill()
    assert injection.wait(lambda: sidecar.pid not in guard._watched, 10)
    assert bool(cleaned) != is_orderly


@pytest.mark.skipif(sys.platform != "linux", reason="processes are in /proc on Linux only")
def test_a_process_as_it_should_be_is_left_alone() -> None:
    assert machinecode.restore(os.getpid()) == 0


def test_a_client_cannot_end_the_process() -> None:
    leaves = {"seq": 3, "type": "request", "command": "disconnect", "arguments": {"terminateDebuggee": True}}
    assert json.loads(go.gentle(json.dumps(leaves).encode()))["arguments"] == {"terminateDebuggee": False}
    says = {"command": "evaluate", "arguments": {"expression": "terminateDebuggee"}}
    assert json.loads(go.gentle(json.dumps(says).encode())) == says


@pytest.mark.parametrize(
    ("exe", "is_tool"),
    [
        ("/usr/local/bin/reload", True),
        ("/usr/local/go/bin/go", True),
        ("/usr/local/go/pkg/tool/linux_amd64/compile", True),
        ("/usr/lib/go-1.27/pkg/tool/linux_amd64/link", True),
        ("/go/bin/air", True),
        ("/tmp/service", False),
        ("/app/compile", False),
        ("/srv/reloader", False),
        ("", False),
    ],
)
def test_what_builds_services_is_none(exe: str, is_tool: bool) -> None:
    assert bool(go.TOOLS.fullmatch(exe)) == is_tool
