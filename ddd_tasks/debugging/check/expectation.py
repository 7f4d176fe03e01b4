"""What a user expects of the program at a breakpoint: EXPR == VALUE."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from ddd_tasks.errors import ConfigError

_QUOTES = "'\"`"
_OPEN, _CLOSE = "([{", ")]}"
# Written without quotes, these are values of another kind than text.
_LITERAL = re.compile(r"[-+]?(\d[\w.]*|\.\d+)|true|false|null|nil|none|undefined|nan", re.IGNORECASE)


class Expectation(NamedTuple):
    """expression: in the language's own words. value: as it was given."""

    expression: str
    value: str

    def holds(self, shown: str) -> bool:
        """Whether what the debugger shows for the expression is the value.

        Text in quotes is compared by its content, whatever the quotes. A value without quotes is also the content of a
        text, unless it reads as a number or the like: n == 1 does not hold for the text '1'.
        """
        wanted, got = self.value.strip(), shown.strip()
        if wanted == got:
            return True
        if is_quoted(wanted):
            return is_quoted(got) and content(wanted) == content(got)
        return is_quoted(got) and not _LITERAL.fullmatch(wanted) and wanted == content(got)


class Outcome(NamedTuple):
    """An expectation and what came of it. got: what the debugger showed; cause: why it has no value, or ""."""

    expectation: Expectation
    is_true: bool
    got: str
    cause: str = ""


def parse(text: str) -> Expectation:
    """Expression and value of EXPR == VALUE. Raises ConfigError for any other comparison."""
    places = _comparisons(text)
    start, end = places[0] if places else (0, 0)
    if text[start:end] != "==":
        said = f"its first comparison is {text[start:end]}" if places else "it has no =="
        raise _malformed(text, f"{said}. Another comparison goes into EXPR, in brackets")
    if "==" in (text[first:last] for first, last in places[1:]):
        raise _malformed(text, "it has more than one ==. Put one into brackets")
    expression, value = text[:start].strip(), text[end:].strip()
    if not expression or not value:
        raise _malformed(text, "one side of it is empty")
    return Expectation(expression, value)


def is_quoted(text: str) -> bool:
    """Whether it is one text in quotes."""
    if len(text) < 2 or text[0] not in _QUOTES or text[-1] != text[0]:
        return False
    return not re.search(rf"(?<!\\)(\\\\)*{text[0]}", text[1:-1])


def content(text: str) -> str:
    """What is between the quotes, with escapes read as most languages do."""
    if text[0] != "`":
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError):
            pass
    return text[1:-1]


def _malformed(text: str, cause: str) -> ConfigError:
    return ConfigError(f"--expect was given {text!r}", cause=f"it has to be EXPR == VALUE: {cause}")


def _comparisons(text: str) -> list[tuple[int, int]]:
    """Where the comparisons are that stand in no text and in no brackets: start and end of each."""
    found, quote, depth, at = [], "", 0, 0
    while at < len(text):
        letter = text[at]
        if quote:
            at += 1 if letter == "\\" and quote != "`" else 0
            quote = "" if text[at : at + 1] == quote and letter != "\\" else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPEN or letter in _CLOSE:
            depth += 1 if letter in _OPEN else -1
        elif depth == 0 and (match := re.compile(r"[=!]==?|<=|>=|(?<![-=])[<>]|(?<![:+\-*/])=(?!>)").match(text, at)):
            found.append(match.span())
            at = match.end() - 1
        at += 1
    return found
