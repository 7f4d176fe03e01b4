"""FILE:LINE, EXPR == VALUE and HOST=CONTAINER as users type them, and the lines of Python that a breakpoint can hit."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ddd_tasks.debugging.check import expectation, place, report, wanted
from ddd_tasks.debugging.check.expectation import Expectation
from ddd_tasks.debugging.check.wanted import Words
from ddd_tasks.errors import ConfigError
from ddd_tasks.language import PathMapping
from ddd_tasks.languages.python import PYTHON


@pytest.mark.parametrize(
    ("text", "file", "line"),
    [
        ("app/main.py:29", "app/main.py", 29),
        ("C:\\src\\main.go:7", "C:\\src\\main.go", 7),
        ("C:/src/main.go:7", "C:/src/main.go", 7),
        ("a b/it's:odd.py:1", "a b/it's:odd.py", 1),
    ],
)
def test_file_and_line(text: str, file: str, line: int) -> None:
    assert place.split(text, Words().command) == (file, line)


@pytest.mark.parametrize("text", ["", "main.py", ":3", "main.py:", "main.py:0", "main.py:-1", "main.py:x", "3"])
def test_what_is_no_file_and_line(text: str) -> None:
    with pytest.raises(ConfigError, match="FILE:LINE"):
        place.split(text, Words().command)


def test_a_column_is_named_as_such() -> None:
    with pytest.raises(ConfigError, match="column") as caught:
        place.split("app/main.py:29:5", Words(request="/a b").command)
    assert caught.value.hint == "ddd debug.check --break app/main.py:29 --request '/a b'"


def test_a_line_is_found_from_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("a = 1\nb = 2\n")
    monkeypatch.chdir(tmp_path / "app")
    assert place.find("main.py:2", Words().command) == (tmp_path / "app" / "main.py", 2)
    assert place.find("../app/main.py:2", Words().command).shown == "main.py:2"
    with pytest.raises(ConfigError, match="which has 2 lines"):
        place.find("main.py:3", Words().command)
    with pytest.raises(ConfigError, match=r"no file mian\.py") as caught:
        place.find("mian.py:1", Words().command)
    assert caught.value.nearest == "main.py"
    with pytest.raises(ConfigError, match="is no file"):
        place.find("../app:1", Words().command)


@pytest.mark.parametrize(
    ("text", "expression", "value"),
    [
        ("n == 1", "n", "1"),
        ("len(items)==3", "len(items)", "3"),
        ("names['a == b'] == 'x == y'", "names['a == b']", "'x == y'"),
        ("(a == b) == True", "(a == b)", "True"),
        (r"s == 'it\'s == it'", "s", r"'it\'s == it'"),
        ("items.filter(x => x == 1) == []", "items.filter(x => x == 1)", "[]"),
        ("err == <nil>", "err", "<nil>"),
        ('x == "', "x", '"'),
    ],
)
def test_an_expectation(text: str, expression: str, value: str) -> None:
    assert expectation.parse(text) == Expectation(expression, value)


@pytest.mark.parametrize(
    "text", ["", "n", "n = 1", "n != 1", "n === 1", "n !== 1", "n > 1", "n <= 1", "n ==", "== 1", "a == b == c"]
)
def test_what_is_no_expectation(text: str) -> None:
    with pytest.raises(ConfigError, match="EXPR == VALUE"):
        expectation.parse(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1", "1"),
        ("visits", "'visits'"),
        ("'visits'", '"visits"'),
        ('"a\\nb"', "'a\\nb'"),
        ("it's", '"it\'s"'),
        ("{'a': 1}", "{'a': 1}"),
        ("`raw`", '"raw"'),
        ("'1'", "'1'"),
    ],
)
def test_values_that_are_the_same(value: str, shown: str) -> None:
    assert Expectation("x", value).holds(shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1", "'1'"),
        ("'1'", "1"),
        ("True", "'True'"),
        ("nil", '"nil"'),
        ("a", "'b'"),
        ("'a' + 'b'", "'ab'"),
        ("1", "1.0"),
    ],
)
def test_values_that_are_not(value: str, shown: str) -> None:
    assert not Expectation("x", value).holds(shown)


def test_a_mapping_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").mkdir()
    assert wanted.mapping(".=/app/") == PathMapping(tmp_path, "/app")
    assert wanted.mapping("a=b=/srv") == PathMapping(tmp_path / "a=b", "/srv")
    for text in ("", "/app", "=/app", ".=", "nowhere=/app"):
        with pytest.raises(ConfigError, match="--map was given"):
            wanted.mapping(text)


def test_the_same_again_is_a_command_to_paste(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b.py").write_text("a = 1\n")
    monkeypatch.chdir(tmp_path)
    words = Words("api", "", "curl -s 'x y'", ("a == 'b'", "c == 1"), (".=/srv",), 2.5)
    again = wanted.parse("a b.py:1", words)
    typed = ["--run", "curl -s 'x y'", "--expect", "a == 'b'", "--expect", "c == 1"]
    start = ["ddd", "debug.check", "--service", "api", "--break"]
    assert shlex.split(again.retry()) == [*start, "a b.py:1", *typed, "--map", ".=/srv", "--timeout", "2.5"]
    assert shlex.split(again.retry(line=7)) == [*start, "a b.py:7", *typed, "--map", ".=/srv", "--timeout", "2.5"]
    assert shlex.split(again.retry(mapping=".=/a b")) == [
        *start, "a b.py:1", *typed, "--map", ".=/a b", "--timeout", "2.5"]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "retry"),
    [
        (Words("api", "/", "true"), ["--service", "api", "--break", "a.py:1", "--request", "/"]),
        (Words(request="/", timeout=-1), ["--break", "a.py:1", "--request", "/"]),
        (Words("api", run="echo 'a"), ["--service", "api", "--break", "a.py:1", "--request", "/"]),
        (Words(run="true", map=("x",)), ["--break", "a.py:1", "--run", "true", "--map", ".=/app"]),
    ],
)
def test_what_was_right_of_refused_words_is_kept(
    words: Words, retry: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        wanted.parse("a.py:1", words)
    assert shlex.split(caught.value.hint)[2:] == retry


def test_long_values_are_cut_with_their_length() -> None:
    assert report.cut("'short'") == "'short'"
    assert report.cut("x" * 1000).endswith("... (1000 characters)")
    assert "\n" not in report.cut("a\nb")


SOURCE = b'''\
"""A module."""
import os

class A:
    """Docs."""
    size = 1

    @property
    def b(self):
        """Docs."""
        value = (
            1,
            self.size,
        )
        # a comment
        return value

key = lambda: 1
'''


def test_lines_of_python_with_code() -> None:
    assert PYTHON.debug
    assert PYTHON.debug.lines
    found = PYTHON.debug.lines(SOURCE)
    assert found
    assert not found.every & {3, 7, 10, 15, 17}  # blank lines, docstrings of functions, comments
    assert {2, 4, 6, 8} <= found.once  # imports, classes and what is in them, decorators
    assert {13, 16, 18} <= found.every - found.once


def test_source_of_a_newer_python_has_unknown_lines() -> None:
    assert PYTHON.debug
    assert PYTHON.debug.lines
    assert PYTHON.debug.lines(b"soon: = 1\n") is None
    assert PYTHON.debug.lines(b"a = '\0'\n") is None
