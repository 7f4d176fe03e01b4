"""Our reading of Dockerfiles against BuildKit's own: every repository Dockerfile and a corpus of tricky ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import dockerfile
from ddd_tasks.errors import ConfigError
from tests import support

CORPUS = support.REPO / "tests" / "unit" / "dockerfiles"
OURS = [*support.REPO.glob("docker/**/Dockerfile"), *support.REPO.glob("examples/**/Dockerfile")]
VALID = sorted([*(CORPUS / "valid").iterdir(), *OURS])
INVALID = sorted((CORPUS / "invalid").iterdir())
SYNTAX = re.compile(r"(?im)^#\s*syntax\s*=.*\n")


def name_of(path: Path) -> str:
    return str(path.relative_to(support.REPO))


def build(text: str, directory: Path, *options: str, env: Mapping[str, str] | None = None) -> support.Ran:
    """What BuildKit makes of the text, in an otherwise empty context."""
    # A file without a stage makes the BuildKit of Engine 26 panic, and the whole engine ends with it.
    assert re.search(r"(?im)^\s*from\s", text), "never give an engine a Dockerfile without FROM"
    (directory / "Dockerfile").write_bytes(text.encode())
    command = ["docker", "buildx", "build", "--output=type=cacheonly", *options, str(directory)]
    return support.run(*command, env=env, stdin=b"", timeout=60)


def targets(text: str, directory: Path) -> list[dict[str, Any]]:
    """The stages that BuildKit lists; it resolves and builds nothing for that."""
    version = re.search(r"(\d+)\.(\d+)", support.run("docker", "buildx", "version").ok().out)
    assert version is not None
    if (int(version[1]), int(version[2])) >= (0, 16):
        answer = build(text, directory, "--call=targets,format=json")
    else:
        options = ["--print=targets,format=json", "--detach=false"]
        answer = build(text, directory, *options, env={"BUILDX_EXPERIMENTAL": "1"})
    listed: list[dict[str, Any]] = json.loads(answer.ok().out)["targets"]
    return listed


def agree(text: str, directory: Path) -> None:
    text = SYNTAX.sub("", text)  # BuildKit would fetch that image
    theirs = targets(text, directory)
    ours = dockerfile.parse(text).stages
    assert [(stage.name, stage.line) for stage in ours] == [
        (target.get("name"), target["location"]["ranges"][0]["start"]["line"]) for target in theirs
    ]
    for stage, target in zip(ours, theirs, strict=True):
        if not re.search(r"[$\"]", target["base"]):  # listed as written: test_bases_expand_as_in_a_build is for these
            assert stage.base == target["base"]
        # Where BuildKit has no description, we take the whole comment; where it has one, it is the same.
        assert stage.description == target.get("description", stage.description)


@pytest.mark.parametrize("path", VALID, ids=name_of)
def test_stages_are_those_of_buildkit(path: Path, tmp_path: Path) -> None:
    agree(path.read_text(), tmp_path)


@pytest.mark.parametrize("change", ["crlf", "bom"])
def test_line_ends_and_byte_order_mark_change_nothing(change: str, tmp_path: Path) -> None:
    text = (CORPUS / "valid" / "tricky.Dockerfile").read_text()
    agree(text.replace("\n", "\r\n") if change == "crlf" else "\ufeff" + text, tmp_path)


@pytest.mark.parametrize(
    "build_args", [{}, {"A": "9", "C": "given", "REGISTRY": "", "UNDECLARED": "x"}], ids=["no", "some"]
)
def test_bases_expand_as_in_a_build(build_args: Mapping[str, str], tmp_path: Path) -> None:
    """Each base that we expand to is given as a named context: a build that wants another name finds nothing."""
    text = (CORPUS / "valid" / "args.Dockerfile").read_text()
    stages = dockerfile.parse(text, build_args).stages
    args = [f"--build-arg={key}={value}" for key, value in build_args.items()]
    contexts = [f"--build-context={stage.base}={tmp_path}" for stage in stages if stage.base_stage is None]
    for stage in stages:
        target = [f"--target={stage.name}"] if stage.name else []  # without a name it can only be the last one
        build(text, tmp_path, *args, *contexts, *target).ok()


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_what_buildkit_refuses_is_refused(path: Path, tmp_path: Path) -> None:
    answer = build(path.read_text(), tmp_path)
    assert answer.status != 0, answer.out
    with pytest.raises(ConfigError, match=r"Dockerfile:\d+: "):
        dockerfile.load(path)
