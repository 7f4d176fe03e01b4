"""Take the picture at the top of the README: `python -m docs.pictures.terminal`, in the folder of the repository.

The commands are run for real, on a terminal of their own, in a new project; what they print is the picture.
"""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pexpect
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from ddd_tasks import console
from tests import support
from tests.support import Stack

WIDTH = 96
COMMANDS = (
    "ddd init --language python --name shop",
    "ddd dev.up",
    "ddd exec -- python --version",
    "ddd debug.check --break app/main.py:{line} --request / | head -n 4",
    "ddd status",
)
_FOLDER = Path(__file__).parent
_SECONDS = 600


class Look(NamedTuple):
    """Colours as hexadecimal numbers: background, foreground, and the eight of a terminal."""

    background: str
    foreground: str
    colours: tuple[str, ...]


# GitHub's own greys, so that the picture has no frame there.
LOOKS = {
    "light": Look("ffffff", "1f2328", ("24292f", "cf222e", "116329", "7d4e00", "0969da", "8250df", "1b7c83", "6e7781")),
    "dark": Look("0d1117", "e6edf3", ("484f58", "ff7b72", "3fb950", "d29922", "58a6ff", "bc8cff", "39c5cf", "b1bac4")),
}
# Without the window and the fetched font of rich's own: a picture that asks the network for nothing.
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>A terminal: a project is made, started, looked into and debugged</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" fill="{background}"/>
<g transform="translate(9, 9)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Write terminal-light.svg and terminal-dark.svg beside this file."""
    said = record()
    for name, look in LOOKS.items():
        file = _FOLDER / f"terminal-{name}.svg"
        file.write_text(drawn(said, look), encoding="utf-8")
        console.result(str(file))


def record() -> str:
    """What the commands print, with their colours, each after its prompt."""
    support.RUN = "shop"
    stack = support.make_stack({})
    try:
        return "\n".join(_said(stack, command) for command in COMMANDS)
    finally:
        stack.down()


def drawn(said: str, look: Look) -> str:
    """The text as a picture."""
    page = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in said.splitlines():
        page.print(Text.from_ansi(line), soft_wrap=False)
    background = look.background
    svg = page.export_svg(theme=_theme(look), code_format=_SVG.replace("{background}", f"#{background}"), title="")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _said(stack: Stack, command: str) -> str:
    """A prompt, the command and what it prints. A first dev.up builds for a minute: its second one is shown."""
    folder = stack.directory / "shop" if (stack.directory / "shop").exists() else stack.directory
    line = _line(stack) if "{line}" in command else 0
    shown = command.replace("{line}", str(line))
    real = shown.replace("ddd ", f"{shlex.join(support.ddd_argv())} ", 1)
    if command == "ddd dev.up":
        stack.run("sh", "-c", real, cwd=str(folder), timeout=_SECONDS).ok()
    terminal = stack.spawn("sh", "-c", real, cwd=str(folder), size=(50, WIDTH), timeout=_SECONDS)
    terminal.expect(pexpect.EOF)
    return f"\033[36m$\033[0m \033[1m{shown}\033[0m\n{_last(terminal.before or '')}\n"


def _line(stack: Stack) -> int:
    """A line of the request's own code."""
    text = (stack.directory / "app" / "main.py").read_text().splitlines()
    return next(number for number, line in enumerate(text, 1) if "visits" in line and "return" in line)


def _last(output: str) -> str:
    """What is left on the screen: lines that were drawn over are gone, and paths of this machine."""
    lines = [line.rpartition("\r")[2] for line in output.replace("\r\n", "\n").split("\n")]
    text = "\n".join(lines).strip()
    return re.sub(r"\x1b\[(?!\d*(?:;\d+)*m)[0-9;?]*[A-Za-z]", "", text)


def _theme(look: Look) -> TerminalTheme:
    def colour(text: str) -> tuple[int, int, int]:
        return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)

    colours = [colour(one) for one in look.colours]
    return TerminalTheme(colour(look.background), colour(look.foreground), colours, colours)


if __name__ == "__main__":
    main()
