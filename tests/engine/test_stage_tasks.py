"""The `stage` collection on a real engine: what each task says of a project with four stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests import support

pytestmark = pytest.mark.usefixtures("bases")

DOCKERFILE = """\
# base is where everything starts.
FROM python:3.13-slim-trixie AS base
ENV LEVEL=1
WORKDIR /app

# deps installs what changes rarely.
FROM base AS deps
ARG VERSION=1
COPY requirements.txt ./
RUN --network=none --mount=type=cache,target=/tmp/cache cat requirements.txt > /deps && sleep 0.3

FROM deps AS debug
CMD ["sh"]

FROM deps AS test
COPY . .
RUN --network=none mkdir -p /tools/x-1.dist-info && cp /deps /tools/large \\
    && printf 'Name: x\\nVersion: 1\\n' > /tools/x-1.dist-info/METADATA

FROM scratch AS prod
COPY --from=deps /deps /deps
COPY app.py /
USER 10001:10001
"""
FILES = {
    "compose.yaml": "services: {api: {build: {context: ., target: prod, args: {VERSION: '1'}}}}\n",
    "Dockerfile": DOCKERFILE,
    ".dockerignore": ".ddd\nnoxfile.py\n",
    "noxfile.py": "import nox\nfrom ddd_tasks.nox import stage\n\n"
    '@nox.session(venv_backend=stage("test", network="none"), default=False)\n'
    'def check(session):\n    session.run("true")\n',
}
BUILD = ("stage.build", "--stage", "test", "--stage", "prod")
Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(stack: Make) -> support.Stack:
    """With content that no build has seen: the cache of the engine outlives the tests."""
    fresh = support.unique()
    return stack({**FILES, "requirements.txt": fresh.ljust(400), "app.py": f"print('{fresh}')\n"})


def asked(project: support.Stack, *words: str) -> Any:
    return json.loads(project.ddd(*words, "--json").ok().out)


def rebuilt(report: Mapping[str, Any]) -> list[int]:
    return [layer["line"] for layer in report["layers"] if layer["state"] == "built"]


def test_the_list_has_purpose_base_size_and_session(project: support.Stack) -> None:
    before = {row["stage"]: row for row in asked(project, "stage.list")}
    assert list(before) == ["base", "deps", "debug", "test", "prod"]
    assert before["base"]["base"] == "python:3.13-slim-trixie"
    assert before["base"]["stand_in"] == support.stand_ins().get("python:3.13-slim-trixie")
    assert before["deps"]["purpose"] == "installs what changes rarely"
    assert before["test"]["sessions"] == ["check"]
    assert {row["size"] for row in before.values()} == {None}
    project.ddd("stage.build", "--stage", "prod").ok()
    after = {row["stage"]: row for row in asked(project, "stage.list")}
    assert after["prod"]["size"] == 400 + (project.directory / "app.py").stat().st_size
    assert after["base"]["size"] is None


def test_what_invalidated_a_layer_is_named(project: support.Stack) -> None:
    counts = {row["stage"]: row["rebuilt"] for row in asked(project, *BUILD)}
    assert counts == {"test": 4, "prod": 2}
    sizes = {layer["line"]: layer["size"] for layer in asked(project, "stage.layers")["layers"]}
    assert sizes[9] == sizes[10] == 400

    again = asked(project, *BUILD)
    assert {row["rebuilt"] for row in again} == {0}
    report = asked(project, "stage.layers")
    assert (report["first_rebuilt"], rebuilt(report)) == (None, [])
    assert {layer["size"] for layer in report["layers"] if layer["line"] == 10} == {400}

    project.write({"app.py": f"print('{support.unique()}')\n"})
    asked(project, *BUILD)
    report = asked(project, "stage.layers")
    assert rebuilt(report) == [16, 17, 22]
    causes = {layer["line"]: layer["cause"] for layer in report["layers"]}
    assert causes[16]["names"] == causes[22]["names"] == ["app.py"]
    assert causes[17] is None
    table = project.ddd("stage.layers", "--stage", "prod").ok()
    assert "first rebuilt: line 22, COPY app.py /: app.py (changed), since" in table.err
    assert "COPY . ." not in table.out

    project.write({"compose.yaml": FILES["compose.yaml"].replace("'1'", "'2'")})
    asked(project, *BUILD)
    report = asked(project, "stage.layers")
    assert report["first_rebuilt"]["line"] == 10
    assert report["first_rebuilt"]["cause"]["text"] == "ARG VERSION: '1' -> '2'"
    assert report["first_rebuilt"]["seconds"] >= 0.3

    project.ddd("stage.layers", "--svg", "layers.svg").ok()
    assert "ARG VERSION" in (project.directory / "layers.svg").read_text()


def test_the_build_of_a_session_is_recorded(project: support.Stack) -> None:
    asked(project, "stage.build", "--stage", "test")
    project.write({"requirements.txt": support.unique()})
    project.nox("-s", "check").ok()
    report = asked(project, "stage.layers", "--stage", "test")
    assert report["by"] == "a Nox session"
    assert report["first_rebuilt"]["cause"]["names"] == ["requirements.txt"]


def test_a_build_without_the_cache_says_so_and_builds_each_layer_once(project: support.Stack) -> None:
    asked(project, *BUILD)
    counts = {row["stage"]: row["rebuilt"] for row in asked(project, *BUILD, "--no-cache")}
    assert (counts["test"] >= 4, counts["prod"]) == (True, 2)
    report = asked(project, "stage.layers")
    assert report["first_rebuilt"]["cause"]["kind"] == "asked"
    asked(project, "stage.build", "--stage", "debug")  # it has no layer of its own
    layers = asked(project, "stage.layers", "--stage", "debug")["layers"]
    assert [layer["line"] for layer in layers] == [2, 4, 9, 10]


def test_a_comparison_reads_images_that_have_no_shell(project: support.Stack) -> None:
    asked(project, *BUILD)
    report = asked(project, "stage.diff", "test", "prod", "--limit", "0")
    assert report["sizes"]["prod"] < report["sizes"]["test"]
    packages = {(row["kind"], row["name"]): row for row in report["packages"]}
    assert packages["pip", "x"]["only_in"] == "test"
    assert packages["pip", "x"]["version"] == "1"
    files = {(row["only_in"], row["name"]) for row in report["files"]}
    assert ("test", "/tools/") in files
    assert ("prod", "/app.py") in files
    assert ("test", "/deps") not in files
    sizes = [row["size"] for row in report["files"]]
    assert sizes == sorted(sizes, reverse=True)
    said = project.ddd("stage.diff", "test", "prod", "--limit", "1").ok().err
    assert f"and {report['files_total'] - 1} more" in said


def test_a_dry_run_prints_the_builds(project: support.Stack) -> None:
    ran = project.ddd("--dry", *BUILD).ok()
    assert ran.err.count("docker buildx build") == 2
    assert {row["size"] for row in asked(project, "stage.list")} == {None}


def test_a_build_that_fails_is_a_failure(project: support.Stack) -> None:
    project.write({"Dockerfile": DOCKERFILE + "COPY nothing /\n"})
    ran = project.ddd("stage.build", "--stage", "prod")
    assert ran.status == 1
    assert "stage 'prod' could not be built" in ran.err
    assert "nothing" in ran.err


def test_findings_at_the_level_error_are_a_failure(project: support.Stack) -> None:
    assert project.ddd("stage.lint").ok().status == 0
    project.write({"Dockerfile": DOCKERFILE.replace("USER 10001:10001", "ENV API_TOKEN=x")})
    ran = project.ddd("stage.lint", "--json")
    assert ran.status == 1
    ours = {(row["line"], row["rule"]) for row in json.loads(ran.out) if row["rule"].startswith("DDD")}
    assert ours == {(20, "DDD005"), (23, "DDD003")}


def test_hadolint_is_used_where_it_is_installed(project: support.Stack) -> None:
    project.write({"Dockerfile": DOCKERFILE + "RUN cd /x && ls\nCOPY <<EOF /y\nx\nEOF\nRUN sudo ls\n"})
    rows = json.loads(project.ddd("stage.lint", "--json").out)
    assert {(24, "DL3003"), (28, "DL3004")} <= {(row["line"], row["rule"]) for row in rows}
