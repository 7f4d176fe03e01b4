"""Our rules for Dockerfiles: each finds what it is for, and nothing in a file that is well made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.stages import lint, rules
from ddd_tasks.stages.rules import Facts, Finding
from ddd_tasks.stages.steps import Script
from tests.support import REPO

WELL_MADE = """\
FROM python:3.13-slim AS base
WORKDIR /app
FROM base AS deps
COPY requirements.txt ./
RUN pip install -r requirements.txt
FROM deps AS source
COPY . .
FROM source AS build
RUN uv sync --no-dev && pip install .
FROM source AS debug
EXPOSE 5678
CMD ["python", "-m", "debugpy"]
FROM base AS prod
COPY --from=build /app /app
COPY --from=registry.example/tool@sha256:0123 /t /t
USER 10001:10001
CMD ["python", "-m", "app"]
"""


def script(text: str) -> Script:
    return Script(dockerfile.parse(text), tuple(text.split("\n")))


def check(text: str, *, user: str | None = None, reachable: str | None = None, ignored: bool = True) -> list[Finding]:
    facts = Facts(frozenset({"shared"}), lambda _: user, lambda _: reachable, lambda _: ignored)
    return list(lint._kept(script(text), rules.check(script(text), facts)))


def found(text: str, **facts: object) -> list[tuple[int, str, str]]:
    return [(line, level, rule) for line, level, rule, _ in check(text, **facts)]  # type: ignore[arg-type]


def test_a_well_made_file_has_no_findings() -> None:
    assert found(WELL_MADE) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a:1 AS dev\nCOPY . .\nRUN npm ci\n", [(3, "warning", "DDD001")]),
        ("FROM a:1 AS dev\nCOPY . .\nRUN cd x \\\n  && pip install -r r.txt\n", [(3, "warning", "DDD001")]),
        ("FROM a:1 AS dev\nCOPY go.mod .\nRUN go mod download\nCOPY . .\nRUN go mod download\n", []),
        ("FROM a:1 AS source\nCOPY . .\nFROM source AS dev\nRUN uv sync\n", [(4, "warning", "DDD001")]),
        ("FROM a:1 AS dev\nCOPY . .\nRUN yarn && yarn build\n", [(3, "warning", "DDD001")]),
        ("FROM a:1 AS dev\nCOPY . .\nRUN yarn --immutable\n", [(3, "warning", "DDD001")]),
        ("FROM a:1 AS dev\nCOPY . .\nRUN --mount=type=cache,target=/root/.cache/yarn yarn build\n", []),
        ("FROM a AS dev\n", [(1, "error", "DDD002")]),
        ("FROM r.io:5000/a AS dev\n", [(1, "error", "DDD002")]),
        ("FROM a:latest AS dev\n", [(1, "error", "DDD002")]),
        ("FROM a:1 AS dev\nCOPY --from=b / /\n", [(2, "error", "DDD002")]),
        ("FROM a:1 AS dev\nRUN --mount=type=bind,from=b:latest,target=/b true\n", [(2, "error", "DDD002")]),
        ("FROM a:1 AS dev\nCOPY --from=shared / /\nCOPY --from=0 / /\n", []),
        ("ARG TAG\nFROM scratch AS dev\n", []),
        ("ARG GITHUB_TOKEN\nFROM a:1 AS dev\n", [(1, "error", "DDD003")]),
        ("FROM a:1 AS dev\nENV A=1 DB_PASSWORD=x\n", [(2, "error", "DDD003")]),
        ("FROM a:1 AS dev\nENV api_key x\n", [(2, "error", "DDD003")]),
        ("FROM a:1 AS dev\nENV DB_PASSWORD_FILE=/run/secrets/db TOKENIZERS=1 MAX_TOKENS=4096 AUTHOR=me\n", []),
        ("FROM a:1 AS prod\n", [(1, "error", "DDD005")]),
        ("FROM a:1 AS prod\nUSER 1\nUSER root\n", [(3, "error", "DDD005")]),
        ("FROM a:1 AS prod\nUSER 0:0\n", [(2, "error", "DDD005")]),
        ("FROM a:1 AS prod\nUSER app\n", [(2, "warning", "DDD005")]),
        ("FROM a:1 AS prod\nARG USER_ID=10001\nUSER ${USER_ID}\n", []),
        ("FROM a:1 AS base\nUSER 7\nFROM base AS prod\n", []),
        ("FROM a:1 AS dev\nUSER 1\nFROM dev AS prod\n", [(3, "error", "DDD006")]),
        ("FROM a:1 AS prod\nUSER 1\nEXPOSE 8000 9229/tcp\n", [(3, "error", "DDD006")]),
        ('FROM a:1 AS prod\nUSER 1\nCMD ["node", "--inspect", "x.js"]\n', [(3, "error", "DDD006")]),
        ("FROM a:1 AS prod\nUSER 1\nRUN pip install debugpy\n", [(3, "error", "DDD006")]),
        ("FROM a:1 AS test\nFROM a:1 AS prod\nUSER 1\nCOPY --from=test /x /x\n", [(4, "error", "DDD006")]),
        ("FROM a:1 AS tests\n", [(1, "info", "DDD007")]),
    ],
)
def test_what_a_rule_finds(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert found(text) == expected


def test_the_user_of_a_base_image_counts() -> None:
    assert found("FROM a:1 AS prod\n", user="65532") == []
    assert found("FROM a:1 AS prod\n", user="nobody") == [(1, "warning", "DDD005")]


def test_a_frontend_is_an_error_only_where_it_cannot_be_fetched() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM a:1 AS dev\n"
    assert found(text) == [(1, "info", "DDD004")]
    assert found(text, reachable="no answer") == [(1, "error", "DDD004")]


def test_folders_that_change_by_themselves_are_left_out_of_a_copy_of_everything() -> None:
    assert found("FROM a:1 AS dev\nCOPY . .\n", ignored=False) == [(2, "warning", "DDD008")]
    assert found("FROM a:1 AS dev\nCOPY src .\n", ignored=False) == []


def test_findings_are_ignored_by_comments_in_hadolints_way() -> None:
    line = "# hadolint ignore=DL3008,DDD003\n# why\n"
    assert found(f"FROM a:1 AS dev\n{line}ENV A_TOKEN=x\nENV B_TOKEN=x\n") == [(5, "error", "DDD003")]
    assert found("# hadolint global ignore=DDD003\nARG A_TOKEN\nFROM a:1 AS dev\nENV B_TOKEN=x\n") == []
    assert found("# hadolint ignore=DDD003\nARG A_TOKEN\nFROM a:1 AS dev\n") == []


def test_the_nearest_usual_name_is_offered() -> None:
    assert check("FROM a:1 AS tests\n")[0].message.endswith("did you mean test?")


def test_hadolint_gets_the_lines_without_the_texts_that_it_cannot_read() -> None:
    text = "FROM a:1\nCOPY <<EOF <<'B' /x/\none\nEOF\ntwo\nB\n# kept\nRUN <<EOF\ntrue\nEOF\n"
    lines = lint._readable(script(text)).split("\n")
    assert lines[:8] == ["FROM a:1", "COPY heredoc heredoc /x/", "", "", "", "", "# kept", "RUN <<EOF"]


OURS = sorted(path for path in REPO.glob("docker/*/Dockerfile") if path.parent.name != "bases")


@pytest.mark.parametrize("file", OURS, ids=[path.parent.name for path in OURS])
def test_our_own_dockerfiles_have_no_errors(file: Path) -> None:
    text = file.read_text()
    ignored = [line for line in file.with_name("Dockerfile.dockerignore").read_text().splitlines() if line]
    facts = Facts(frozenset(), lambda _: None, lambda _: None, ignored.__contains__)
    told = lint._kept(script(text), rules.check(script(text), facts))
    assert [finding for finding in told if finding.level != rules.INFO] == []
