"""Stages, commands, inputs and refusals of Dockerfiles; the oracle test compares the same corpus with BuildKit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.errors import ConfigError, UnknownNameError

CORPUS = Path(__file__).parent / "dockerfiles"


def only(text: str) -> dockerfile.Stage:
    (stage,) = dockerfile.parse(text).stages
    return stage


def test_the_tricky_file_has_the_stages_that_it_has() -> None:
    found = dockerfile.load(CORPUS / "valid" / "tricky.Dockerfile")
    assert [(stage.name, stage.base, stage.base_stage) for stage in found.stages] == [
        ("base", "python:3.13-slim", None),
        ("second", "base", "base"),
        (None, "other:1", None),
        (None, "second", "second"),
        ("quoted", "quoted/image", None),
        ("last.one_2-x", "SECOND", "second"),
    ]
    assert found.stages[0].description == "holds what all stages share."
    assert found.stages[0].platform is not None


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_change_nothing(ending: str, mark: str) -> None:
    text = (CORPUS / "valid" / "tricky.Dockerfile").read_text()
    assert dockerfile.parse(mark + text.replace("\n", ending)) == dockerfile.parse(text)


@pytest.mark.parametrize(
    ("arguments", "word", "base"),
    [
        ("A", "${A:-b}", "b"),
        ("A=1", "${A:-b}", "1"),
        ("A", "x${A:+b}", "x"),
        ("A=1", "x${A:+b}", "xb"),
        ("A=a.b.c", "${A#*.}", "b.c"),
        ("A=a.b.c", "${A##*.}", "c"),
        ("A=a.b.c", "${A%.*}", "a.b"),
        ("A=a.b.c", "${A%%.*}", "a"),
        ("A=a.b.c", "${A/./-}", "a-b.c"),
        ("A=a.b.c", "${A//./-}", "a-b-c"),
        ("A=1", "'$A'", "$A"),
        ("A=1", '"$A"', "1"),
        ("A=1", "\\$A", "$A"),
        ("A=1", "${B:-${A}2}", "12"),
    ],
)
def test_arguments_expand_in_from(arguments: str, word: str, base: str) -> None:
    assert only(f"ARG {arguments}\nFROM {word}").base == base


def test_only_declared_arguments_take_build_arguments() -> None:
    text = "ARG A=1\nFROM x:$A$B$TARGETOS"
    assert dockerfile.parse(text, {"A": "2", "B": "3"}).stages[0].base == "x:2linux"


@pytest.mark.parametrize(
    ("comment", "description"),
    [
        ("# one\n# two", "one two"),
        ("# other\n# s says it", "says it"),
        ("# one\n\n", ""),
        ("# hadolint ignore=DL3006\n# one\n# ----", "one"),
        ("# s", "s"),
    ],
)
def test_the_comment_above_from_describes_the_stage(comment: str, description: str) -> None:
    assert only(f"ARG A\n{comment}\nFROM scratch AS s").description == description


def test_directives_describe_nothing() -> None:
    found = dockerfile.parse("# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\n")
    assert found.syntax == "docker/dockerfile:1"
    assert found.stages[0].description == ""


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ('CMD ["a", "b c"]', ("a", "b c")),
        ("CMD a b", ("/bin/sh", "-c", "a b")),
        ("CMD a\nCMD b", ("/bin/sh", "-c", "b")),
        ('SHELL ["/bin/bash", "-ec"]\nCMD a', ("/bin/bash", "-ec", "a")),
        ('CMD ["b"]\nENTRYPOINT ["a"]', ("a", "b")),
        ("CMD []", ()),
        ("ONBUILD CMD a", ()),
        ("HEALTHCHECK CMD a", ()),
        ("RUN <<EOF\nCMD a\nEOF", ()),
    ],
)
def test_the_last_command_is_the_stages_own(lines: str, command: tuple[str, ...]) -> None:
    stage = only(f"FROM scratch\n{lines}\n")
    assert (stage.command, stage.has_command) == (command, bool(command))


def test_a_command_is_not_inherited() -> None:
    assert not dockerfile.parse("FROM x AS a\nCMD a\nFROM a AS b").stage("b").has_command


def test_external_images_are_those_that_the_target_needs() -> None:
    found = dockerfile.parse(
        "FROM one AS a\nFROM two AS unused\nFROM three\n"
        "COPY --from=a / /\nCOPY --from=tool:1 --chown=1 / /\n"
        "FROM scratch AS last\nRUN --mount=type=cache,target=/c --mount=from=four,target=/f true\nCOPY --from=2 / /\n"
    )
    assert found.external_images() == ("four", "one", "three", "tool:1")
    assert found.external_images("A") == ("one",)


def test_a_name_used_again_means_the_stage_above() -> None:
    found = dockerfile.parse("FROM one AS a\nFROM a AS a\nFROM a AS b\n")
    assert [stage.index for stage in found.needed("b")] == [0, 1, 2]
    assert found.external_images("b") == ("one",)


def test_an_unknown_stage_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as refused:
        dockerfile.parse("FROM x AS test\nFROM x AS dev").stage("tset")
    assert (refused.value.nearest, refused.value.valid) == ("test", ("dev", "test"))


@pytest.mark.parametrize("path", sorted((CORPUS / "invalid").iterdir()), ids=lambda path: path.stem)
def test_bad_files_are_refused_with_their_line(path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        dockerfile.load(path)
    assert refused.value.what.startswith(f"{path}:")
    assert refused.value.hint


@pytest.mark.parametrize("text", ["", "ARG A=1\n", "# FROM x\n"])
def test_a_file_without_a_stage_is_refused(text: str) -> None:
    """Not in the oracle's corpus: the BuildKit of Engine 26 panics on it, and its engine ends."""
    with pytest.raises(ConfigError, match="no FROM"):
        dockerfile.parse(text)


def test_an_unknown_instruction_has_a_nearest_one_unless_another_frontend_may_know_it() -> None:
    with pytest.raises(ConfigError) as refused:
        dockerfile.parse("FROM scratch\nRUNN true\n")
    assert refused.value.nearest == "RUN"
    assert dockerfile.parse("# syntax=other/frontend\nFROM scratch\nINCLUDE x\n").syntax == "other/frontend"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no Dockerfile at .*/Dockerfile"):
        dockerfile.load(tmp_path / "Dockerfile")


def test_steps_are_a_stages_instructions_and_a_chain_the_stages_it_is_built_on() -> None:
    text = "FROM a AS one\nWORKDIR /x\nFROM b AS two\nFROM one AS three\nCOPY --chown=1 . \\\n  .\nRUN true\n"
    parsed = dockerfile.parse(text)
    steps = [(step.keyword, step.flags, step.rest, step.line) for step in parsed.stage("three").steps]
    assert steps == [("COPY", (("chown", "1"),), ".   .", 5), ("RUN", (), "true", 7)]
    assert [stage.name for stage in parsed.chain("three")] == ["one", "three"]
    assert [stage.name for stage in parsed.chain("two")] == ["two"]
