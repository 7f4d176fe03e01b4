"""Our JSON against the standard library's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddd_tasks.engine import quickjson

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**20,
    1.5e-9,
    "",
    'ü"\\\n\x00\ud83d',
    [],
    {},
    [1, [2, {"a": None}]],
    {"ü": [True, {"b": ""}]},
]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_values_go_both_ways(value: Any) -> None:
    assert json.loads(quickjson.dumps(value)) == value
    assert quickjson.loads(json.dumps(value, indent=2)) == value
    assert quickjson.loads(f" {json.dumps(value)}\n".encode()) == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", '{"a":}', "1 2", "nul", "'x'", "[1"])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its message is json's own or ours
        quickjson.loads(text)


@pytest.mark.parametrize("value", [{1}, b"x", object()])
def test_what_json_does_not_have_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        quickjson.dumps(value)
