"""file:// URLs, by which a JavaScript engine knows source files, and the host paths that they stand for."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from ddd_tasks.language import PathMapping

# What Node.js leaves as it is in the path of a URL, beyond letters and digits.
_PLAIN = "/!$&'()*+,-.:;=@_"


def url_of(path: str) -> str:
    """The URL of an absolute path, as pathToFileURL() of Node.js writes it."""
    return "file://" + quote(path, safe=_PLAIN).replace("~", "%7E")


def pattern_of(path: str) -> str:
    """A JavaScript pattern for all URLs of an absolute path: loaders differ in what they escape and append."""
    return "^file://" + "".join(map(_either, path)) + r"(?:\?.*)?$"


def _either(char: str) -> str:
    """A character of a path, escaped or not."""
    if char.isascii() and (char.isalnum() or char in "/_"):
        return char
    escaped = "".join(f"%{byte:02X}" for byte in char.encode())
    return f"(?:{re.escape(char)}|{escaped})"


def path_of(url: str) -> str | None:
    """The path that a file:// URL stands for, without what loaders append to it (?t=1); None for other URLs."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return unquote(parts.path)
    return url if url.startswith("/") else None


def to_remote(mappings: Sequence[PathMapping], path: str) -> str | None:
    """What the debugger calls a host path, by the first mapping that holds it; None where none does."""
    file = Path(os.path.abspath(path))  # noqa: PTH100 - without following links, which resolve() does
    for mapping in mappings:
        if file.is_relative_to(mapping.local):
            return str(PurePosixPath(mapping.remote, *file.relative_to(mapping.local).parts))
    return None


def to_local(mappings: Sequence[PathMapping], path: str) -> str | None:
    """The host path behind a path of the debugger's, by the longest remote folder that holds it; None where none."""
    file = PurePosixPath(path)
    holding = [mapping for mapping in mappings if file.is_relative_to(mapping.remote)]
    if not holding:
        return None
    best = max(holding, key=lambda mapping: len(PurePosixPath(mapping.remote).parts))
    return str(Path(best.local, *file.relative_to(best.remote).parts))
