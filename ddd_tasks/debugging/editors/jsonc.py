"""JSON with comments and trailing commas, read and changed in place: every byte outside a change stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_REST_OF_LINE = re.compile(r"(?:[ \t]|/\*[^\r\n]*?\*/)*(?://[^\r\n]*)?")
_DEPTH = 200


class JsoncError(Exception):
    """The text is not JSON with comments. line and column are counted from 1."""

    def __init__(self, what: str, text: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        before = text[:at]
        self.line = before.count("\n") + 1
        self.column = at - (before.rfind("\n") + 1) + 1


@dataclass
class Node:
    """A value of the text, from start to end. members: those of an object, by key; items: those of a list.

    begin: where the member of an object begins with its name; for other values the start.
    """

    start: int
    end: int
    value: Any
    begin: int = 0
    members: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)

    @property
    def inner(self) -> list[Node]:
        """The values within, in the order of the text."""
        return sorted([*self.members.values(), *self.items], key=lambda node: node.start)


def parse(text: str) -> Node:
    """The value that the text holds. Raises JsoncError."""
    node = _value(text, _skip(text, 0), 0)
    end = _skip(text, node.end)
    if end != len(text):
        raise JsoncError("something follows the end of the value", text, end)
    return node


def line_of(text: str, node: Node) -> tuple[int, int]:
    """Line and column where a value begins, counted from 1."""
    place = JsoncError("", text, node.start)
    return place.line, place.column


def set_member(text: str, holder: Node, key: str, value: Any) -> str:
    """The text with a member of an object set: in its place, or as the last one. Nothing changes where it is equal."""
    there = holder.members.get(key)
    if there is None:
        return _insert(text, holder, f"{json.dumps(key, ensure_ascii=False)}: ", value)
    if is_equal(there.value, value):
        return text
    indent = _indent_at(text, there.start)
    return text[: there.start] + _dump(text, value, indent, _is_flat(text, there)) + text[there.end :]


def append(text: str, holder: Node, value: Any) -> str:
    """The text with a value added at the end of a list."""
    return _insert(text, holder, "", value)


def is_equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; in Python, true is 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _skip(text: str, at: int) -> int:
    """The next place that is neither blank nor in a comment."""
    match = _SPACE.match(text, at)
    end = match.end() if match else at
    if text.startswith("/*", end):
        raise JsoncError("this comment has no end", text, end)
    return end


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _DEPTH:
        raise JsoncError(f"values lie within each other more than {_DEPTH} deep", text, at)
    if text.startswith(("{", "["), at):
        return _holder(text, at, depth)
    if match := _STRING.match(text, at):
        return Node(at, match.end(), json.loads(match[0]), at)
    if match := _NUMBER.match(text, at):
        return Node(at, match.end(), json.loads(match[0]), at)
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return Node(at, at + len(word), value, at)
    raise JsoncError("a value is missing" if at == len(text) else "this is no value", text, at)


def _holder(text: str, start: int, depth: int) -> Node:
    """An object or a list."""
    is_object = text[start] == "{"
    close = "}" if is_object else "]"
    node = Node(start, start, {} if is_object else [], start)
    at = _skip(text, start + 1)
    while not text.startswith(close, at):
        if at == len(text):
            raise JsoncError(f"{text[start]} has no {close}", text, start)
        begin = at
        key, at = _key(text, at) if is_object else ("", at)
        inner = _value(text, at, depth + 1)
        inner.begin = begin
        _add(node, key, inner)
        at = _skip(text, inner.end)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
        elif at < len(text) and not text.startswith(close, at):
            raise JsoncError(f"a comma or {close} is missing", text, at)
    node.end = at + 1
    return node


def _key(text: str, at: int) -> tuple[str, int]:
    match = _STRING.match(text, at)
    if not match:
        raise JsoncError("a name in double quotes is missing", text, at)
    colon = _skip(text, match.end())
    if not text.startswith(":", colon):
        raise JsoncError("a colon is missing", text, colon)
    return str(json.loads(match[0])), _skip(text, colon + 1)


def _add(node: Node, key: str, inner: Node) -> None:
    if isinstance(node.value, dict):
        node.value[key] = inner.value
        node.members[key] = inner  # of two with the same name the last one counts, as everywhere
    else:
        node.value.append(inner.value)
        node.items.append(inner)


def _insert(text: str, holder: Node, prefix: str, value: Any) -> str:
    """The text with one more value before the end of an object or list."""
    close = holder.end - 1
    is_flat = _is_flat(text, holder)
    outer = _indent_at(text, holder.start)
    if not holder.inner:
        return _insert_first(text, holder, prefix, value)
    last = holder.inner[-1]
    comma = _skip(text, last.end)
    has_comma = text.startswith(",", comma)
    if is_flat:
        new = prefix + _dump(text, value, outer, flat=True)
        end = comma + 1 if has_comma else last.end
        return text[: last.end] + ", " + new + ("," if has_comma else "") + text[end:]
    indent = _indent_at(text, last.begin) if _begins_line(text, last.begin) else outer + _unit(text)
    new = _newline(text) + indent + prefix + _dump(text, value, indent, flat=False) + ("," if has_comma else "")
    place = _end_of_line(text, comma + 1 if has_comma else last.end, close)
    commas = "" if has_comma else ","
    return text[: last.end] + commas + text[last.end : place] + new + text[place:]


def _insert_first(text: str, holder: Node, prefix: str, value: Any) -> str:
    """The same for one that is empty but for comments, which stay before the value."""
    outer, newline = _indent_at(text, holder.start), _newline(text)
    indent = outer + _unit(text)
    inside = text[holder.start + 1 : holder.end - 1].rstrip()
    new = f"{newline}{indent}{prefix}{_dump(text, value, indent, flat=False)}{newline}{outer}"
    return text[: holder.start + 1] + inside + new + text[holder.end - 1 :]


def _end_of_line(text: str, at: int, limit: int) -> int:
    """Behind the comment that may follow on the same line, or at once where something else follows there."""
    match = _REST_OF_LINE.match(text, at)
    end = min(match.end() if match else at, limit)
    is_line = text.startswith(("\r", "\n"), end)
    return end if is_line and text[at:end].strip() else at


def _dump(text: str, value: Any, indent: str, flat: bool) -> str:
    """A value as JSON, in the style of the text, with its further lines at this indentation."""
    if flat:
        return json.dumps(value, ensure_ascii=False)
    return _newline(text).join(_lines(value, _unit(text), indent))


def _lines(value: Any, unit: str, indent: str) -> Iterator[str]:
    first, *rest = json.dumps(value, ensure_ascii=False, indent=unit).split("\n")
    yield first
    yield from (indent + line for line in rest)


def _is_flat(text: str, node: Node) -> bool:
    """Whether an object or list that holds something stands on one line."""
    return bool(node.inner) and "\n" not in text[node.start : node.end]


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t\ufeff")


def _indent_at(text: str, at: int) -> str:
    """The blanks with which the line of a place begins."""
    line = text[text.rfind("\n", 0, at) + 1 :].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str) -> str:
    """What one level of indentation is: that of the first line that has any, or four blanks, as VS Code writes."""
    match = re.search(r"^([ \t]+)\S", _without_comments(text), re.MULTILINE)
    return ("\t" if match[1].startswith("\t") else match[1]) if match else "    "


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def dumps(value: Mapping[str, Any] | list[Any]) -> str:
    """A new file's text."""
    return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
