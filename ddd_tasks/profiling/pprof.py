"""The profiles of Go's pprof: gzip around the protobuf messages of profile.proto, read without a protobuf library.

Source: github.com/google/pprof, proto/profile.proto.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ddd_tasks.profiling.stacks import Frame

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGEST = 1 << 28  # bytes: far more than any profile, and less than a machine's memory
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}

_Fields: TypeAlias = "dict[int, list[int | bytes]]"
_Stack: TypeAlias = "tuple[Frame, ...]"


class Sample(NamedTuple):
    """A stack, root first, and its values, one for each kind of the document."""

    stack: _Stack
    values: tuple[int, ...]


@dataclass(frozen=True)
class Document:
    """kinds: the names of the values, such as samples or inuse_space. seconds: how long it was measured, 0 for a state.

    period: of the sampling, in the unit of the last kind; for the CPU nanoseconds.
    """

    kinds: tuple[str, ...]
    samples: tuple[Sample, ...]
    seconds: float
    period: int

    def stacks(self, kind: str) -> dict[_Stack, int]:
        """The values of a kind for each stack, without zeros. Raises ValueError for a kind that it has not."""
        if kind not in self.kinds:
            raise ValueError(f"it has no values {kind!r}, but: {', '.join(self.kinds) or 'none'}")
        place = self.kinds.index(kind)
        seen: Counter[_Stack] = Counter()
        for sample in self.samples:
            seen[sample.stack] += sample.values[place]
        return {stack: weight for stack, weight in seen.items() if weight > 0}


def parse(content: bytes) -> Document:
    """The profile in a file. Raises ValueError that says what is broken."""
    fields = _fields(_unpacked(content))
    texts = [one.decode(errors="replace") for one in _messages(fields, 6)]
    if not texts or texts[0]:
        raise ValueError("it has no table of texts: it is no profile of pprof")
    kinds = tuple(_text(texts, _number(_fields(one), 1)) for one in _messages(fields, 1))
    functions = dict(_functions(fields, texts))
    places = dict(_places(fields, functions))
    samples = tuple(_samples(fields, places, len(kinds)))
    return Document(kinds, samples, _number(fields, 10) / 1e9, _number(fields, 12))


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        raise ValueError(f"it does not begin as gzip does, but with {content[:16]!r}")
    try:
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        data = unpacker.decompress(content, _LARGEST)
    except zlib.error as error:
        raise ValueError(f"its gzip is broken: {error}") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"it is larger than {_LARGEST >> 20} MiB")
    if not unpacker.eof:
        raise ValueError("it is cut off")
    return data


def _functions(fields: _Fields, texts: list[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Number -> name and file."""
    for one in map(_fields, _messages(fields, 5)):
        yield _number(one, 1), (_text(texts, _number(one, 2)), _text(texts, _number(one, 4)))


def _places(fields: _Fields, functions: dict[int, tuple[str, str]]) -> Iterator[tuple[int, _Stack]]:
    """Number of an address -> its frames, the outermost first: the last of them was called, those above it inlined."""
    for one in map(_fields, _messages(fields, 4)):
        lines = [_fields(line) for line in _messages(one, 4)]
        frames = []
        for line in reversed(lines):
            name, file = functions.get(_number(line, 1), ("", ""))
            frames.append(Frame(name or "[unknown]", file, max(0, _number(line, 2))))
        yield _number(one, 1), tuple(frames) or (Frame(f"[0x{_number(one, 3):x}]"),)


def _samples(fields: _Fields, places: dict[int, _Stack], kinds: int) -> Iterator[Sample]:
    for one in map(_fields, _messages(fields, 2)):
        addresses, values = _numbers(one, 1), tuple(_signed(value) for value in _numbers(one, 2))
        if len(values) != kinds:
            raise ValueError(f"a sample has {len(values)} values, and there are {kinds} kinds of them")
        missing = [address for address in addresses if address not in places]
        if missing:
            raise ValueError(f"a sample is at address {missing[0]}, which is not in it")
        yield Sample(tuple(frame for address in reversed(addresses) for frame in places[address]), values)


def _fields(data: bytes) -> _Fields:
    """A message's fields by their numbers: integers as they are, everything else as bytes."""
    found: _Fields = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value: int | bytes
            value, at = _varint(data, at)
        else:
            if wire == _BYTES:
                length, at = _varint(data, at)
            elif wire in _WIDTHS:
                length = _WIDTHS[wire]
            else:
                raise ValueError(f"it has a field of wire type {wire}, which there is not")
            value, at = data[at : at + length], at + length
            if at > len(data):
                raise ValueError("a field goes on after its end")
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number goes on after its end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than 64 bits")


def _messages(fields: _Fields, number: int) -> list[bytes]:
    return [one for one in fields.get(number, ()) if isinstance(one, bytes)]


def _number(fields: _Fields, number: int) -> int:
    """A field's last value, 0 where it is left out."""
    return _signed(next((one for one in reversed(fields.get(number, ())) if isinstance(one, int)), 0))


def _numbers(fields: _Fields, number: int) -> list[int]:
    """A repeated field, packed or not."""
    found: list[int] = []
    for one in fields.get(number, ()):
        if isinstance(one, int):
            found.append(one)
            continue
        at = 0
        while at < len(one):
            value, at = _varint(one, at)
            found.append(value)
    return found


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _text(texts: list[str], number: int) -> str:
    if not 0 <= number < len(texts):
        raise ValueError(f"it has no text {number}")
    return texts[number]
