"""Dockerfiles rendered from docker/<language>/: stages of variants, knobs, and what is read back from them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ddd_tasks import dockerfile, resources
from ddd_tasks.errors import DddError
from ddd_tasks.language import Entry, Language
from ddd_tasks.languages import LANGUAGES, manager
from ddd_tasks.scaffold import rendering
from tests.support import REPO

TEXT = """\
# About the file.

# base is shared.
FROM python:3.13 AS base
ENV APP=main:app \\
    PORT=8000 HEALTH=/health
WORKDIR /code

# deps installs.
# In two lines.
FROM base AS deps
COPY <<EOF /x
FROM nothing
EOF

# dev serves.
FROM deps AS dev
WORKDIR app
CMD ["sh", "-c", "serve $APP"]
"""
STAGES = ["base", "deps", "source", "build", "dev", "debug", "test", "lint", "prod"]


def test_a_variant_replaces_the_stages_that_it_has() -> None:
    variant = "# Another one.\n\n# deps does nothing.\nFROM base AS deps\nRUN true\n"
    made = rendering.splice(TEXT, variant)
    assert "# deps does nothing.\nFROM base AS deps\nRUN true\n\n# dev serves." in made
    assert "In two lines" not in made
    assert "Another one" not in made
    assert made.replace("# deps does nothing.\nFROM base AS deps\nRUN true", "@") == re.sub(
        r"(?s)# deps installs.*?\nEOF(?=\n\n)", "@", TEXT
    )


def test_a_stage_that_the_dockerfile_has_not_is_refused() -> None:
    with pytest.raises(DddError) as refused:
        rendering.splice(TEXT, "FROM base AS dep\n")
    assert refused.value.nearest == "deps"


def test_knobs_are_set_in_their_line_and_nowhere_else() -> None:
    made = rendering.set_knobs(TEXT, {"APP": "--factory a:b", "PORT": "5000", "HEALTH": ""})
    assert 'ENV APP="--factory a:b" \\\n    PORT=5000 HEALTH=""\n' in made
    assert made.replace('APP="--factory a:b"', "APP=main:app").replace("5000", "8000").replace('""', "/health") == TEXT
    assert rendering.knobs(made) == {"APP": "--factory a:b", "PORT": "5000", "HEALTH": ""}
    assert rendering.set_knobs(made, rendering.knobs(TEXT)) == TEXT


@pytest.mark.parametrize("value", ["", "a b", 'say "x"', "$HOME", "a\\b", "app:create()", "./cmd/server", "-m shop"])
def test_a_knob_keeps_its_value(value: str) -> None:
    assert rendering.knobs(rendering.set_knobs(TEXT, {"APP": value}))["APP"] == value


def test_a_knob_without_a_place_is_refused() -> None:
    with pytest.raises(DddError, match="'WATCH'"):
        rendering.set_knobs(TEXT, {"WATCH": "."})
    assert rendering.set_knobs(TEXT, {"WATCH": "."}, optional={"WATCH"}) == TEXT
    assert rendering.knobs("FROM scratch\nENV PORT=1\n") == {}


def test_the_working_directory_is_that_of_the_stages_below() -> None:
    assert rendering.workdir(TEXT) == "/code/app"
    assert rendering.workdir(TEXT, "deps") == "/code"


@pytest.mark.parametrize(
    ("line", "programs"),
    [
        ("ruff check . && ruff format --check .", [["ruff", "check", "."], ["ruff", "format", "--check", "."]]),
        ('test -z "$(gofmt -l .)" && go vet .', [("sh", "-c", 'test -z "$(gofmt -l .)" && go vet .')]),
    ],
)
def test_a_stages_command_as_programs(line: str, programs: list[object]) -> None:
    words = json.dumps(["sh", "-c", line])
    assert rendering.commands(f"FROM scratch AS lint\nCMD {words}\n", "lint") == programs
    assert rendering.commands('FROM scratch AS lint\nCMD ["a", "b c"]\n', "lint") == [("a", "b c")]


@pytest.fixture(params=LANGUAGES, ids=[language.name for language in LANGUAGES])
def language(request: pytest.FixtureRequest) -> Language:
    found: Language = request.param
    return found


def entry_of_example(language: Language) -> Entry:
    assert language.entries
    (entry,) = language.entries(REPO / "examples" / language.name, None)
    return entry


def test_the_example_renders_to_the_dockerfile_itself(language: Language) -> None:
    """One source: what `ddd init` writes for the example is what is in docker/, byte for byte."""
    found = manager(language, REPO / "examples" / language.name)
    own = resources.docker(language.dockerfile, "Dockerfile").read_text()
    assert rendering.render(language, found, entry_of_example(language)) == own


def test_each_variant_makes_a_whole_dockerfile(language: Language) -> None:
    entry = entry_of_example(language)
    folder = resources.docker(language.dockerfile)
    own = (folder / "Dockerfile").read_text()
    for variant in sorted(folder.glob("*.Dockerfile")):
        made = rendering.splice(own, variant.read_text(), where=variant.name)
        stages = dockerfile.parse(made).stages
        assert [stage.name for stage in stages if stage.name in STAGES] == STAGES
        assert all(stage.description for stage in stages)
        assert rendering.set_knobs(made, entry.knobs)


def test_each_manager_and_its_variant_is_there(language: Language) -> None:
    folder = Path(resources.docker(language.dockerfile))
    assert language.managers
    for one in language.managers:
        assert one.variant is None or (folder / f"{one.variant}.Dockerfile").is_file()
