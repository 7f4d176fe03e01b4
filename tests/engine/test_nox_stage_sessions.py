"""stage_sessions(): a session for each stage with a command, and where the Dockerfile comes from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import support

DOCKERFILE = """\
ARG FLAVOUR=plain
FROM python:3.13-slim-trixie AS base

# Say what was asked
FROM base AS say
ARG FLAVOUR
ENV FLAVOUR=$FLAVOUR
CMD ["sh", "-c", "echo flavour $FLAVOUR, arguments $#: $*", "say"]

# Say it in a line
FROM base AS line
CMD echo "a line:"
"""

NOXFILE = "from ddd_tasks.nox import stage_sessions\nstage_sessions()\n"
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}

Make = Callable[[Mapping[str, str]], support.Stack]


def sessions(project: support.Stack, **options: str) -> dict[str, str]:
    """Name -> description of all sessions, as Nox lists them where no engine answers."""
    noxfile = project.directory / "noxfile.py"
    text = noxfile.read_text()
    noxfile.write_text(text.replace("stage_sessions(", "stage_sessions(default=True, "))
    listed = json.loads(project.nox("--list", "--json", env=NOWHERE, **options).ok().out)
    noxfile.write_text(text)
    return {entry["session"]: entry["description"] for entry in listed}


def test_each_stage_with_a_command_has_one(bases: None, stack: Make) -> None:
    project = stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE})
    assert sessions(project) == {"say-in-container": "Say what was asked", "line-in-container": "Say it in a line"}


def test_none_runs_unless_it_is_named(stack: Make) -> None:
    project = stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE})
    assert "No sessions selected" in project.nox(env=NOWHERE).out


def test_the_command_runs_with_posargs_at_its_end(bases: None, stack: Make) -> None:
    project = stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE.replace("()", "(network='none')")})
    ran = project.nox("-s", "say-in-container", "line-in-container", "--", "a b", "c").ok()
    assert ran.out.splitlines() == ["flavour plain, arguments 2: a b c", "a line: a b c"]


def test_dockerfile_context_and_arguments_come_from_the_compose_service(bases: None, stack: Make) -> None:
    compose = """\
services:
  api:
    build: {context: images/api, target: base, args: {FLAVOUR: "of the service"}}
  db:
    image: redis
"""
    noxfile = NOXFILE.replace("()", "(network='none')")
    project = stack({"compose.yaml": compose, "images/api/Dockerfile": DOCKERFILE, "tools/noxfile.py": noxfile})
    ran = project.nox("-s", "say-in-container", cwd="tools").ok()
    assert ran.out.splitlines() == ["flavour of the service, arguments 0:"]
    noxfile = noxfile.replace("network=", "build_args={'FLAVOUR': 'asked for'}, network=")
    project.write({"tools/noxfile.py": noxfile})
    assert "flavour asked for" in project.nox("-s", "say-in-container", cwd="tools").ok().out


def test_two_services_with_dockerfiles_of_their_own_need_a_choice(stack: Make) -> None:
    compose = "services:\n  api: {build: api}\n  web: {build: web}\n"
    files = {"compose.yaml": compose, "api/Dockerfile": DOCKERFILE, "web/Dockerfile": "FROM scratch AS web\nCMD x\n"}
    project = stack({**files, "noxfile.py": NOXFILE})
    ran = project.nox("--list", env=NOWHERE)
    assert ran.status == 78
    assert "valid: api, web" in ran.err
    assert "Traceback" not in ran.err
    project.write({"noxfile.py": NOXFILE.replace("()", "(service='web')")})
    assert sessions(project) == {"web-in-container": "Run the command of stage web."}


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "there is no Dockerfile at"),
        ({"Dockerfile": "FORM x\n"}, "unknown instruction 'FORM'"),
        ({"compose.yaml": "services: [\n", "Dockerfile": DOCKERFILE}, "is not a valid Compose file"),
    ],
)
def test_what_cannot_be_read_is_refused_in_our_words(stack: Make, files: dict[str, str], what: str) -> None:
    ran = stack({"noxfile.py": NOXFILE, **files}).nox("--list", env=NOWHERE)
    assert ran.status == 78
    assert what in ran.err
    assert "Traceback" not in ran.err


def test_without_docker_the_other_sessions_still_run(stack: Make, tmp_path: Path) -> None:
    other = "import nox\n@nox.session(venv_backend='none')\ndef lint(session):\n    session.log('linted')\n"
    project = stack({"Dockerfile": DOCKERFILE, "noxfile.py": NOXFILE + other})
    ran = project.run(sys.executable, "-m", "nox", "-s", "lint", env={"PATH": str(tmp_path)}).ok()
    assert "linted" in ran.err
    assert "sessions of Dockerfile stages are left out" in ran.err


def test_a_file_beside_a_noxfile_puts_its_sessions_into_a_container(bases: None, stack: Make) -> None:
    theirs = "import nox\nnox.options.default_venv_backend = 'virtualenv'\n@nox.session\ndef tests(session):\n"
    theirs += "    session.run('sh', '-c', 'echo $DDD_SESSION_INSIDE')\n"
    page = (support.REPO / "docs" / "nox.md").read_text()
    ours = page.partition("# noxfile_ddd.py\n")[2].partition("```")[0]
    dockerfile = "FROM python:3.13-slim-trixie AS test\n"
    project = stack({"Dockerfile": dockerfile, "noxfile.py": theirs, "noxfile_ddd.py": ours})
    assert project.nox("-f", "noxfile_ddd.py", "-s", "tests").ok().out == "1\n"
