"""The file of a flame graph: the tree in it, and that it can do nothing but draw."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ddd_tasks.profiling import flamegraph
from ddd_tasks.profiling.flamegraph import tree
from ddd_tasks.profiling.stacks import BYTES, SAMPLES, Frame, Profile

MAIN = Frame("main", "/app/main.py", 3)
WORK = Frame("work", "/app/work.py", 12)
LATER = WORK._replace(line=14)
READ = Frame("read")
SOURCES = {"/app/work.py": "app/work.py"}
HOSTILE = "</script><script>alert(1)</script><!-- {{data}} & 'x' \u2028"


def profile(seen: dict[tuple[Frame, ...], int], unit: str = SAMPLES) -> Profile:
    return Profile("python", unit, 100 if unit == SAMPLES else 0, 2.0, 0, seen)


SEEN: dict[tuple[Frame, ...], int] = {(MAIN, WORK): 5, (MAIN, LATER): 3, (MAIN, READ): 1, (MAIN,): 1}


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text within scripts, styles and the title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts[self._within][-1] += data

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.texts["script"][0]))


def test_the_tree_has_functions_whatever_their_lines() -> None:
    data = tree.data([profile(SEEN)], SOURCES)
    assert data["functions"] == [
        ["main", "/app/main.py", "", [(3, 1)]],
        ["work", "/app/work.py", "app/work.py", [(12, 5), (14, 3)]],
        ["read", "", "", []],
    ]
    assert data["depth"] == [0, 1, 2, 2]
    assert data["frame"] == [-1, 0, 2, 1]  # siblings by name
    assert data["totals"] == [[10, 10, 1, 8]]


def test_two_profiles_share_one_tree() -> None:
    data = tree.data([profile({(MAIN, WORK): 4}), profile({(MAIN, LATER): 1, (READ,): 2})], {})
    names = ["all" if number < 0 else data["functions"][number][0] for number in data["frame"]]
    assert dict(zip(names, zip(*data["totals"], strict=True), strict=True)) == {
        "all": (4, 3),
        "main": (4, 1),
        "work": (4, 1),
        "read": (0, 2),
    }
    assert [one[3] for one in data["functions"] if one[0] == "work"] == [[(14, 1)]]


def test_a_stack_may_be_deeper_than_python_calls_itself() -> None:
    deep = tuple(Frame(f"f{number % 7}") for number in range(5000))
    data = tree.data([profile({deep: 1})], {})
    assert data["depth"] == list(range(5001))
    assert len(data["functions"]) == 7


def test_only_the_scripts_and_styles_that_are_in_it_may_run() -> None:
    page = Page(flamegraph.render(profile(SEEN), "api"))
    ((_, policy),) = [one for one in page.elements if one[1].get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy["content"]).split(";"))
    assert rules["default-src"] == "'none'"
    for rule, text in (("script-src", page.texts["script"][1]), ("style-src", page.texts["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not [
        name for _, given in page.elements for name in given if name.startswith("on") or name in ("src", "href")
    ]
    assert [one["type"] for tag, one in page.elements if tag == "script" and one] == ["application/json"]


def test_it_names_no_other_place() -> None:
    text = flamegraph.render(profile(SEEN), "api")
    assert re.findall(r"https?:|//[a-z]|url\(|@import", text.replace("http-equiv", "")) == []


@pytest.mark.parametrize("title", [HOSTILE, ""])
def test_what_functions_and_services_are_called_is_only_text(title: str) -> None:
    hostile = Frame(HOSTILE, f"/app/{HOSTILE}.py", 1)
    page = Page(flamegraph.render(profile({(hostile,): 1}), title, {hostile.file: HOSTILE}))
    assert page.data["functions"] == [[HOSTILE, hostile.file, HOSTILE, [[1, 1]]]]
    assert page.data["title"] == title
    assert page.texts["title"] == page.texts["h1"] == [title]
    assert len(page.texts["script"]) == 2


def test_the_page_of_two_has_both_in_the_unit_of_theirs() -> None:
    before, after = (profile({(MAIN,): count}, BYTES) for count in (1024, 2048))
    data = Page(flamegraph.render_diff(before, after, "later against earlier", SOURCES)).data
    assert (data["unit"], data["rate"], data["totals"]) == ("bytes", 0, [[1024, 1024], [2048, 2048]])
