"""`ddd shims`: a program of the container as a program of the host, from any directory and for any caller."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import COMPOSE, DOCKERFILE, Stack, make_stack

RAISE = "def deep():\n    raise SystemError('here')\n\n\ndeep()\n"


@pytest.fixture(scope="module")
def api(bases: None) -> Iterator[Stack]:
    """A running service that mounts its project, with shims for python3 and printf."""
    stack = make_stack({"compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE, "src/fail.py": RAISE, "a b/file": "content"})
    try:
        stack.ddd("dev.up").ok()
        stack.ddd("shims", "printf", "cat", "pwd").ok()
        stack.ddd("shims", "--map-output", "python3").ok()
        yield stack
    finally:
        stack.down()


def shim(stack: Stack, program: str) -> str:
    return str(stack.directory / ".ddd" / "bin" / program)


def test_runs_in_the_container_in_the_matching_directory(api: Stack) -> None:
    assert api.run(shim(api, "pwd"), cwd="a b").ok().out == "/app/a b\n"


def test_runs_from_a_directory_that_is_not_mounted(api: Stack, tmp_path: Path) -> None:
    assert api.run(shim(api, "pwd"), cwd=str(tmp_path)).ok().out == "/app\n"


def test_words_status_and_bytes_pass_unchanged(api: Stack) -> None:
    data = os.urandom(100_000)
    assert (
        api.run(shim(api, "printf"), "%s|", "a or b", "", "--map-output", "-x").ok().out == "a or b||--map-output|-x|"
    )
    assert api.run(shim(api, "cat"), stdin=data).ok().stdout == data
    assert api.run(shim(api, "cat"), "/no/such/file").status == 1


def test_host_paths_in_words_become_container_paths(api: Stack) -> None:
    path = str(api.directory / "a b" / "file")
    assert api.run(shim(api, "cat"), path, cwd=str(Path("/"))).ok().out == "content"
    assert api.run(shim(api, "printf"), "%s", f"--cov={path}").ok().out == "--cov=/app/a b/file"


def test_a_traceback_names_the_hosts_file(api: Stack) -> None:
    ran = api.run(shim(api, "python3"), str(api.directory / "src" / "fail.py"))
    assert ran.status == 1
    assert f'File "{api.directory}/src/fail.py", line 2, in deep' in ran.err
    assert "/app" not in ran.err


def test_the_same_line_inside_is_the_program_itself(api: Stack) -> None:
    script = "PATH=/app/.ddd/bin:$PATH; command -v pwd; /app/.ddd/bin/pwd; /app/.ddd/bin/printf '%s' direct"
    ran = api.ddd("exec", "--", "bash", "-c", script, cwd="src").ok()
    assert ran.out.endswith("/app/src\ndirect")


def test_a_shell_with_the_folder_on_its_path_finds_it(api: Stack) -> None:
    path = {"PATH": f"{api.directory}/.ddd/bin:{os.environ['PATH']}"}
    assert api.run("sh", "-c", "cat file && env pwd", cwd="a b", env=path).ok().out == "content/app/a b\n"


def test_a_program_that_is_not_there_is_refused_and_nothing_written(api: Stack) -> None:
    ran = api.ddd("shims", "printf", "no-such-program")
    assert ran.status == 78
    assert "service 'api' has no program 'no-such-program'" in ran.err
    assert not Path(shim(api, "no-such-program")).exists()


@pytest.mark.parametrize("name", ["../x", "/bin/sh", " "])
def test_a_name_that_is_no_program_is_refused(api: Stack, name: str) -> None:
    assert api.ddd("shims", name).status == 78


def test_output_is_mapped_on_request_without_a_shim_too(api: Stack) -> None:
    ran = api.ddd("exec", "--map-output", "--", "sh", "-c", "pwd; echo /application; printf /app")
    assert ran.ok().out == f"{api.directory}\n/application\n{api.directory}"
