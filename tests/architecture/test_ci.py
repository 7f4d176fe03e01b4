"""What .ci/run adds to the README's command: its status, its closing line, and the engine as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import support

UNIT = "===== 9 failed in 0.10s ====="
ENGINE = "===== 120 passed, 2 skipped in 301.25s (0:05:01) ====="


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with .ci/run, a bootstrap that writes what a run writes, and a ddd that notes how it was called."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(support.REPO / ".ci" / "run", tmp_path / ".ci" / "run")
    script(tmp_path / "bootstrap", f'test "$*" = nox || exit 99; echo "{UNIT}"; echo "{ENGINE}"; exit $STATUS')
    script(tmp_path / ".venv" / "bin" / "ddd", 'echo "$@" > called; echo stopped')
    return tmp_path


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def ci(checkout: Path, status: int, **env: str) -> support.Ran:
    return support.run(".ci/run", cwd=checkout, env={"STATUS": str(status), **env})


@pytest.mark.parametrize("status", [0, 1, 130])
def test_the_status_is_that_of_the_run_and_the_closing_line_is_the_last(checkout: Path, status: int) -> None:
    ran = ci(checkout, status, DOCKER_HOST=f"unix://{checkout}/no-such.sock")
    assert ran.status == status
    assert ran.out.splitlines() == [UNIT, ENGINE, ENGINE]


def test_an_engine_that_was_not_there_is_stopped(checkout: Path) -> None:
    ran = ci(checkout, 0, DOCKER_HOST=f"unix://{checkout}/no-such.sock")
    assert (checkout / "called").read_text() == "engine.down\n"
    assert ran.err == "stopped\n"


def test_a_failure_to_stop_it_is_not_the_result_of_the_tests(checkout: Path) -> None:
    script(checkout / ".venv" / "bin" / "ddd", "exit 69")
    assert ci(checkout, 0, DOCKER_HOST=f"unix://{checkout}/no-such.sock").status == 0


def test_the_readme_names_the_same_command() -> None:
    assert "./bootstrap nox" in (support.REPO / "README.md").read_text()


def test_an_engine_that_was_there_goes_on(checkout: Path) -> None:
    if support.run("docker", "version").status != 0:
        pytest.skip("no engine answers")
    ci(checkout, 0)
    assert not (checkout / "called").exists()
