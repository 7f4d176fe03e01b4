"""The words of a Dockerfile line and their variables, by the rules of BuildKit's shell lexer."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping


class Expansion:
    """One word with its quotes removed and its variables replaced, as BuildKit's shell lexer does it."""

    def __init__(self, word: str, args: Mapping[str, str], escape: str) -> None:
        self.word, self.args, self.escape, self.at = word, args, escape, 0

    def text(self, stop: str = "") -> str:
        """Everything up to the stop character or the end. Raises ValueError for what cannot be expanded."""
        out, quote = "", ""
        while self.at < len(self.word):
            char = self.word[self.at]
            if char == stop and not quote:
                return out
            self.at += 1
            if char in "'\"" and quote in ("", char):
                quote = "" if quote else char
            elif char == self.escape and quote != "'" and self.at < len(self.word):
                out += self.word[self.at]
                self.at += 1
            elif char == "$" and quote != "'":
                out += self._variable()
            else:
                out += char
        if stop:
            raise ValueError(f"a {stop} is missing")
        return out

    def _variable(self) -> str:
        braced = self.word[self.at : self.at + 1] == "{"
        self.at += braced
        match = re.compile(r"\w+").match(self.word, self.at)
        if match is None:
            if braced:
                raise ValueError("${ is followed by no name")
            return "$"
        self.at = match.end()
        value = self.args.get(match[0])
        if not braced:
            return value or ""
        operator = re.compile(r":?[-+?]|##?|%%?|//?|").match(self.word, self.at)
        self.at = operator.end() if operator else self.at
        operand = self.text(stop="}")
        self.at += 1
        return _modified(match[0], value, operator[0] if operator else "", operand)


def _modified(name: str, value: str | None, operator: str, operand: str) -> str:
    """The value of ${name<operator>operand}. Raises ValueError for ${name?message} without a value."""
    is_set = value is not None and (bool(value) or not operator.startswith(":"))
    value = value or ""
    kind = operator.lstrip(":")
    if kind == "-":
        return value if is_set else operand
    if kind == "+":
        return operand if is_set else ""
    if kind == "?":
        if not is_set:
            raise ValueError(f"{name}: {operand or 'is not set'}")
        return value
    if kind.startswith("/"):
        pattern, _, replacement = operand.partition("/")
        glob = fnmatch.translate(pattern).removesuffix(r"\Z").removesuffix(r"\z")
        return re.sub(glob, lambda _: replacement, value, count=0 if kind == "//" else 1)
    return _trimmed(value, kind, operand) if kind else value


def _trimmed(value: str, kind: str, pattern: str) -> str:
    """The value without the shortest (# %) or longest (## %%) start (#) or end (%) that the pattern matches."""
    cuts = range(len(value) + 1)
    from_start = kind.startswith("#")
    order = cuts if (len(kind) == 1) == from_start else reversed(cuts)
    for cut in order:
        start, end = value[:cut], value[cut:]
        if fnmatch.fnmatchcase(start if from_start else end, pattern):
            return end if from_start else start
    return value


def words(text: str, escape: str) -> list[str]:
    """The blank-separated words of a line, quotes kept."""
    mark = re.escape(escape)
    return re.findall(rf"(?:'[^']*'|\"(?:{mark}.|[^\"])*\"|{mark}.|[^\s'\"])+", text)
