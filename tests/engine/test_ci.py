"""The `ci` collection: the matrix, pipelines that are valid by their services' schemas, lines that run as they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import support

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS test
RUN --network=none echo made > /made

FROM python:3.13-slim-trixie AS lint
RUN --network=none echo made > /made-too
"""
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

TEST = stage("test", network="none")

@nox.session(venv_backend=TEST, python=["3.13", "3.12"], tags=["ci", "slow"])
def tests(session):
    session.run("sh", "-c", "cat /made")

@nox.session(venv_backend=TEST)
@nox.parametrize("word", ["it's $HOME"])
def quoted(session, word):
    session.run("echo", "word:", word)

@nox.session(venv_backend=stage("lint", network="none"), tags=["ci"])
def lint(session):
    session.run("python", "--version")

@nox.session(venv_backend="none")
def on_the_host(session):
    session.run("true")

@nox.session(venv_backend=TEST, default=False)
def by_name_only(session):
    session.run("true")
"""
QUOTED = 'quoted(word="it\'s $HOME")'
SESSIONS = ["tests-3.13", "tests-3.12", QUOTED, "lint"]
GITHUB, GITLAB = ".github/workflows/container-sessions.yml", ".gitlab-ci.yml"

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture
def project(stack: Make) -> support.Stack:
    return stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE})


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of a registry: Debian's docker-registry, from PATH or from the distribution's archive."""
    program = shutil.which("docker-registry") or _from_archive(tmp_path)
    port = support.free_port()
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "registry.yml").write_text(yaml.safe_dump(config))
    with support.popen(
        program, "serve", str(tmp_path / "registry.yml"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as serving:
        try:
            address = f"http://127.0.0.1:{port}/v2/"
            support.wait_until(lambda: support.run("curl", "-fs", address).status == 0, what="the registry")
            yield f"127.0.0.1:{port}"
        finally:
            support.kill_group(serving)


def _from_archive(folder: Path) -> str:
    if not shutil.which("apt-get") or support.run("apt-get", "download", "docker-registry", cwd=folder).status != 0:
        pytest.skip("there is no docker-registry on PATH, nor in the distribution's archive")
    (package,) = folder.glob("*.deb")
    support.run("dpkg", "-x", str(package), str(folder)).ok()
    return str(folder / "usr" / "bin" / "docker-registry")


def names(project: support.Stack, *words: str) -> list[str]:
    return [row["session"] for row in json.loads(project.ddd("ci.matrix", *words).ok().out)]


def test_the_matrix_lists_the_container_sessions_that_nox_runs(project: support.Stack) -> None:
    rows = json.loads(project.ddd("ci.matrix").ok().out)
    assert [row["session"] for row in rows] == SESSIONS
    assert rows[0] == {"session": "tests-3.13", "stage": "test", "python": "3.13", "tags": ["ci", "slow"]}
    assert names(project, "--tags", "ci") == ["tests-3.13", "tests-3.12", "lint"]


def test_the_matrix_of_github_is_one_line_and_that_of_gitlab_has_variables(project: support.Stack) -> None:
    (line,) = project.ddd("ci.matrix", "--format", "github").ok().out.splitlines()
    rows = json.loads(line)["include"]
    assert rows[0] == {"session": "tests-3.13", "stage": "test", "python": "3.13", "tags": "ci slow"}
    rows = yaml.safe_load(project.ddd("ci.matrix", "--format", "gitlab").ok().out)
    assert rows[2] == {"SESSION": QUOTED, "STAGE": "test", "PYTHON": "", "TAGS": ""}


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ({"noxfile.py": None}, [], "there is no noxfile.py"),
        ({"noxfile.py": "import nox\nx = 1 / 0\n"}, [], "division by zero"),
        ({"noxfile.py": "import nox\n@nox.session\ndef x(session): pass\n"}, [], "no session of noxfile.py runs in a"),
        ({}, ["--tags", "no"], "no session of noxfile.py with the tag no"),
        ({}, ["--format", "githib"], "did you mean: github"),
    ],
)
def test_what_has_no_matrix_is_refused(
    project: support.Stack, files: Mapping[str, str | None], words: list[str], said: str
) -> None:
    for name, text in files.items():
        (project.directory / name).unlink() if text is None else project.write({name: text})
    ran = project.ddd("ci.matrix", *words)
    assert ran.status == 78
    assert said in ran.err
    assert "try: " in ran.err or "did you mean" in ran.err


def test_pipelines_are_valid_by_the_schemas_of_their_services(project: support.Stack) -> None:
    project.ddd("ci.workflow").ok()
    for schema, file in (("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)):
        check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
        project.run(*check, file).ok()
        wrong = project.directory / "wrong.yml"
        wrong.write_text((project.directory / file).read_text().replace("matrix:", "matrices:"))
        assert project.run(*check, str(wrong)).status != 0


def test_a_file_of_somebody_else_is_kept(project: support.Stack) -> None:
    project.ddd("ci.workflow", "--format", "gitlab").ok()
    project.ddd("ci.workflow", "--format", "gitlab").ok()
    project.write({GITLAB: "theirs: true\n"})
    ran = project.ddd("ci.workflow")
    assert ran.status == 78
    assert "was not written by ci.workflow" in ran.err
    assert not (project.directory / GITHUB).exists()
    assert (project.directory / GITLAB).read_text() == "theirs: true\n"
    project.ddd("ci.workflow", "--force").ok()
    assert "theirs" not in (project.directory / GITLAB).read_text()


def test_a_stage_is_pushed_only_where_that_is_said(bases: None, project: support.Stack) -> None:
    assert project.ddd("ci.build", "test").ok().out.strip().endswith("-session:test-" + suffix_of(project))
    ran = project.ddd("ci.build", "test", "--push")
    assert ran.status == 78
    assert "DDD_BUILD_CACHE is not set" in ran.err
    assert "did you mean: test" in project.ddd("ci.build", "tset").err


def suffix_of(project: support.Stack) -> str:
    tags = support.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").out.split()
    return next(tag.rpartition("-")[2] for tag in tags if tag.startswith(project.name) and "session:test" in tag)


@pytest.mark.parametrize("form", ["github", "gitlab"])
def test_each_line_of_each_job_runs(bases: None, project: support.Stack, registry: str, form: str) -> None:
    project.ddd("ci.workflow", "--format", form, "--setup", "nox --version").ok()
    cache = f"{registry}/{project.name}/Stages"  # a forge's repository may have capitals
    said = {}
    try:
        for name, variables, lines in jobs_of(project, form):
            env = {**variables, "DDD_BUILD_CACHE": cache, "CI": "true"}
            *before, said[name] = [project.run("bash", "-e", "-c", line, env=env) for line in lines]
            assert not any(ran.status for ran in before), before
        assert list(said) == ["build test", "build lint", *SESSIONS]
        # In a CI a Python that the stage lacks is a failure, by Nox's own rule.
        assert [name for name, ran in said.items() if ran.status] == ["tests-3.12"], said
        assert "interpreter 3.12 in stage test not found" in said["tests-3.12"].err
        assert said["tests-3.13"].out == "made\n"
        assert said[QUOTED].out == "word: it's $HOME\n"
        assert all(has_layers_to_share(registry, f"{project.name}/stages", stage) for stage in ("test", "lint"))
    finally:
        shared = [f"{cache.lower()}:{stage}" for stage in ("test", "lint")]
        support.run("docker", "image", "rm", *shared)


def has_layers_to_share(registry: str, name: str, tag: str) -> bool:
    """Whether an image of the registry carries BuildKit's cache keys."""
    accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
    place = f"http://{registry}/v2/{name}"
    manifest = json.loads(support.run("curl", "-fs", "-H", accept, f"{place}/manifests/{tag}").ok().out)
    config = json.loads(support.run("curl", "-fs", f"{place}/blobs/{manifest['config']['digest']}").ok().out)
    return "moby.buildkit.cache.v0" in config


def jobs_of(project: support.Stack, form: str) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Name, variables and lines of each job, in the order of the pipeline, without what logs in to a registry."""
    if form == "gitlab":
        pipeline = yaml.safe_load((project.directory / GITLAB).read_text())
        for job in ("build", "session"):
            for row in pipeline[job]["parallel"]["matrix"]:
                values = row["STAGE"] if isinstance(row["STAGE"], list) else [row["STAGE"]]
                for value in values:
                    name = f"build {value}" if job == "build" else row["SESSION"]
                    yield name, {**row, "STAGE": value}, ["nox --version", *pipeline[job]["script"]]
        return
    workflow = yaml.safe_load((project.directory / GITHUB).read_text())
    for job in ("build", "session"):
        matrix = workflow["jobs"][job]["strategy"]["matrix"]
        for row in matrix.get("include") or [{"stage": stage} for stage in matrix["stage"]]:
            steps = [
                step for step in workflow["jobs"][job]["steps"] if "run" in step and "TOKEN" not in step.get("env", {})
            ]
            env = {key: filled(value, row) for step in steps for key, value in step.get("env", {}).items()}
            yield filled(workflow["jobs"][job]["name"], row), env, [filled(step["run"], row) for step in steps]


def filled(text: str, row: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: str(row[found[1]]), text)
