"""Which lines of Python code a breakpoint can stand on, by the host's own compiler."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import CodeType

from ddd_tasks.language import CodeLines

_CO_OPTIMIZED = 0x1  # as in inspect, whose import takes longer than all of this


def lines(source: bytes) -> CodeLines | None:
    """The lines with code; None where this Python does not understand the source: that of a container may be newer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user's tests tell these
            code = compile(source, "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    found = list(_codes(code))
    often = {line for one in found if _is_function(one) for line in _body(one)}
    every = {line for one in found for line in _lines(one)}
    return CodeLines(frozenset(every), frozenset(every - often))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _is_function(code: CodeType) -> bool:
    """Or a lambda or the like: what runs at each call. The bodies of modules and classes run once."""
    return bool(code.co_flags & _CO_OPTIMIZED)


def _lines(code: CodeType) -> set[int]:
    return {line for _, _, line in code.co_lines() if line}


def _body(code: CodeType) -> set[int]:
    """A function's lines without that of its def, where a debugger does not stop at a call."""
    return _lines(code) - {code.co_firstlineno} or _lines(code)
