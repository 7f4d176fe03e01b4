"""How the flame graph looks: in light and dark, on a telephone, with long names, with many frames and deep stacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ddd_tasks.engine.api import Engine
from tests import flamegraphs
from tests.flamegraphs import LONG, MANY, ROW, Pages, pixels, place, settled, text


@pytest.fixture(scope="module")
def pages(engine: Engine) -> Iterator[Pages]:
    with flamegraphs.opened(engine) as made:
        yield made


WIDEST = """
    window.widest = 0;
    const fillText = paper.fillText.bind(paper);
    paper.fillText = (words, x, y) => {
        widest = Math.max(widest, x + paper.measureText(words).width);
        fillText(words, x, y);
    };
    draw()
"""


def test_names_of_any_length_stay_in_their_frames(pages: Pages) -> None:
    tab = pages.open("one")
    tab.evaluate(WIDEST)
    assert 0 < tab.evaluate("widest") <= 1000
    tab.click(*place(tab, LONG))
    settled(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1000
    assert tab.evaluate("details.offsetHeight") < 60


def test_a_name_that_is_too_long_keeps_its_last_part(pages: Pages) -> None:
    tab = pages.open("one")
    go = "example.org/shop/orders.(*Store).Save"
    wide = f"paper.measureText({go!r}).width"
    short = "paper.measureText('Save').width"
    shown = [tab.evaluate(f"fitted({go!r}, {room})") for room in (wide, f"{wide} - 1", "60", f"{short} - 1", "5")]
    assert shown[:3] == [go, "orders.(*Store).Save", "Save"]
    assert shown[3] in ["Save"[:letters] + "…" for letters in (2, 3)]
    assert shown[4] == ""
    assert tab.evaluate("fitted('Map<a.b>', 45)").startswith("Ma")


# The least contrast of all that is drawn or written, as WCAG counts it.
CONTRAST = """(() => {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const light = (css) => {
        probe.fillStyle = css; probe.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((one) => linear(one / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const pairs = [];
    for (let i = 0; i < COUNT; i++) pairs.push(fill(i));
    search("hot");
    for (let i = 0; i < COUNT; i++) pairs.push(fill(i));
    for (let hue = 0; !DIFF && hue < 60; hue++) {
        for (const one of ["frame-s", "other-s"]) {
            pairs.push([`hsl(${hue} ${colours[one]} ${colours["frame-l"]})`, colours["frame-ink"]]);
        }
    }
    const style = getComputedStyle(document.documentElement), value = (name) => style.getPropertyValue("--" + name);
    for (const paint of ["bg", "panel"]) {
        for (const ink of ["ink", "soft", "accent"]) pairs.push([value(paint).trim(), value(ink).trim()]);
    }
    search("");
    return Math.min(...pairs.map((pair) => contrast(...pair)));
})()"""


@pytest.mark.parametrize("name", ["one", "diff"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_can_be_read(pages: Pages, name: str, dark: bool) -> None:
    tab = pages.open(name, dark=dark)
    assert tab.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert tab.evaluate(CONTRAST) >= 4.5
    before = pixels(tab)
    tab.evaluate("document.getElementById('theme').click()")
    assert pixels(tab) != before
    tab.photograph(f"profile-{name}-{'light' if dark else 'dark'}")


@pytest.mark.parametrize("name", ["one", "diff"])
def test_it_fits_a_telephone(pages: Pages, name: str) -> None:
    tab = pages.open(name, 360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        x, y = place(tab, "hot")
        tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        tab.until("details.innerText.startsWith('hot')")
    finally:
        tab.call("Emulation.setTouchEmulationEnabled", enabled=False)
    settled(tab)
    assert tab.evaluate("tip.hidden") is True
    buttons = "[...document.querySelectorAll('.tools button')].filter((one) => one.offsetHeight)"
    assert tab.evaluate(f"Math.min(...{buttons}.map((one) => one.offsetHeight))") >= 40
    tab.photograph(f"profile-{name}-phone")
    tab.evaluate("document.getElementById('list').click()")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


# How many frames, or pixels that several share, it takes to draw the picture.
DRAWN = """(() => {
    let count = 0;
    for (const one of ["fill", "fillRect"]) {
        const does = paper[one];
        paper[one] = (...words) => { count++; return does.apply(paper, words); };
    }
    draw();
    return count;
})()"""


def test_of_many_frames_only_those_that_are_seen_are_drawn(pages: Pages) -> None:
    tab = pages.open("wide")
    assert tab.evaluate("COUNT") == MANY + MANY // 100 + 2
    assert 500 < tab.evaluate(DRAWN) <= 1000 + 2 * MANY // 100 + 2
    assert (pages.folder / "wide.html").stat().st_size < 2_000_000
    tab.key("/")
    tab.write("function 19999")
    tab.key("Enter")
    settled(tab)
    assert text(tab, "details").startswith("function 19999 ")


def test_a_deep_stack_scrolls_along(pages: Pages) -> None:
    tab = pages.open("deep")
    tab.key("/")
    tab.write("level 899")
    tab.key("Enter")
    settled(tab)
    assert tab.evaluate("scroller.scrollTop") == 901 * ROW - tab.evaluate("scroller.clientHeight")
    x, y = place(tab, "level 899")
    assert tab.evaluate(f"name(under({{clientX: {x}, clientY: {y}}}))") == "level 899"


def test_who_wants_no_motion_gets_none(pages: Pages) -> None:
    tab = pages.open("one")
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    tab.call("Emulation.setEmulatedMedia", features=features)
    tab.evaluate("window.frames_drawn = 0; const draws = draw; draw = () => { frames_drawn++; draws(); }; zoom(2)")
    assert tab.evaluate("view.to - view.from === width(2)") is True
