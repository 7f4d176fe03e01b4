"""The layers of a build as an SVG picture: bars for the time, red where the cache was lost; light and dark."""

from __future__ import annotations

import shlex
from html import escape
from pathlib import Path

from ddd_tasks.errors import ConfigError
from ddd_tasks.stages import progress
from ddd_tasks.stages.layers import Layer, Report, clipped
from ddd_tasks.stages.listing import human

_ROW, _TOP, _WIDTH = 26, 84, 1080
_LINE, _TEXT, _BAR, _BAR_END, _SIZE = 20, 150, 640, 960, 1060
_CHARACTERS = 66
# Colours that keep their contrast on white and on GitHub's dark grey.
_STYLE = """\
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; }
  .title { font-weight: bold; font-size: 15px; }
  .dim { fill: #59636e; }
  .back { fill: #ffffff; }
  .band { fill: #f6f8fa; }
  .built { fill: #bf8700; }
  .cause { fill: #cf222e; }
  .cached { fill: #1a7f37; }
  .base { fill: #8c959f; }
  .why { fill: #cf222e; font-size: 12px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .dim { fill: #9198a1; }
    .back { fill: #0d1117; }
    .band { fill: #161b22; }
    .built { fill: #d29922; }
    .cause { fill: #f85149; }
    .cached { fill: #3fb950; }
    .base { fill: #6e7681; }
    .why { fill: #ff7b72; }
  }"""


def svg(report: Report) -> str:
    """The picture as text; it needs nothing from outside."""
    longest = max([layer.step.seconds for layer in report.layers] or [0.0]) or 1.0
    parts, y, stage = [], _TOP, ""
    for number, layer in enumerate(report.layers):
        height = _ROW + (18 if layer.cause else 0)
        if number % 2 == 0:
            parts.append(f'<rect class="band" x="0" y="{y}" width="{_WIDTH}" height="{height}"/>')
        parts += _row(layer, y + 18, longest, first=layer.step.stage != stage)
        y, stage = y + height, layer.step.stage
    return _document(report, parts, y + 16)


def write(report: Report, file: Path) -> None:
    """Write the picture to a file. Raises ConfigError where that cannot be."""
    try:
        file.write_text(svg(report), encoding="utf-8")
    except OSError as error:
        hint = f"ls -lad {shlex.quote(str(file.parent))}"
        raise ConfigError(f"{file} cannot be written", cause=str(error), hint=hint) from error


def _row(layer: Layer, y: int, longest: float, *, first: bool) -> list[str]:
    step, kind = layer.step, _class(layer)
    width = max(3.0, (_BAR_END - _BAR - 70) * step.seconds / longest)
    took = f"{step.seconds:.1f} s" if kind not in ("cached", "base") else layer.state
    title = f"<title>{escape(step.text)}</title>"
    parts = [
        _text(_LINE, y, str(step.line), "dim"),
        _text(_LINE + 34, y, clipped(step.stage, 11) if first else ""),
        f"<g>{title}{_text(_TEXT, y, clipped(step.text, _CHARACTERS - 5), 'dim' if kind == 'cached' else '')}</g>",
        f'<rect class="{kind}" x="{_BAR}" y="{y - 11}" width="{width:.1f}" height="13" rx="2"/>',
        _text(int(_BAR + width + 8), y, took, "dim"),
        _text(_SIZE, y, human(step.size), "dim", end=True),
    ]
    if layer.cause:
        parts.append(_text(_TEXT, y + 17, clipped(f"↑ {layer.cause.text}", 120), "why"))
    return parts


def _class(layer: Layer) -> str:
    if layer.cause:
        return "cause"
    return {progress.CACHED: "cached", progress.FAILED: "cause"}.get(layer.state, layer.state)


def _text(x: int, y: int, text: str, kind: str = "", *, end: bool = False) -> str:
    marks = (f' class="{kind}"' if kind else "") + (' text-anchor="end"' if end else "")
    return f'<text x="{x}" y="{y}"{marks} xml:space="preserve">{escape(text)}</text>' if text else ""


def _document(report: Report, parts: list[str], height: int) -> str:
    legend, x = [], _BAR
    for kind, word in (("cause", "changed"), ("built", "rebuilt after it"), ("cached", "cached")):
        legend.append(f'<rect class="{kind}" x="{x}" y="53" width="13" height="13" rx="2"/>')
        legend.append(_text(x + 19, 64, word, "dim"))
        x += 19 + 8 * len(word) + 22
    head = [
        _text(_LINE, 30, clipped(report.summary, 120), "title"),
        _text(_LINE, 64, "line", "dim"),
        _text(_TEXT, 64, "instruction", "dim"),
        *legend,
        _text(_SIZE, 64, "size", "dim", end=True),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>{escape(report.summary)}</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="back" width="{_WIDTH}" height="{height}"/>',
            *(part for part in [*head, *parts] if part),
            "</svg>\n",
        ]
    )
