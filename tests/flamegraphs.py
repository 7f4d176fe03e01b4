"""Pages of flame graphs on disk, and a browser that has opened one, for tests of what a person sees."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ddd_tasks.engine.api import Engine
from ddd_tasks.profiling import flamegraph
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from tests.browser import Tab, browser
from tests.support import unique

HOSTILE = "</script><img src=x onerror=window.hacked=1>"
LONG = "a_function_with_a_name_that_is_longer_than_any_window_" * 8
MAIN = Frame("main", "/app/app/main.py", 3)
HOT = Frame("hot", "/app/app/work.py", 7)
HOTEL = Frame("hotel", "/app/app/work.py", 30)
OTHER = Frame("read", "/usr/lib/python3.13/socket.py", 90)
SOURCES = {"/app/app/main.py": "app/main.py", "/app/app/work.py": "app/work.py"}
ROW = 22
MANY = 20_000


def of(seen: dict[tuple[Frame, ...], int]) -> Profile:
    """A profile of 10 s at 100 Hz with these stacks."""
    return Profile("python", SAMPLES, 100, 10.0, 0, seen)


BEFORE = of({(MAIN, HOT): 200, (MAIN, HOTEL): 600, (MAIN, OTHER): 200})
# hot at two lines, and once within itself.
PROFILE = of(
    {
        (MAIN, HOT): 400,
        (MAIN, HOT._replace(line=8)): 150,
        (MAIN, HOT, HOT): 50,
        (MAIN, HOTEL, OTHER): 100,
        (MAIN, Frame(HOSTILE), Frame(LONG, "/app/app/main.py", 1)): 200,
        (MAIN,): 99,
        (MAIN, Frame("tiny", "/app/app/main.py", 5)): 1,
    }
)
WIDE = of({(MAIN, Frame(f"group {n // 100}"), Frame(f"function {n}", f"/app/{n % 50}.py", n)): 1 for n in range(MANY)})
DEEP = of({tuple(Frame(f"level {n}", "/app/deep.py", n + 1) for n in range(900)): 10})


class Pages(NamedTuple):
    """A folder of pages, and the browser that sees it."""

    folder: Path
    tab: Tab

    def open(self, name: str, width: int = 1000, *, dark: bool = False) -> Tab:
        """A page as a person who comes for the first time finds it, drawn."""
        del self.tab.errors[:], self.tab.requests[:]
        self.tab.look(width, 800, dark=dark, phone=width < 640)
        self.tab.go((self.folder / f"{name}.html").as_uri())
        settled(self.tab)
        return self.tab


@contextmanager
def opened(engine: Engine) -> Iterator[Pages]:
    """The pages one, diff, wide and deep, and the browser."""
    folder = Path(tempfile.gettempdir()).resolve() / unique("pages")
    folder.mkdir()
    made = {"one": PROFILE, "wide": WIDE, "deep": DEEP}
    for name, seen in made.items():
        (folder / f"{name}.html").write_text(flamegraph.render(seen, f"api, {name}", SOURCES))
    (folder / "diff.html").write_text(flamegraph.render_diff(BEFORE, PROFILE, "later against earlier", SOURCES))
    try:
        with browser(engine, folder) as tab:
            yield Pages(folder, tab)
    finally:
        shutil.rmtree(folder)


def settled(tab: Tab) -> None:
    """Wait until nothing moves and all is drawn."""
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.until("view.from === start[focused] && view.to === start[focused] + width(focused) && !asked")


def text(tab: Tab, element: str) -> str:
    """What a person reads in the element of that id."""
    return str(tab.evaluate(f"document.getElementById({element!r}).innerText"))


def place(tab: Tab, name: str) -> tuple[float, float]:
    """Where the middle of the function's first frame is in the window."""
    at = tab.evaluate(f"""(() => {{
        const i = frame.findIndex((n) => n >= 0 && functions[n][0] === {name!r}), room = canvas.getBoundingClientRect();
        const x = (start[i] + width(i) / 2 - view.from) / (view.to - view.from) * room.width;
        return [room.left + x, room.top + (depth[i] + 0.5) * {ROW} - scroller.scrollTop];
    }})()""")
    return at[0], at[1]


def pixels(tab: Tab) -> str:
    """The picture, once nothing moves."""
    settled(tab)
    return str(tab.evaluate("canvas.toDataURL()"))
