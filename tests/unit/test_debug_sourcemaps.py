"""Source maps: the numbers in them, and places on both sides."""

from __future__ import annotations

import json

import pytest

from ddd_tasks.debugging.clients.sourcemaps import Segment, SourceMap, decode_mappings, decode_vlq, read_data_url

# As Node.js 24 makes it of TypeScript: an enum in line 0, an interface in line 2, a function in lines 4 to 7.
MAPPINGS = "AAAA,IAAA,AAAK,8BAAA;;WAAA;EAAA;AAIL,OAAO,SAAS,MAAM,IAAY;IAChC,MAAM;IACN,OAAO;QAAE,MAAM,OAAO;IAAK;AAC7B"
SOURCE = "file:///app/src/visit.ts"


def made(base: str = SOURCE, **fields: object) -> SourceMap:
    whole = {"version": 3, "sources": ["/app/src/visit.ts"], "names": [], "mappings": MAPPINGS, **fields}
    return SourceMap(json.dumps(whole), base)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("A", [0]),
        ("C", [1]),
        ("D", [-1]),
        ("gB", [16]),
        ("hB", [-16]),
        ("AAgBC", [0, 0, 16, 1]),
        ("2HwcqxB", [123, 456, 789]),
        ("+/////D", [2147483647]),
        ("", []),
    ],
)
def test_numbers(text: str, numbers: list[int]) -> None:
    assert decode_vlq(text) == numbers


@pytest.mark.parametrize("text", ["g", "A!", "Ag"])
def test_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"digit|ends within"):
        decode_vlq(text)


def test_columns_begin_anew_with_each_line_and_the_source_does_not() -> None:
    assert list(decode_mappings("AAAA,CAAC;;CACA,E,EADA")) == [
        Segment(0, 0, 0, 0, 0),
        Segment(0, 1, 0, 0, 1),
        Segment(2, 1, 0, 1, 1),
        Segment(2, 5, 0, 0, 1),
    ]


def test_a_place_in_code_that_runs_is_a_place_in_the_source() -> None:
    assert made().original(5, 4) == (SOURCE, 5, 2)
    assert made().original(5, 11) == (SOURCE, 5, 8)
    assert made().original(1, 2) is None, "a line that no source stands behind"


@pytest.mark.parametrize(
    ("line", "place"), [(0, (0, 0)), (2, (4, 0)), (4, (4, 0)), (5, (5, 4)), (6, (6, 4)), (7, (9, 0)), (8, None)]
)
def test_a_line_of_the_source_is_the_first_place_of_its_code_or_of_the_next(
    line: int, place: tuple[int, int] | None
) -> None:
    assert made().generated(SOURCE, line) == place


@pytest.mark.parametrize(
    ("base", "root", "name", "url"),
    [
        ("file:///app/dist/a.js.map", "", "../src/a.ts", "file:///app/src/a.ts"),
        ("file:///app/dist/a.js.map", "../src", "a.ts", "file:///app/src/a.ts"),
        ("file:///app/dist/a.js.map", "/code/", "a.ts", "file:///code/a.ts"),
        ("file:///app/dist/a.js", "", "file:///app/src/a.ts", "file:///app/src/a.ts"),
        ("file:///app/dist/a.js", "", "webpack://x/a.ts", "webpack://x/a.ts"),
    ],
)
def test_sources_are_relative_to_the_map(base: str, root: str, name: str, url: str) -> None:
    assert made(base, sourceRoot=root, sources=[name]).sources == (url,)


def test_sections_are_maps_within_a_map() -> None:
    part = {"version": 3, "sources": ["b.ts"], "mappings": "AAAA,EAAC;EACA"}
    whole = {
        "version": 3,
        "sections": [
            {"offset": {"line": 0, "column": 0}, "map": {**part, "sources": ["a.ts"]}},
            {"offset": {"line": 10, "column": 5}, "map": part},
        ],
    }
    found = SourceMap(json.dumps(whole), "file:///x/all.js")
    assert found.sources == ("file:///x/a.ts", "file:///x/b.ts")
    assert found.original(1, 2) == ("file:///x/a.ts", 1, 1)
    assert found.original(10, 7) == ("file:///x/b.ts", 0, 1)
    assert found.original(11, 2) == ("file:///x/b.ts", 1, 1), "the column of the offset counts in its first line only"
    assert found.generated("file:///x/b.ts", 1) == (11, 2)


def test_a_guard_before_the_map() -> None:
    text = json.dumps({"version": 3, "sources": ["a.ts"], "mappings": "AAAA"})
    assert SourceMap(f")]}}'\n{text}", "file:///a.js").sources == ("file:///a.ts",)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sources": [], "mappings"', '{"sources": 1, "mappings": ""}'])
def test_what_is_no_source_map(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        SourceMap(text, "file:///a.js")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("data:application/json;base64,eyJ2ZXJzaW9uIjozfQ==", '{"version":3}'),
        ("data:application/json;charset=utf-8;base64,eyJ2ZXJzaW9uIjozfQ==", '{"version":3}'),
        ("data:application/json,%7B%22version%22%3A3%7D", '{"version":3}'),
    ],
)
def test_maps_within_the_script(url: str, text: str) -> None:
    assert read_data_url(url) == text


def test_only_lines_with_code_are_in_a_map() -> None:
    assert sorted({one.source_line for one in made().segments}) == [0, 4, 5, 6, 7]
