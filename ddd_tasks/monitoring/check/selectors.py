"""What an expression selects, from the syntax tree that Prometheus itself has made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NAME = "__name__"
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_PLAIN_NAME = re.compile(r"[A-Za-z_:][\w:]*")


class Matcher(NamedTuple):
    """A condition on a label. operator: =, !=, =~ or !~."""

    label: str
    operator: str
    value: str

    def accepts(self, value: str) -> bool:
        """Whether it holds for this value; "" is a label that a series does not have."""
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        try:
            is_match = re.fullmatch(self.value, value, re.DOTALL) is not None
        except re.error:  # valid for Prometheus and unknown here
            return True
        return is_match == (self.operator == "=~")

    def __str__(self) -> str:
        label = self.label if _PLAIN.fullmatch(self.label) else json.dumps(self.label, ensure_ascii=False)
        return f"{label}{self.operator}{json.dumps(self.value, ensure_ascii=False)}"


class Selector(NamedTuple):
    """The conditions that a series has to fulfil, the one on its name among them."""

    matchers: tuple[Matcher, ...]

    @property
    def name(self) -> str:
        """The metric, or the condition on its name where it is none, "" where there is no condition either."""
        named = [one for one in self.matchers if one.label == NAME]
        exact = [one.value for one in named if one.operator == "="]
        return exact[0] if exact else ", ".join(str(one) for one in named)

    @property
    def others(self) -> tuple[Matcher, ...]:
        """The conditions on labels other than the name."""
        return tuple(one for one in self.matchers if one.label != NAME)

    @property
    def of_name(self) -> str:
        """The selector of all series of the metric."""
        return _text(one for one in self.matchers if one.label == NAME)

    def accepts(self, label: str, value: str) -> bool:
        """Whether all conditions on this label hold for a value of it."""
        return all(one.accepts(value) for one in self.matchers if one.label == label)

    def __str__(self) -> str:
        return _text(self.matchers)


def of_tree(tree: Mapping[str, Any]) -> list[Selector]:
    """Each selector of an expression, once, in its order."""
    return list(dict.fromkeys(_selector(node) for node in _nodes(tree) if "matchers" in node))


def missing(tree: Mapping[str, Any], broken: Mapping[Selector, Any]) -> list[Selector]:
    """Those of the broken selectors that make the expression as a whole broken, in its order.

    Not those of `a or b` where the other one is there, after `unless`, or within absent(): there, nothing may be right.
    """
    kind = tree.get("type")
    if "matchers" in tree:
        found = _selector(tree)
        return [found] if found in broken else []
    if kind == "call" and str(tree["func"]["name"]).startswith("absent"):
        return []
    if kind == "binaryExpr" and tree["op"] == "unless":
        return missing(tree["lhs"], broken)
    parts = [missing(part, broken) for part in _parts(tree)]
    if kind == "binaryExpr" and tree["op"] == "or" and not all(parts) and of_tree(tree["rhs"]):
        return []  # the right side without a selector, as in vector(0), takes no metric's place
    return list(dict.fromkeys(one for part in parts for one in part))


def _selector(node: Mapping[str, Any]) -> Selector:
    return Selector(tuple(Matcher(one["name"], one["type"], one["value"]) for one in node["matchers"]))


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield tree
    for part in _parts(tree):
        yield from _nodes(part)


def _parts(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("lhs", "rhs", "param", "expr"):
        if isinstance(tree.get(key), dict):
            yield tree[key]
    yield from (part for part in tree.get("args") or () if isinstance(part, dict))


def _text(matchers: Any) -> str:
    """In PromQL, with the name before the braces where it can stand there."""
    rest, name = [], ""
    for one in matchers:
        if one.label == NAME and one.operator == "=" and not name and _PLAIN_NAME.fullmatch(one.value):
            name = one.value
        else:
            rest.append(str(one))
    return f"{name}{{{', '.join(rest)}}}" if rest or not name else name
