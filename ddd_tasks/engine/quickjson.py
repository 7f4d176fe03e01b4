"""json.loads and json.dumps by the C functions behind them: importing json loads re and enum, 8 ms for every exec.

`_json` is private to CPython, but what json itself calls; elsewhere, or should it change, json takes over.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from typing import Any


class _Context:
    """What json.JSONDecoder tells the scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is not JSON")


try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    _scan = make_scanner(_Context)  # type: ignore[arg-type]  # any object with these attributes
    _encode = make_encoder(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
    if _scan('{"a":[1,null]}', 0)[0] != {"a": [1, None]} or "".join(_encode({"a": [1, None]}, 0)) != '{"a":[1,null]}':
        raise ImportError("_json does something else in this Python")
except (ImportError, TypeError, AttributeError):
    import json

    def loads(text: str | bytes) -> Any:
        """The value of a JSON text. Raises ValueError."""
        return json.loads(text)

    def dumps(value: Any) -> str:
        """A value as JSON. Raises TypeError for what JSON does not have."""
        return json.dumps(value)

else:

    def loads(text: str | bytes) -> Any:
        """The value of a JSON text. Raises ValueError."""
        decoded = (text.decode() if isinstance(text, bytes) else text).strip()
        try:
            value, end = _scan(decoded, 0)
        except StopIteration as error:
            raise ValueError(f"no JSON at character {error.value}") from None
        if end != len(decoded):
            raise ValueError(f"more than JSON after character {end}")
        return value

    def dumps(value: Any) -> str:
        """A value as compact JSON. Raises TypeError for what JSON does not have."""
        return "".join(_encode(value, 0))
