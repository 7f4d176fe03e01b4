"""The catalogue: each input gets the shape of a refusal and its own exit code, and leaves nothing half made."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.bad_input import (
    arguments,
    compose_files,
    debugging,
    dockerfiles,
    environment,
    init,
    monitoring,
    profiling,
    secrets,
    stages,
    watching,
    x_ddd,
)
from tests.engine.bad_input.case import Case
from tests.support import Ran, Stack, ddd_argv, leftovers
from tests.support import environment as plain

pytestmark = pytest.mark.usefixtures("bases")

CASES: list[Case] = [
    *compose_files.CASES,
    *dockerfiles.CASES,
    *x_ddd.CASES,
    *arguments.CASES,
    *environment.CASES,
    *init.CASES,
    *secrets.CASES,
    *stages.CASES,
    *debugging.CASES,
    *watching.CASES,
    *monitoring.CASES,
    *profiling.CASES,
]
# Hints that only look, and so are run; what they find decides their status, but they must be there and understood.
LOOKS = (
    "docker context ls", "docker compose -f", "docker version", "ddd dev.ps", "ddd languages", "ddd init --help",
    "ddd init --dry", "ddd --help", "ddd exec --help", "ls ", "grep ", "env ", "export ", "unset ", "cd ", "mkdir ",
    "true")  # fmt: skip
# What the shell has itself, and the editor, which is the reader's own.
SHELL = {"cd", "export", "unset", "true", "${EDITOR:-vi}"}

Make = Callable[[Mapping[str, str]], Stack]


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refusal(case: Case, engine: Engine, stack: Make) -> None:
    project = stack(case.files)
    ran = _run(project, case)
    assert ran.status == case.status, ran.err
    for words in case.said:
        assert words in ran.err
    assert "Traceback" not in ran.err
    _check_nothing_is_left(engine, project, case)
    if case.hint is None:
        return
    assert "error: " in ran.err
    assert "cause: " in ran.err or "valid: " in ran.err
    hint = ran.err.rstrip().splitlines()[-1]
    assert hint.startswith(f"try: {case.hint}")
    _check_hint(project, case, hint.removeprefix("try: "))


def _run(project: Stack, case: Case) -> Ran:
    if case.script:
        return project.run("sh", "-c", case.script, env={**case.env, "DDD": shlex.join(ddd_argv())})
    return project.ddd(*case.words, env=case.env)


def _check_nothing_is_left(engine: Engine, project: Stack, case: Case) -> None:
    kinds = {item.kind for item in leftovers(engine, project.name)}
    assert kinds <= {"images"}, "a refused command has left something on the engine"
    files = {str(path.relative_to(project.directory)) for path in project.directory.rglob("*") if path.is_file()}
    ours = {name for name in files if name.startswith((".ddd", "cfg"))}
    new = {name for name in files - ours - set(case.files) if not name.endswith(".pyc")}
    assert not new, "a refused command has left files outside .ddd"
    assert not [name for name in ours if name.rpartition(".")[2].isdigit()], "a draft of a file was left"


def _check_hint(project: Stack, case: Case, hint: str) -> None:
    """It is a shell line whose program exists; one that only looks is run, where the case's own settings allow it."""
    program = shlex.split(hint)[0]
    assert program in SHELL or shutil.which(program, path=plain()["PATH"]), f"{program} of the hint is not there"
    if hint.startswith(LOOKS):
        env = {name: value for name, value in case.env.items() if name != "PATH"}
        done = project.run("sh", "-c", hint, env={**env, "PWD": str(project.directory)}, stdin=b"")
        assert done.status not in (126, 127), done.err
        assert "Traceback" not in done.err


AS_JSON = [case for case in CASES if case.words[:1] in (("dev.up",), ("dev.ps",), ("dev.url",)) and case.hint]
# Those that Invoke's parser refuses are refused before there is a task with a --json.
AS_JSON = [case for case in AS_JSON if len(case.words) == 1]


@pytest.mark.parametrize("case", AS_JSON[::5], ids=[case.name for case in AS_JSON[::5]])
def test_the_same_as_json(case: Case, stack: Make) -> None:
    ran = stack(case.files).ddd(*case.words, "--json", env=case.env)
    told = json.loads(ran.out)
    assert told["exit_code"] == ran.status == case.status
    assert told["error"]
    assert told["try"].startswith(os.fspath(case.hint or ""))
