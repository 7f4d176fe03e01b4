"""The flame graph in a real browser, opened from disk as a person does: what it draws, says and refuses to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial

import pytest

from ddd_tasks.engine.api import Engine
from tests import flamegraphs
from tests.browser import Tab
from tests.flamegraphs import HOSTILE, Pages, pixels, place, settled, text
from tests.support import wait_until


@pytest.fixture(scope="module")
def pages(engine: Engine) -> Iterator[Pages]:
    with flamegraphs.opened(engine) as made:
        yield made


def test_it_says_what_it_is_of(pages: Pages) -> None:
    tab = pages.open("one")
    assert text(tab, "summary") == "1,000 samples, 10.00 s · 7 functions"
    assert text(tab, "details").startswith("all 100.0% in all")
    assert tab.evaluate("aside.hidden") is True
    assert pages.open("one", 1280).evaluate("aside.querySelectorAll('tbody tr').length") == 7


def test_it_asks_nobody_and_runs_nothing_but_its_own(pages: Pages) -> None:
    tab = pages.open("one")
    assert set(tab.requests) - {"about:blank"} == {(pages.folder / "one.html").as_uri()}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        other = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for ask in (
            f"fetch('{other}').catch(() => 0)",
            f"void (new Image().src = '{other}')",
            f"void document.head.append(Object.assign(document.createElement('script'), {{src: '{other}'}}))",
            "void document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')",
        ):
            count = len(tab.errors)
            tab.evaluate(ask)
            wait_until(partial(refused, tab, count), what=f"a refusal of {ask}")
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert all("Content Security Policy" in one for one in tab.errors)
    assert tab.evaluate("window.hacked") is None


def refused(tab: Tab, count: int) -> bool:
    return len(tab.errors) > count


def test_hovering_tells_what_a_frame_is_and_where_in_the_checkout(pages: Pages) -> None:
    tab = pages.open("one")
    before = pixels(tab)
    tab.move(*place(tab, "hot"))
    tab.until("!tip.hidden")
    assert text(tab, "tip").splitlines() == [
        "hot",
        "app/work.py:7",
        "60.0% in all (600 samples, 6.00 s), 55.0% itself",
        "most at lines 7 (45.0%), 8 (15.0%)",
    ]
    assert pixels(tab) != before
    tab.move(*place(tab, "read"))
    tab.until("tip.innerText.includes('/usr/lib/python3.13/socket.py:90')")
    tab.move(600, 10)
    tab.until("tip.hidden")
    assert pixels(tab) == before


def test_a_click_zooms_and_escape_goes_back(pages: Pages) -> None:
    tab = pages.open("one")
    before = pixels(tab)
    tab.click(*place(tab, "hot"))
    tab.until("!document.getElementById('reset').disabled")
    tab.move(600, 10)
    assert pixels(tab) != before
    assert text(tab, "details").startswith("hot 60.0% in all")
    y = place(tab, "hot")[1]
    left, right = (tab.evaluate(f"under({{clientX: {x}, clientY: {y}}})") for x in (2, 998))
    assert left == right
    tab.key("Escape")
    settled(tab)
    assert text(tab, "details").startswith("main 100.0%")
    tab.key("Home")
    assert tab.evaluate("document.getElementById('reset').disabled") is True
    tab.evaluate("document.activeElement.blur()")
    assert pixels(tab) == before


def test_every_frame_is_reached_by_the_keyboard(pages: Pages) -> None:
    tab = pages.open("one")
    tab.evaluate("document.getElementById('theme').focus()")
    tab.key("Tab")
    assert tab.evaluate("document.activeElement.id") == "graph"
    assert tab.evaluate("getComputedStyle(canvas).outlineStyle") != "none"
    said = []
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "Enter", "Escape"):
        before = tab.evaluate("canvas.toDataURL()")
        tab.key(key)
        settled(tab)
        said.append(text(tab, "details").split(" ")[0])
        assert tab.evaluate("canvas.toDataURL()") != before, key
    assert said == ["main", "hot", "hotel", "read", "hotel", "hot", "hot", "main"]
    assert (
        tab.evaluate("details.getAttribute('aria-live') + canvas.getAttribute('aria-describedby')") == "politedetails"
    )


def test_search_says_the_share_and_marks_what_matches(pages: Pages) -> None:
    tab = pages.open("one")
    before = pixels(tab)
    tab.key("/")
    tab.write("HOT")
    assert text(tab, "matches") == "2 functions, 70.0%"
    assert pixels(tab) != before
    tab.key("Enter")
    settled(tab)
    assert text(tab, "details").startswith("hot 60.0%")
    tab.key("n")
    assert text(tab, "details").startswith("hotel 10.0%")
    tab.key("N", shift=True)
    assert text(tab, "details").startswith("hot 60.0%")
    tab.key("/")
    tab.write("work.py:")
    assert text(tab, "matches") == "No match"
    tab.evaluate("box.value = ''; undefined")
    tab.write("app/work.py")
    assert text(tab, "matches") == "2 functions, 70.0%"
    tab.key("Escape")
    assert (text(tab, "matches"), tab.evaluate("box.value")) == ("", "")


def test_a_match_too_narrow_to_be_seen_is_zoomed_into(pages: Pages) -> None:
    tab = pages.open("one")
    tab.key("/")
    tab.write("tiny")
    tab.key("Enter")
    settled(tab)
    assert text(tab, "details").startswith("tiny 0.1%")
    assert tab.evaluate("width(focused)") == pytest.approx(0.001)


def test_the_list_has_all_functions_and_sorts(pages: Pages) -> None:
    tab = pages.open("one")
    tab.evaluate("document.getElementById('list').click()")
    rows = "[...aside.querySelectorAll('tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))"
    first, *rest = tab.evaluate(rows)
    assert first == "hot app/work.py:7 60.0% 60.0%"
    assert len(rest) == 6
    assert HOSTILE in " ".join(rest)
    tab.evaluate("aside.querySelectorAll('th button')[2].click()")
    assert tab.evaluate(rows)[0] == "main app/main.py:3 9.9% 100.0%"
    assert tab.evaluate("aside.querySelectorAll('[aria-sort]').length + document.activeElement.innerText") == "1Total"
    tab.evaluate("[...aside.querySelectorAll('td button')].find((one) => one.innerText === 'hot').click()")
    settled(tab)
    assert text(tab, "matches") == "1 function, 60.0%"
    tab.evaluate("aside.querySelector('button').focus()")
    tab.key("Escape")
    assert tab.evaluate("[aside.hidden, document.activeElement.id].join()") == "true,list"


def test_two_profiles_are_red_where_it_grew_and_blue_where_it_shrank(pages: Pages) -> None:
    tab = pages.open("diff")
    assert text(tab, "legend") == "smaller share\nlarger share".replace("\n", "") or "larger share" in text(
        tab, "legend"
    )
    red, blue = (colour(tab, *place(tab, name)) for name in ("hot", "hotel"))
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 40
    tab.move(*place(tab, "hot"))
    tab.until("!tip.hidden")
    assert "20.0% before, 60.0% after (+40.0 pt)" in text(tab, "tip")
    after = tab.evaluate("width(frame.findIndex((n) => n >= 0 && functions[n][0] === 'hot'))")
    tab.evaluate("document.getElementById('before').click()")
    settled(tab)
    assert tab.evaluate("width(frame.findIndex((n) => n >= 0 && functions[n][0] === 'hot'))") == pytest.approx(
        after / 3
    )
    assert tab.evaluate("document.getElementById('before').getAttribute('aria-pressed')") == "true"
    tab.evaluate("document.getElementById('list').click()")
    first = tab.evaluate("aside.querySelector('tbody tr').innerText.replace(/\\s+/g, ' ')")
    assert first == "hotel app/work.py:30 60.0% 0.0% \u221260.0 pt"
    tab.key("/")
    tab.write("hot")
    assert text(tab, "matches") == "2 functions, 80.0% before, 70.0% after"


def colour(tab: Tab, x: float, y: float) -> list[int]:
    """Red, green and blue of what is drawn there, below the text."""
    return list(
        tab.evaluate(f"""(() => {{
            const room = canvas.getBoundingClientRect(), at = [{x} - room.left, {y} + 8 - room.top];
            return [...paper.getImageData(...at.map((one) => one * devicePixelRatio), 1, 1).data].slice(0, 3);
        }})()""")
    )
