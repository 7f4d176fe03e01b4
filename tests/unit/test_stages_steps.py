"""Layers of a Dockerfile as BuildKit numbers them, and what it says of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.stages import progress, record, steps
from ddd_tasks.stages.progress import Ran
from ddd_tasks.stages.steps import Script

TEXT = """\
ARG VERSION=3
FROM python:3.13 AS base
ENV HOME=/home TWO="a b"
WORKDIR /app
FROM scratch AS tools
COPY . /
FROM base AS deps
ARG VERSION
ARG LEVEL=1
COPY a.txt \\
  # a comment inside
  b.txt ./
RUN --mount=type=cache,target=/c --mount=type=bind,from=tools,target=/t \\
    install ${LEVEL}
RUN <<EOF
# kept
echo x
EOF
FROM base AS prod
USER 10001
COPY --from=deps /app .
COPY --from=1 /x .
"""


def script(text: str = TEXT, **build_args: str) -> Script:
    return Script(dockerfile.parse(text, build_args), tuple(text.split("\n")), build_args)


def test_layers_have_the_numbers_of_buildkit() -> None:
    keys = [(layer.key, layer.line, layer.text) for layer in script().layers()]
    assert keys == [
        ("base 1", 2, "FROM python:3.13"),
        ("base 2", 4, "WORKDIR /app"),
        ("tools 1", 6, "COPY . /"),
        ("deps 1", 10, "COPY a.txt b.txt ./"),
        ("deps 2", 13, "RUN install ${LEVEL}"),
        ("deps 3", 15, "RUN <<EOF # kept echo x EOF"),
        ("prod 1", 21, "COPY --from=deps /app ."),
        ("prod 2", 22, "COPY --from=1 /x ."),
    ]


def test_a_target_has_the_layers_that_it_needs() -> None:
    keys = [layer.key for layer in script().layers("deps")]
    assert keys == ["base 1", "base 2", "tools 1", "deps 1", "deps 2", "deps 3"]
    assert [layer.key for layer in script().layers("tools")] == ["tools 1"]


def test_stages_without_a_name_are_called_by_their_number_and_a_single_one_not_at_all() -> None:
    assert [layer.key for layer in script("FROM a\nRUN x\n").layers()] == [" 1", " 2"]
    keys = [layer.key for layer in script("FROM a AS one\nFROM one\nRUN x\n").layers()]
    assert keys == ["one 1", "stage-1 1"]


def test_a_layer_stands_on_the_one_before_and_on_what_it_copies_from() -> None:
    made = script()
    upstream = {layer.key: made.upstream(layer) for layer in made.layers()}
    assert upstream["base 1"] == []
    assert upstream["deps 1"] == ["base 2"]
    assert upstream["deps 2"] == ["deps 1", "tools 1"]
    assert upstream["prod 1"] == ["base 2", "deps 3"]
    assert upstream["prod 2"] == ["prod 1", "tools 1"]


def test_settings_are_those_above_the_instruction() -> None:
    made = script(LEVEL="2")
    (run,) = [layer for layer in made.layers() if layer.key == "deps 2"]
    assert made.settings(run) == {
        "ENV HOME": "/home",
        "ENV TWO": "a b",
        "WORKDIR": "/app",
        "ARG VERSION": "3",
        "ARG LEVEL": "2",
    }
    assert made.settings_at_end(made.parsed.stage("prod"))["USER"] == "10001"


def test_an_instruction_is_read_with_its_continuation_and_without_comments() -> None:
    made = script()
    copy, _, heredoc = made.parsed.stage("deps").steps[2:]
    assert made.source(copy) == "COPY a.txt \\\n  b.txt ./"
    assert made.source(heredoc) == "RUN <<EOF\n# kept\necho x\nEOF"


def test_a_windows_file_has_the_same_lines(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert steps.read(file, dockerfile.load(file)).lines == tuple(TEXT.split("\n"))


PROGRESS = """\
#4 [base 1/3] FROM docker.io/library/python:3.13
#4 DONE 0.0s

#6 [base  2/3] WORKDIR /app
#6 CACHED

#7 [linux/amd64 deps 2/3] RUN pip install x
#7 0.512 #9 [fake 1/1] RUN a line of a program
#7 3.512 DONE 9.9s
#7 DONE 12.3s

#8 [deps 3/3] COPY . .
#8 ERROR: failed to compute cache key

#9 [internal] load build context
#9 DONE 0.1s
"""


def test_progress_says_what_ran_and_what_was_cached() -> None:
    assert progress.read(PROGRESS) == {
        "base 1": Ran("built", 0.0, "FROM"),
        "base 2": Ran("cached", 0.0, "WORKDIR"),
        "deps 2": Ran("built", 12.3, "RUN"),
        "deps 3": Ran("failed", 0.0, "COPY"),
    }


@pytest.mark.parametrize(("line", "key"), [("[1/2] RUN x", " 1"), ("[stage-1 2/2] RUN x", "stage-1 2")])
def test_progress_of_stages_without_a_name(line: str, key: str) -> None:
    assert list(progress.read(f"#5 {line}\n#5 DONE 1.0s\n")) == [key]


def test_with_a_stand_in_buildkit_counts_without_from() -> None:
    layers = script().layers("base")
    ran = progress.read("#5 [base 1/2] WORKDIR /app\n#5 DONE 0.2s\n")
    matched = {layer.key: one.state for layer, one in record._matched(layers, ran)}
    assert matched == {"base 1": "cached", "base 2": "built"}
