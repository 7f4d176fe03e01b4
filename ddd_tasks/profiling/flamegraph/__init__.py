"""A flame graph as one HTML file: it opens from disk, asks the network for nothing, and may run only its own script."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from ddd_tasks.profiling.flamegraph import tree
from ddd_tasks.profiling.stacks import Profile

_SCRIPTS = ("model.js", "graph.js", "page.js")


def render(profile: Profile, title: str, sources: Mapping[str, str] | None = None) -> str:
    """The page of one profile. title: what it is of, as "api, 10 s at 100 Hz".

    sources: file in the container -> path in the checkout, which is shown in its place.
    """
    return _page(title, {"unit": profile.unit, "rate": profile.rate, **tree.data([profile], sources or {})})


def render_diff(before: Profile, after: Profile, title: str, sources: Mapping[str, str] | None = None) -> str:
    """The page of two, for those that diff.check lets pass: red is what grew, blue what shrank."""
    return _page(title, {"unit": after.unit, "rate": after.rate, **tree.data([before, after], sources or {})})


def _page(title: str, data: dict[str, Any]) -> str:
    style, script = _part("page.css"), "".join(map(_part, _SCRIPTS))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    values = {
        "policy": policy,
        "title": html.escape(title),
        "style": style,
        "script": script,
        "data": _embedded({"title": title, **data}),
    }
    # Piece by piece, not by replace: a function may be called {{script}}.
    pieces = _part("page.html").split("{{")
    return pieces[0] + "".join(values[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces[1:]))


def _embedded(value: Any) -> str:
    """JSON that no HTML parser can take for the end of its element, or for a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
