"""JSON with comments: what is not ours survives byte for byte, what is no JSON is refused with its place."""

from __future__ import annotations

import pytest

from ddd_tasks.debugging.editors import jsonc
from ddd_tasks.debugging.editors.jsonc import JsoncError

CODE = """\
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0", /* the only one */
  "configurations": [
    { "name": "mine", "program": "${file}", }, // kept
    {
      "name": "theirs" // no comma here
    }
    // the end
  ],
}
"""


def test_comments_and_trailing_commas_are_read() -> None:
    assert jsonc.parse(CODE).value == {
        "version": "0.2.0",
        "configurations": [{"name": "mine", "program": "${file}"}, {"name": "theirs"}],
    }


def test_an_appended_value_changes_only_its_own_lines() -> None:
    text = jsonc.append(CODE, jsonc.parse(CODE).members["configurations"], {"name": "new", "ports": [1]})
    added = '\n    {\n      "name": "new",\n      "ports": [\n        1\n      ]\n    }'
    assert text == CODE.replace("    }\n    // the end", f"    }},{added}\n    // the end")
    assert jsonc.parse(text).value["configurations"][2] == {"name": "new", "ports": [1]}


def test_a_member_after_a_comment_keeps_the_comment_and_the_style_of_commas() -> None:
    text = jsonc.set_member(CODE, jsonc.parse(CODE), "compounds", [])
    assert text == CODE.replace("  ],\n}", '  ],\n  "compounds": [],\n}')
    entry = jsonc.parse(CODE).members["configurations"].items[1]
    assert jsonc.set_member(CODE, entry, "type", "go") == CODE.replace(
        '"theirs" // no comma here\n', '"theirs", // no comma here\n      "type": "go"\n'
    )


def test_a_value_is_replaced_in_its_place_and_an_equal_one_not_at_all() -> None:
    root = jsonc.parse(CODE)
    assert jsonc.set_member(CODE, root, "version", "0.2.0") == CODE
    assert jsonc.set_member(CODE, root, "version", "1") == CODE.replace('"0.2.0"', '"1"')
    flat = root.members["configurations"].items[0]
    assert jsonc.set_member(CODE, flat, "name", {"a": [True]}) == CODE.replace(
        '"name": "mine"', '"name": {\n      "a": [\n        true\n      ]\n    }'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[]", "[\n    1\n]"),
        ("[ // why\n]", "[ // why\n    1\n]"),
        ("[\n\t2,\n]", "[\n\t2,\n\t1,\n]"),
        ("[\r\n  2\r\n]\r\n", "[\r\n  2,\r\n  1\r\n]\r\n"),
        ("[2]", "[2, 1]"),
        ("[2,]", "[2, 1,]"),
        ("[2 /* two */, // and\n]", "[2 /* two */, // and\n    1,\n]"),
        ("\ufeff[\n  2 /* two */ // and\n  /* last */]", "\ufeff[\n  2, /* two */ // and\n  1\n  /* last */]"),
        ("[\n  2 // and\n  , 3]", "[\n  2 // and\n  , 3,\n  1]"),
        ("[\n  2]", "[\n  2,\n  1]"),
    ],
)
def test_a_list_grows_in_its_own_style(before: str, after: str) -> None:
    assert jsonc.append(before, jsonc.parse(before), 1) == after
    assert jsonc.parse(after).value[-1] == 1


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("", 1, 1, "a value is missing"),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "a comma or } is missing"),
        ('{\n  "a": [1, 2\n}', 3, 1, "a comma or ] is missing"),
        ('{"a" 1}', 1, 6, "a colon is missing"),
        ("{'a': 1}", 1, 2, "a name in double quotes is missing"),
        ('{"a": }', 1, 7, "this is no value"),
        ('{"a": 1', 1, 1, "{ has no }"),
        ("[1] 2", 1, 5, "something follows the end of the value"),
        ("[1, /* never\n ends", 1, 5, "this comment has no end"),
        ('["a\nb"]', 1, 2, "this is no value"),
        ("[" * 300, 1, 202, "values lie within each other more than 200 deep"),
        ("[,1]", 1, 2, "this is no value"),
        ("[1,,2]", 1, 4, "this is no value"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(text: str, line: int, column: int, what: str) -> None:
    with pytest.raises(JsoncError) as refused:
        jsonc.parse(text)
    assert (refused.value.line, refused.value.column, refused.value.what) == (line, column, what)


def test_of_two_members_with_one_name_the_last_counts() -> None:
    text = '{"a": 1, "a": 2}'
    assert jsonc.parse(text).value == {"a": 2}
    assert jsonc.set_member(text, jsonc.parse(text), "a", 3) == '{"a": 1, "a": 3}'


def test_true_is_not_one() -> None:
    assert jsonc.set_member('{"a": 1}', jsonc.parse('{"a": 1}'), "a", True) == '{"a": true}'
