"""Files as a .NET runtime and compiler write them, made for tests: traces in the format NetTrace, and portable PDBs."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence

SAMPLER = "Microsoft-DotNETCore-SampleProfiler"
RUNTIME = "Microsoft-Windows-DotNETRuntime"
RUNDOWN = "Microsoft-Windows-DotNETRuntimeRundown"
PIPE = "Microsoft-DotNETCore-EventPipe"
FREQUENCY = 1000
BEGAN = 5000


def text(value: str) -> bytes:
    """UTF-16 with a zero at its end."""
    return (value + "\0").encode("utf-16-le")


def varint(value: int) -> bytes:
    """A number of seven bits a byte."""
    found = b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


class Stream:
    """A trace that grows by what is added to it."""

    def __init__(self, version: int = 4, pointer: int = 8) -> None:
        self._pointer = pointer
        self._content = b"Nettrace" + struct.pack("<i", 20) + b"!FastSerialization.1"
        moment = (2026, 11, 1, 23, 3, 27, 24, 0)
        self._begin("Trace", version)
        self._content += struct.pack("<8Hqqiiii", *moment, BEGAN, FREQUENCY, pointer, 7, 2, 0) + b"\6"

    def kinds(self, *named: tuple[str, int, int]) -> Stream:
        """Provider, number and version of the kinds 1, 2 and so on."""
        rows = b""
        for number, (provider, identifier, version) in enumerate(named, 1):
            payload = struct.pack("<i", number) + text(provider) + struct.pack("<i", identifier) + text("")
            payload += struct.pack("<qiii", 0, version, 4, 0)
            # Flags: a size; of a kind 0, without a thread. Times are differences.
            rows += b"\x80" + varint(0) + varint(len(payload)) + payload
        return self._events("MetadataBlock", rows, 1)

    def stacks(self, first: int, *stacks: Sequence[int]) -> Stream:
        """Stacks with the numbers from first on."""
        letter = "Q" if self._pointer == 8 else "I"
        rows = [struct.pack(f"<i{len(one)}{letter}", len(one) * self._pointer, *one) for one in stacks]
        return self._block("StackBlock", struct.pack("<ii", first, len(stacks)) + b"".join(rows))

    def sequence_point(self) -> Stream:
        """From here on, other stacks have the numbers."""
        return self._block("SPBlock", struct.pack("<qi", 0, 0))

    def compressed(self, *rows: tuple[int, int, int, int, int, bytes], skipped: int = 0) -> Stream:
        """Events in one block: kind, thread, capturing thread, stack, time and payload; all of them written each time.

        skipped: how many numbers of events are left out before the last one.
        """
        content, last = b"", 0
        for index, (kind, thread, capture, stack, time, payload) in enumerate(rows):
            step = skipped if index == len(rows) - 1 else 0
            content += bytes([1 | 2 | 4 | 8 | 0x80]) + varint(kind) + varint(step) + varint(capture) + varint(0)
            content += varint(thread) + varint(stack) + varint(time - last) + varint(len(payload)) + payload
            last = time
        return self._events("EventBlock", content, 1)

    def same(self, kind: int, thread: int, stack: int, times: Sequence[int], payload: bytes) -> Stream:
        """Events of which all but the first say only their time."""
        content = bytes([1 | 4 | 8 | 0x80]) + varint(kind) + varint(thread) + varint(stack)
        content += varint(times[0]) + varint(len(payload)) + payload
        for before, after in itertools.pairwise(times):
            content += b"\0" + varint(after - before) + payload
        return self._events("EventBlock", content, 1)

    def plain(self, *rows: tuple[int, int, int, int, int, bytes]) -> Stream:
        """The same as compressed, in the other form."""
        content = b""
        for number, (kind, thread, capture, stack, time, payload) in enumerate(rows, 1):
            head = struct.pack("<IIqqiiq16s16si", kind, number, thread, capture, 0, stack, time, b"", b"", len(payload))
            padding = -(len(head) + len(payload)) % 4
            content += struct.pack("<i", len(head) + len(payload)) + head + payload + bytes(padding)
        return self._events("EventBlock", content, 0)

    def end(self) -> bytes:
        """The whole file."""
        return self._content + b"\1"

    def _events(self, name: str, rows: bytes, flags: int) -> Stream:
        return self._block(name, struct.pack("<HHqq", 20, flags, 0, 0) + rows)

    def _block(self, name: str, content: bytes) -> Stream:
        self._begin(name, 2)
        self._content += struct.pack("<i", len(content))
        self._content += bytes(-len(self._content) % 4) + content + b"\6"
        return self

    def _begin(self, name: str, version: int) -> None:
        self._content += b"\5\5\1" + struct.pack("<iii", version, version, len(name)) + name.encode() + b"\6"


def sample(*, at_work: bool) -> bytes:
    """What an event of the sampler holds."""
    return struct.pack("<I", 2 if at_work else 1)


def method(start: int, size: int, space: str, name: str, identifier: int = 1, module: int = 9, token: int = 1) -> bytes:
    """What an event about a compiled method holds."""
    head = struct.pack("<QQQIII", identifier, module, start, size, 0x06000000 + token, 0)
    return head + text(space) + text(name) + text("void ()") + struct.pack("<H", 0)


def offsets(pairs: Sequence[tuple[int, int]], identifier: int = 1) -> bytes:
    """What an event about a method's parts holds: offsets in intermediate and in compiled code."""
    head = struct.pack("<QQBH", identifier, 0, 0, len(pairs))
    ils, natives = (one for one in zip(*pairs, strict=True))
    return head + struct.pack(f"<{len(pairs)}i{len(pairs)}I", *ils, *natives) + struct.pack("<H", 0)


def module(path: str, identifier: int = 9) -> bytes:
    """What an event about a loaded assembly holds."""
    return struct.pack("<QQII", identifier, 0, 0, 0) + text(path) + text("") + struct.pack("<H", 0)


def allocation(size: int, name: str) -> bytes:
    """What an event about an allocation holds."""
    return struct.pack("<IIHQQ", size, 0, 0, size, 0) + text(name) + struct.pack("<IQ", 0, 0)


def pdb(file: str, methods: Mapping[int, Sequence[tuple[int, int]]]) -> bytes:
    """A portable PDB with one source file. methods: number of the method -> offset and line of its statements.

    Line 0 is code that no source has.
    """
    blobs = bytearray(b"\0")
    names = [_add(blobs, part.encode()) if part else 0 for part in file.split("/")]
    document = _add(blobs, b"/" + b"".join(map(_compressed, names)))
    rows = b""
    for number in range(1, max(methods) + 1):
        points = _points(methods[number]) if number in methods else b""
        rows += struct.pack("<HH", 1 if points else 0, _add(blobs, points) if points else 0)
    tables = struct.pack("<IBBBBQQII", 0, 2, 0, 0, 1, 3 << 0x30, 0, 1, max(methods))
    tables += struct.pack("<HHHH", document, 0, 0, 0) + rows
    return _metadata({"#Pdb": bytes(32), "#~": tables, "#Blob": bytes(blobs)})


def _points(points: Sequence[tuple[int, int]]) -> bytes:
    content, last_offset, last_line = _compressed(0), 0, None
    for offset, line in points:
        content += _compressed(offset - last_offset)
        last_offset = offset
        if not line:
            content += b"\0\0"
            continue
        content += _compressed(0) + _compressed(9)  # of one line and nine columns
        if last_line is None:
            content += _compressed(line) + _compressed(5)
        else:
            content += _signed(line - last_line) + _signed(0)
        last_line = line
    return content


def _compressed(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    if value < 0x4000:
        return struct.pack(">H", value | 0x8000)
    return struct.pack(">I", value | 0xC0000000)


def _signed(value: int) -> bytes:
    """The sign is the last bit, in as many bits as the number needs."""
    for bits, mark in ((7, 0), (14, 0x8000), (29, 0xC0000000)):
        if -(1 << bits - 1) <= value < 1 << bits - 1:
            turned = (value << 1) & ((1 << bits) - 1) | (1 if value < 0 else 0)
            return (turned | mark).to_bytes((bits + 7) // 8, "big")
    raise ValueError(value)


def _add(blobs: bytearray, content: bytes) -> int:
    at = len(blobs)
    blobs += _compressed(len(content)) + content
    return at


def _metadata(streams: Mapping[str, bytes]) -> bytes:
    version = b"PDB v1.0\0\0\0\0"
    head = struct.pack("<4sHHII", b"BSJB", 1, 1, 0, len(version)) + version + struct.pack("<HH", 0, len(streams))
    names = {name: name.encode() + bytes(4 - len(name) % 4) for name in streams}
    at = len(head) + sum(8 + len(name) for name in names.values())
    rows = body = b""
    for name, content in streams.items():
        padded = content + bytes(-len(content) % 4)
        rows += struct.pack("<II", at + len(body), len(padded)) + names[name]
        body += padded
    return head + rows + body
