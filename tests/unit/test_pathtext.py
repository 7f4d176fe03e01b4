"""Paths inside words and output."""

from __future__ import annotations

import random

import pytest

from ddd_tasks.pathtext import MappedOutput, Mapping

INWARD = Mapping([("/home/me/shop", "/app"), ("/home/me/shop/vendor", "/opt/vendor")])
OUTWARD = Mapping([("/app", "/home/me/shop"), ("/opt/vendor", "/home/me/shop/vendor")])


@pytest.mark.parametrize(
    ("word", "mapped"),
    [
        ("/home/me/shop", "/app"),
        ("/home/me/shop/", "/app/"),
        ("/home/me/shop/tests/test_a.py::test_b", "/app/tests/test_a.py::test_b"),
        ("--cov=/home/me/shop/src", "--cov=/app/src"),
        ("file:///home/me/shop/a.py", "file:///app/a.py"),
        ("/home/me/shop/a:/home/me/shop/b", "/app/a:/app/b"),
        ("/home/me/shop/vendor/x", "/opt/vendor/x"),
        ("/home/me/shopping/a.py", "/home/me/shopping/a.py"),
        ("/home/me/shop.bak", "/home/me/shop.bak"),
        ("/mnt/home/me/shop/a.py", "/mnt/home/me/shop/a.py"),
        ("tests/test_a.py", "tests/test_a.py"),
        ("", ""),
    ],
)
def test_words(word: str, mapped: str) -> None:
    assert INWARD.words([word]) == [mapped]


def test_words_that_are_no_utf8_pass_through() -> None:
    assert INWARD.words(["\udcff/home/me/shop/\udcfe"]) == ["\udcff/home/me/shop/\udcfe"]
    assert INWARD.words(["/home/me/shop/\udcfe"]) == ["/app/\udcfe"]


@pytest.mark.parametrize(
    ("line", "mapped"),
    [
        (b'  File "/app/main.py", line 3, in f\n', b'  File "/home/me/shop/main.py", line 3, in f\n'),
        (b"/app/tests/test_a.py:12: AssertionError", b"/home/me/shop/tests/test_a.py:12: AssertionError"),
        (b"/application/main.py", b"/application/main.py"),
        (b"http://localhost/app/x", b"http://localhost/app/x"),
        (b"cd /app", b"cd /home/me/shop"),
        (b"rootdir: /app\n", b"rootdir: /home/me/shop\n"),
        (b"\x1b[1;31m/app/a.py\x1b[0m", b"\x1b[1;31m/home/me/shop/a.py\x1b[0m"),
        (b"item/app/a.py", b"item/app/a.py"),
    ],
)
def test_output(line: bytes, mapped: bytes) -> None:
    assert OUTWARD.apply(line) == mapped


@pytest.mark.parametrize("seed", range(30))
def test_output_is_the_same_however_it_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        b"/app/a.py",
        b"/app",
        b"/ap",
        b" ",
        b"\n",
        b"file://",
        b"/opt/vendor/x",
        b"/opt",
        b"\x1b[31m",
        b"=",
        b"x",
        b'"',
        b"/",
    ]
    text = b"".join(chance.choice(pieces) for _ in range(60))
    got = bytearray()
    output = MappedOutput(OUTWARD, lambda _, data: got.extend(data))
    place = 0
    while place < len(text):
        size = chance.choice([1, 2, 3, 7])
        output(1, text[place : place + size])
        place += size
    output.close()
    assert bytes(got) == OUTWARD.apply(text)


def test_nothing_is_kept_that_cannot_become_a_path() -> None:
    got = bytearray()
    MappedOutput(OUTWARD, lambda _, data: got.extend(data))(1, b"$ ")
    assert bytes(got) == b"$ "


def test_streams_do_not_mix() -> None:
    got = {1: bytearray(), 2: bytearray()}
    output = MappedOutput(OUTWARD, lambda descriptor, data: got[descriptor].extend(data))
    output(1, b"/ap")
    output(2, b"p/x /app/y")
    output(1, b"p/z")
    output.close()
    assert got == {1: b"/home/me/shop/z", 2: b"p/x /home/me/shop/y"}
