"""What a .NET runtime writes when it is traced: the events of a stream in the format NetTrace, versions 4 and 5.

The format is that of microsoft/perfview, src/TraceEvent/EventPipe/NetTraceFormat_v5.md. .NET Core 3.1 writes version 4;
the protocol of .NET 5 to 10 has the same one, but was not tried.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"Nettrace"
_SERIALIZATION = b"!FastSerialization.1"
# Tags between the objects.
_NULL, _BEGIN, _END = 1, 5, 6
_TRACE = struct.Struct("<8Hqqiiii")  # date and time, now and ticks a second, size of a pointer, pid, processors, rate
_OBJECT = struct.Struct("<iii")  # version, the oldest that reads it, length of the name
_BLOCK = struct.Struct("<HHqq")  # size of this header, flags, first and last time
_PLAIN = struct.Struct("<iIIqqiiq16s16si")  # an event of a block whose headers are not compressed
_NAMED = struct.Struct("<qiii")  # behind an event's name: keywords, version, level, number of fields
_COMPRESSED = 1
_HAS_KIND, _HAS_CAPTURE, _HAS_THREAD, _HAS_STACK, _HAS_ACTIVITY, _HAS_RELATED, _, _HAS_SIZE = (
    1 << bit for bit in range(8)
)
_GUID = 16
_VERSIONS = (4, 5)
_WRAPS = 1 << 32  # numbers of events


class Kind(NamedTuple):
    """What sort of event it is: who sends it, which of theirs it is, and in which version."""

    provider: str
    id: int
    version: int


class Event(NamedTuple):
    """Something that happened. thread: whose it is; time: in ticks; stack: addresses, the innermost first.

    at: where in the file the payload is.
    """

    kind: Kind
    thread: int
    time: int
    stack: tuple[int, ...]
    payload: bytes
    at: int


class Trace:
    """A stream that has ended. frequency: ticks a second; pointer: bytes of an address; lost: known at the end."""

    def __init__(self, content: bytes) -> None:
        """Raises ValueError for what is no such stream."""
        self._content, self._at = content, len(MAGIC) + 4 + len(_SERIALIZATION)
        expected = MAGIC + struct.pack("<i", len(_SERIALIZATION)) + _SERIALIZATION
        if not content.startswith(expected):
            raise ValueError(f"it begins with {content[:8]!r}, not with {MAGIC!r}")
        self._kinds: dict[int, Kind] = {}
        self._stacks: dict[int, tuple[int, ...]] = {}
        self._numbers: dict[int, int] = {}
        self.lost = 0
        name, version = self._begin()
        if name != "Trace" or version not in _VERSIONS:
            raise ValueError(f"it begins with {name!r} of version {version}; known are {_VERSIONS}")
        *_, self.began, self.frequency, self.pointer, _, _, _ = self._unpack(_TRACE)
        self._at += _TRACE.size
        self._expect(_END)

    def events(self) -> Iterator[Event]:
        """All events in the order of the file, which is that of time only within a thread. Once.

        Raises ValueError where the file is cut off or damaged.
        """
        try:
            while self._content[self._at] != _NULL:
                name, _ = self._begin()
                (size,) = struct.unpack_from("<i", self._content, self._at)
                begin = (self._at + 4 + 3) // 4 * 4
                end = begin + size
                if size < 0 or end >= len(self._content):
                    raise ValueError(f"it is cut off within a {name}")
                yield from self._block(name, begin, end)
                self._at = end
                self._expect(_END)
        except (IndexError, struct.error) as error:
            raise ValueError(f"it is cut off or damaged at byte {self._at}: {error}") from error

    def _begin(self) -> tuple[str, int]:
        """The name and version of the object that begins here."""
        for tag in (_BEGIN, _BEGIN, _NULL):
            self._expect(tag)
        version, _, length = self._unpack(_OBJECT)
        self._at += _OBJECT.size
        name = self._content[self._at : self._at + length].decode("ascii", "replace")
        self._at += length
        self._expect(_END)
        return name, version

    def _expect(self, tag: int) -> None:
        found = self._content[self._at : self._at + 1]
        if found != bytes([tag]):
            raise ValueError(f"there is {found!r} at byte {self._at}, where the tag {tag} belongs")
        self._at += 1

    def _unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        try:
            return layout.unpack_from(self._content, self._at)
        except struct.error as error:
            raise ValueError(f"it is cut off: {error}") from error

    def _block(self, name: str, begin: int, end: int) -> Iterator[Event]:
        if name == "EventBlock":
            yield from self._events(begin, end)
        elif name == "MetadataBlock":
            for event in self._events(begin, end):
                number, kind = metadata(event.payload)
                self._kinds[number] = kind
        elif name == "StackBlock":
            self._add_stacks(begin)
        elif name == "SPBlock":  # no event behind it has a stack from before it
            self._stacks.clear()

    def _add_stacks(self, at: int) -> None:
        first, count = struct.unpack_from("<ii", self._content, at)
        at += 8
        letter = "Q" if self.pointer == 8 else "I"
        for number in range(first, first + count):
            (size,) = struct.unpack_from("<i", self._content, at)
            self._stacks[number] = struct.unpack_from(f"<{size // self.pointer}{letter}", self._content, at + 4)
            at += 4 + size

    def _events(self, begin: int, end: int) -> Iterator[Event]:
        header, flags, _, _ = _BLOCK.unpack_from(self._content, begin)
        each = self._compressed if flags & _COMPRESSED else self._plain
        yield from each(begin + header, end)

    def _plain(self, at: int, end: int) -> Iterator[Event]:
        while at < end:
            size, kind, number, thread, capture, _, stack, time, _, _, length = _PLAIN.unpack_from(self._content, at)
            yield self._event(kind & 0x7FFFFFFF, thread, capture, number, time, stack, at + _PLAIN.size, length)
            at = (at + 4 + size + 3) // 4 * 4

    def _compressed(self, at: int, end: int) -> Iterator[Event]:
        """Events of which each says only what is not as it was for the one before it."""
        kind = number = capture = thread = stack = time = size = 0
        content, varint = self._content, self._varint
        while at < end:
            flags = content[at]
            at += 1
            if flags & _HAS_KIND:
                kind, at = varint(at)
            if flags & _HAS_CAPTURE:
                step, at = varint(at)
                number += step
                capture, at = varint(at)
                _, at = varint(at)  # the processor
            number += 1 if kind else 0
            if flags & _HAS_THREAD:
                thread, at = varint(at)
            if flags & _HAS_STACK:
                stack, at = varint(at)
            step, at = varint(at)
            time += step
            at += _GUID * (bool(flags & _HAS_ACTIVITY) + bool(flags & _HAS_RELATED))
            if flags & _HAS_SIZE:
                size, at = varint(at)
            yield self._event(kind, thread, capture, number, time, stack, at, size)
            at += size

    def _varint(self, at: int) -> tuple[int, int]:
        """A number of seven bits a byte, and where it ends."""
        value = shift = 0
        while (byte := self._content[at]) >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            at += 1
        return value | byte << shift, at + 1

    def _event(
        self, kind: int, thread: int, capture: int, number: int, time: int, stack: int, at: int, size: int
    ) -> Event:
        if at + size > len(self._content) or size < 0:
            raise ValueError(f"it is cut off within an event at byte {at}")
        if kind:
            self._count(capture, number % _WRAPS)
        known = self._kinds.get(kind) or Kind("", 0, 0)
        return Event(known, thread, time, self._stacks.get(stack, ()), self._content[at : at + size], at)

    def _count(self, capture: int, number: int) -> None:
        """A thread numbers its events. A number that starts anew is of another thread that got the same name."""
        missing = number - self._numbers.get(capture, 0) - 1
        self.lost += max(0, missing)
        self._numbers[capture] = number


def metadata(payload: bytes) -> tuple[int, Kind]:
    """The number of a kind of event, and which it is. Raises struct.error where that is cut off."""
    (number,) = struct.unpack_from("<i", payload)
    provider, at = text(payload, 4)
    (identifier,) = struct.unpack_from("<i", payload, at)
    _, at = text(payload, at + 4)
    _, version, _, _ = _NAMED.unpack_from(payload, at) if len(payload) >= at + _NAMED.size else (0, 0, 0, 0)
    return number, Kind(provider, identifier, version)


def text(payload: bytes, at: int) -> tuple[str, int]:
    """A text of UTF-16 that a zero ends, and where it ends. Raises struct.error where that is cut off."""
    end = payload.find(b"\0\0", at)
    while end >= 0 and (end - at) % 2:
        end = payload.find(b"\0\0", end + 1)
    if end < 0:
        raise struct.error("a text has no end")
    return payload[at:end].decode("utf-16-le", "replace"), end + 2
