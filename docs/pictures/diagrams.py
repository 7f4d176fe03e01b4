"""Draw the pictures of docs/how-it-works: `python -m docs.pictures.diagrams`, in the folder of the repository.

A picture is a description: frames, boxes with lines of text, and arrows between them, on a page of 360 units. A text
that does not fit its box, or a box that leaves the page, is an error: nobody sees it in a review.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH = 360  # units, and the pixels of a narrow telephone: the text is readable there
_SHOWN = 540  # pixels where there is room
_FONT, _SMALL, _LINE, _PAD = 10.5, 9.5, 13.0, 7.0
_CHARACTER = 0.56  # of the font's size, for a sans serif; those of a program's words are wider
_MONO = 0.602
_FOLDER = Path(__file__).parent

_STYLE = """\
text { font: 10.5px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328; }
.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 9.5px; }
.name { font-weight: 600; }
.said { fill: #57606a; font-size: 9.5px; }
.page { fill: #ffffff; }
.frame { fill: #f6f8fa; stroke: #8c959f; stroke-dasharray: 4 3; }
.inner { fill: #eaeef2; }
.box { fill: #ffffff; stroke: #57606a; }
.ours { fill: #ddf4ff; stroke: #0969da; }
.arrow { fill: none; stroke: #57606a; stroke-width: 1.2; }
.head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .said { fill: #adb6c0; }
  .page { fill: #0d1117; }
  .frame { fill: #161b22; stroke: #6e7681; }
  .inner { fill: #21262d; }
  .box { fill: #0d1117; stroke: #9198a1; }
  .ours { fill: #0c2d4d; stroke: #58a6ff; }
  .arrow { stroke: #9198a1; }
  .head { fill: #9198a1; }
}"""


class Frame(NamedTuple):
    """A machine, a container or a namespace: what lies in it is drawn on it. named: where its title begins, if not
    at the top left.
    """

    title: str
    x: float
    y: float
    width: float
    height: float
    is_inner: bool = False
    named: tuple[float, float] = (0, 0)


class Box(NamedTuple):
    """A process or a file. lines: the first is its name; words between backquotes are a program's or a file's own."""

    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    is_ours: bool = False

    @property
    def height(self) -> float:
        """As high as its lines."""
        return len(self.lines) * _LINE + _PAD


class Arrow(NamedTuple):
    """A line through points, with a head at its end, and lines of text beginning at a place of their own."""

    points: tuple[tuple[float, float], ...]
    said: tuple[str, ...] = ()
    at: tuple[float, float] = (0, 0)
    both_ways: bool = False


class Picture(NamedTuple):
    """A whole picture. about: what it shows, for those who do not see it."""

    name: str
    about: str
    height: float
    frames: tuple[Frame, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


EXEC = Picture(
    "exec",
    "ddd exec reads a plan, opens one connection to the engine, and signals every process that carries its token",
    330,
    (
        Frame("this machine", 6, 6, 348, 102),
        Frame("the service's container", 6, 196, 348, 128, named=(224, 316)),
    ),
    (
        Box(("plan", "`.ddd/cache/exec`"), 14, 32, 108),
        Box(("`ddd exec -- pytest`", "keeps our terminal", "until it has ended"), 146, 32, 128, is_ours=True),
        Box(("guard", "a fork"), 296, 32, 50, is_ours=True),
        Box(("engine", "`POST /containers/ID/exec`"), 132, 140, 156),
        Box(("pytest", "`DDD_EXEC=TOKEN`", "`HOME` `USER`"), 110, 222, 104),
        Box(("what it starts", "the same token"), 110, 284, 104),
        Box(("leash", "a small sh"), 262, 222, 84, is_ours=True),
    ),
    (
        Arrow(((122, 49), (144, 49))),
        Arrow(((274, 49), (294, 49))),
        Arrow(
            ((210, 78), (210, 138)),
            ("both ways: one connection,", "bytes unchanged"),
            (215, 120),
            both_ways=True,
        ),
        Arrow(((184, 173), (184, 220)), both_ways=True),
        Arrow(((162, 268), (162, 282))),
        Arrow(
            ((150, 78), (150, 122), (20, 122), (20, 246), (108, 246)),
            ("signals go to each", "process that has", "the token"),
            (26, 138),
        ),
        Arrow(((20, 246), (20, 300), (108, 300))),
        Arrow(((276, 173), (276, 220)), ("after 1 s",), (281, 190)),
        Arrow(((262, 246), (216, 246)), ("TERM, KILL when", "the client has gone"), (222, 272)),
    ),
)

SESSIONS = Picture(
    "sessions",
    "Nox finds programs in a folder of links; each runs its namesake in a container that lives as long as Nox",
    332,
    (
        Frame("this machine", 6, 6, 348, 150),
        Frame("a container of the stage", 6, 204, 348, 122, named=(130, 217)),
    ),
    (
        Box(("Nox", '`session.run("pytest")`', "looks it up on its PATH"), 14, 32, 146),
        Box(("successes", "`.ddd/results`"), 250, 32, 96),
        Box(
            ("`.nox/test/.ddd/bin/pytest`", "a link, for each program", "that the image has"),
            14,
            100,
            172,
            is_ours=True,
        ),
        Box(("runner", "one for each", "command"), 266, 100, 80, is_ours=True),
        Box(("first process", "waits until its", "stdin ends"), 14, 228, 104, is_ours=True),
        Box(("`pytest`", "as you, in the", "same folder"), 242, 228, 104),
        Box(("your folder and `.nox/test`", "at the same path inside"), 102, 284, 164),
    ),
    (
        Arrow(((250, 44), (162, 44)), ("cache=True: unchanged,", "so it does not run"), (192, 77)),
        Arrow(((100, 78), (100, 98))),
        Arrow(((186, 123), (264, 123)), ("starts a",), (196, 117)),
        Arrow(((300, 146), (300, 226)), ("exec, over the", "engine's socket"), (218, 174)),
        Arrow(
            ((14, 55), (10, 55), (10, 182), (40, 182), (40, 226)),
            ("the leash: it closes when", "Nox ends, by kill -9 too"),
            (46, 174),
        ),
    ),
)

ATTACH = Picture(
    "attach",
    "An editor reaches the debugger over a forwarder, which finds the sidecar's socket file through /proc",
    366,
    (
        Frame("this machine", 6, 6, 348, 66),
        Frame("process namespace of the service", 6, 112, 348, 248),
        Frame("network of its own", 14, 136, 332, 68, is_inner=True),
        Frame("network of the service", 14, 254, 332, 98, is_inner=True, named=(212, 267)),
    ),
    (
        Box(("editor", "`127.0.0.1:5678`"), 114, 28, 132),
        Box(("forwarder", "lets this machine in"), 104, 162, 152, is_ours=True),
        Box(
            ("sidecar: debugger", "`/tmp/ddd.sock`", "the service's user,", "no more capabilities"),
            22,
            282,
            128,
            is_ours=True,
        ),
        Box(("service", "its process 1", "nothing new"), 238, 282, 100),
    ),
    (
        Arrow(((226, 63), (226, 160)), ("a port published", "on 127.0.0.1"), (232, 88)),
        Arrow(
            ((136, 196), (136, 280)),
            ("`/proc/SIDECAR/root/tmp/ddd.sock`", "the kernel lets the same user in"),
            (142, 222),
        ),
        Arrow(((150, 304), (236, 304)), ("signal,", "or ptrace"), (153, 320)),
    ),
)

PICTURES = (EXEC, SESSIONS, ATTACH)


def main() -> None:
    """Write one file for each picture beside this one."""
    for picture in PICTURES:
        (_FOLDER / f"{picture.name}.svg").write_text(drawn(picture), encoding="utf-8")


def drawn(picture: Picture) -> str:
    """The picture as SVG. Raises ValueError for a description that does not fit."""
    parts = [part for frame in picture.frames for part in _frame(frame)]
    parts += [part for arrow in picture.arrows for part in _arrow(arrow)]
    parts += [part for box in picture.boxes for part in _box(box)]
    parts += [part for arrow in picture.arrows for part in _lines(arrow.said, *arrow.at, "said", WIDTH - arrow.at[0])]
    shapes: list[Frame | Box] = [*picture.frames, *picture.boxes]
    for one in shapes:
        if one.x < 0 or one.x + one.width > WIDTH or one.y + one.height > picture.height:
            raise ValueError(f"{picture.name}: {one} leaves the page")
    size = f'width="{_SHOWN}" height="{picture.height * _SHOWN / WIDTH:g}" viewBox="0 0 {WIDTH} {picture.height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    about = f"<title>{escape(picture.about)}</title>"
    page = f'<rect class="page" width="{WIDTH}" height="{picture.height:g}"/>'
    return "\n".join([head, about, f"<style>\n{_STYLE}\n</style>", page, *parts, "</svg>", ""])


def _frame(frame: Frame) -> list[str]:
    kind = "frame inner" if frame.is_inner else "frame"
    x, y = frame.named if any(frame.named) else (frame.x + 6, frame.y + 13)
    return [_rect(kind, frame), *_lines((frame.title,), x, y, "said name", frame.x + frame.width - x)]


def _box(box: Box) -> list[str]:
    x, y = box.x + _PAD - 1, box.y + _LINE
    name, rest = box.lines[:1], box.lines[1:]
    texts = [*_lines(name, x, y, "name", box.width - 2 * _PAD + 2)]
    return [_rect("ours" if box.is_ours else "box", box), *texts, *_lines(rest, x, y + _LINE, "", box.width - _PAD)]


def _rect(kind: str, one: Frame | Box) -> str:
    place = f'x="{one.x:g}" y="{one.y:g}" width="{one.width:g}" height="{one.height:g}"'
    return f'<rect class="{kind}" {place} rx="4"/>'


def _arrow(arrow: Arrow) -> list[str]:
    path = "M" + " L".join(f"{x:g},{y:g}" for x, y in arrow.points)
    heads = [_head(*arrow.points[-2:])]
    if arrow.both_ways:
        heads.append(_head(*reversed(arrow.points[:2])))
    return [f'<path class="arrow" d="{path}"/>', *heads]


def _head(before: tuple[float, float], end: tuple[float, float]) -> str:
    """A triangle at the end of a line that goes across or down the page."""
    (x, y), across, down = end, _sign(end[0] - before[0]), _sign(end[1] - before[1])
    back = (x - 6 * across, y - 6 * down)
    sides = [(back[0] + 3 * down, back[1] + 3 * across), (back[0] - 3 * down, back[1] - 3 * across)]
    points = " ".join(f"{left:g},{top:g}" for left, top in (end, *sides))
    return f'<polygon class="head" points="{points}"/>'


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _lines(texts: tuple[str, ...], x: float, y: float, kind: str, room: float) -> list[str]:
    return [_text(text, x, y + number * _LINE, kind, room) for number, text in enumerate(texts)]


def _text(text: str, x: float, y: float, kind: str, room: float) -> str:
    """One line; words between backquotes in the letters of programs. Raises ValueError where it has no room."""
    pieces = text.split("`")
    plain = _CHARACTER * (_SMALL if kind.startswith("said") else _FONT)
    wide = sum(len(piece) * (_MONO * _SMALL if number % 2 else plain) for number, piece in enumerate(pieces))
    if wide > room:
        raise ValueError(f"{text!r} needs {wide:.0f} units of {room:g}")
    spans = [f'<tspan class="code">{escape(one)}</tspan>' if at % 2 else escape(one) for at, one in enumerate(pieces)]
    given = f' class="{kind}"' if kind else ""
    return f'<text{given} x="{x:g}" y="{y:g}">{"".join(spans)}</text>'


if __name__ == "__main__":
    main()
