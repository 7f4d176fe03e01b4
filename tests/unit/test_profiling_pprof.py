"""Go's profiles: what is read from the messages of profile.proto, and what is said of a file that is broken."""

from __future__ import annotations

import gzip

import pytest

from ddd_tasks.profiling import pprof
from ddd_tasks.profiling.stacks import Frame

TEXTS = ("", "samples", "count", "cpu", "nanoseconds", "main.hot", "/app/main.go", "main.inner", "main.main")
HOT, INNER, MAIN = Frame("main.hot", "/app/main.go", 12), Frame("main.inner", "/app/main.go", 7), Frame("main.main")


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields: tuple[int, int | bytes]) -> bytes:
    return b"".join(field(*one) for one in fields)


def line(function: int, number: int = 0) -> bytes:
    return message((1, function), (2, number))


def sample(values: tuple[int, ...], *addresses: int, is_packed: bool = True) -> bytes:
    if is_packed:
        pairs = (b"".join(map(varint, addresses)), b"".join(map(varint, values)))
        return message((1, pairs[0]), (2, pairs[1]))
    return message(*((1, one) for one in addresses), *((2, one) for one in values))


def profile(*samples: bytes) -> bytes:
    """Address 1 is inner, which is inlined into hot; address 2 is main, without a file; 3 has no name."""
    return message(
        (1, message((1, 1), (2, 2))),
        (1, message((1, 3), (2, 4))),
        *((2, one) for one in samples),
        (4, message((1, 1), (3, 0x401000), (4, line(2, 7)), (4, line(1, 12)))),
        (4, message((1, 2), (4, line(3)))),
        (4, message((1, 3), (3, 0xABC))),
        (5, message((1, 1), (2, 5), (4, 6))),
        (5, message((1, 2), (2, 7), (4, 6))),
        (5, message((1, 3), (2, 8))),
        *((6, text.encode()) for text in TEXTS),
        (10, 1_500_000_000),
        (12, 10_000_000),
    )


def test_stacks_are_root_first_with_what_was_inlined() -> None:
    document = pprof.parse(gzip.compress(profile(sample((3, 30_000_000), 1, 2), sample((1, 10_000_000), 3))))
    assert (document.kinds, document.seconds, document.period) == (("samples", "cpu"), 1.5, 10_000_000)
    assert document.stacks("samples") == {(MAIN, HOT, INNER): 3, (Frame("[0xabc]"),): 1}
    assert document.stacks("cpu")[MAIN, HOT, INNER] == 30_000_000


def test_the_same_stack_twice_is_one_and_nothing_is_left_out() -> None:
    samples = (sample((3, 30), 1, 2), sample((2, 20), 1, 2, is_packed=False), sample((0, 5), 2))
    document = pprof.parse(gzip.compress(profile(*samples)))
    assert document.stacks("samples") == {(MAIN, HOT, INNER): 5}
    assert document.stacks("cpu") == {(MAIN, HOT, INNER): 50, (MAIN,): 5}


def test_a_profile_without_samples_has_no_stacks() -> None:
    assert pprof.parse(gzip.compress(profile())).stacks("samples") == {}


def test_fields_that_are_not_known_are_passed_over() -> None:
    more = message((99, 5), (98, b"text")) + varint(97 << 3 | 1) + b"12345678" + varint(96 << 3 | 5) + b"1234"
    document = pprof.parse(gzip.compress(profile(sample((1, 1), 2)) + more))
    assert document.stacks("cpu") == {(MAIN,): 1}


WHOLE = gzip.compress(profile(sample((3, 30), 1, 2)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>not found</html>", "does not begin as gzip does"),
        (b"", "does not begin as gzip does"),
        (WHOLE[:-12], "cut off"),
        (WHOLE[:10] + b"\xff" * 20, "gzip is broken"),
        (gzip.compress(b""), "no table of texts"),
        (gzip.compress(b"plain words, and no messages"), "type|end|texts|64 bits"),
        (gzip.compress(profile() + varint(2 << 3 | 2) + varint(1000) + b"x"), "goes on after its end"),
        (gzip.compress(profile(sample((1,), 1))), "a sample has 1 values, and there are 2 kinds"),
        (gzip.compress(profile(sample((1, 1), 77))), "address 77, which is not in it"),
        (gzip.compress(profile() + field(1, message((1, 500)))), "no text 500"),
        (gzip.compress(profile() + varint(1 << 3) + b"\xff" * 12), "longer than 64 bits"),
    ],
)
def test_what_is_broken_is_said(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        pprof.parse(content)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pprof, "_LARGEST", 1 << 20)
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        pprof.parse(gzip.compress(b"\0" * (1 << 22)))


def test_a_kind_that_it_has_not_is_named_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match="'inuse_space', but: samples, cpu"):
        pprof.parse(WHOLE).stacks("inuse_space")
