"""./bootstrap on a checkout that is ready, and what makes one count as ready."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from ddd_tasks import ready
from tests.support import REPO, Ran, run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose virtual environment counts as made."""
    root = tmp_path.resolve() / "check out"
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".ddd").mkdir()
    (root / "sub").mkdir()
    for name in ("uv.lock", "pyproject.toml"):
        (root / name).write_text(name)
    shutil.copy(REPO / "bootstrap", root)
    (root / "ddd_tasks").symlink_to(REPO / "ddd_tasks")
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (root / ".venv" / ".ddd-stamp").write_text(ready.venv_inputs(root))
    return root


def bootstrap(root: Path, *words: str, cwd: Path | None = None, stdin: bytes | None = None) -> Ran:
    return run(str(root / "bootstrap"), *words, cwd=cwd or root, stdin=stdin, timeout=30)


def test_a_ready_checkout_goes_straight_to_the_command(checkout: Path) -> None:
    done = bootstrap(checkout, "--no-engine", "sh", "-c", 'echo "$1"; exit 7', "sh", 'a  "b" $c')
    assert (done.status, done.out, done.err) == (7, 'a  "b" $c\n', "")


def test_the_command_sees_the_virtual_environment_and_keeps_its_directory(checkout: Path) -> None:
    script = 'pwd; echo "$VIRTUAL_ENV"; echo "$PATH"'
    where, venv, path = bootstrap(checkout, "--no-engine", "sh", "-c", script, cwd=checkout / "sub").out.splitlines()
    assert where == str(checkout / "sub")
    assert venv == str(checkout / ".venv")
    assert path.split(os.pathsep)[0] == str(checkout / ".venv" / "bin")


def test_bytes_pass_both_ways(checkout: Path) -> None:
    data = bytes(range(256)) * 100
    assert bootstrap(checkout, "--no-engine", "cat", stdin=data).stdout == data


def test_a_program_dies_of_a_closed_pipe_as_it_would_alone(checkout: Path) -> None:
    done = bootstrap(checkout, "--no-engine", "sh", "-c", "yes | head -1")
    assert (done.out, done.err) == ("y\n", "")


def test_a_death_by_signal_stays_one(checkout: Path) -> None:
    assert bootstrap(checkout, "--no-engine", "sh", "-c", "kill -TERM $$").status == 143


def test_a_command_that_does_not_exist_is_127(checkout: Path) -> None:
    done = bootstrap(checkout, "--no-engine", "no-such-command")
    assert done.status == 127
    assert "error: the command 'no-such-command' was not found" in done.err


def test_a_command_that_cannot_be_run_is_126(checkout: Path) -> None:
    assert bootstrap(checkout, "--no-engine", str(checkout / "uv.lock")).status == 126


def test_no_command_is_usage_on_stderr(checkout: Path) -> None:
    done = bootstrap(checkout)
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("usage: ./bootstrap")


def test_help_is_on_stdout(checkout: Path) -> None:
    done = bootstrap(checkout, "--help")
    assert done.status == 0
    assert done.out.startswith("usage: ./bootstrap")


def test_an_unknown_option_is_refused(checkout: Path) -> None:
    done = bootstrap(checkout, "--nope", "true")
    assert done.status == 2
    assert "no option --nope" in done.err


def test_without_a_usable_python_the_cause_and_a_command_are_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    for name in ("sh", "env", "uname", "cat"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = run(str(checkout / "bootstrap"), "true", env={"PATH": str(tools)}, timeout=30)
    assert done.status == 65
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["error", "cause", "try"]


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_means_a_stale_environment(checkout: Path, name: str) -> None:
    assert ready.venv_is_current(checkout)
    (checkout / name).write_text("changed")
    assert not ready.venv_is_current(checkout)


def test_a_moved_checkout_means_a_stale_environment(checkout: Path) -> None:
    moved = checkout.rename(checkout.with_name("moved"))
    assert not ready.venv_is_current(moved)


def test_a_python_that_has_gone_means_a_stale_environment(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert not ready.venv_is_current(checkout)


@pytest.mark.parametrize("path", ["docker/python/Dockerfile", "Dockerfile", "compose.yaml", "compose/debug.yaml"])
def test_files_that_name_base_images_count(checkout: Path, path: str) -> None:
    before = ready.bases_inputs(checkout)
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text("FROM scratch\n")
    assert ready.bases_inputs(checkout) != before


def test_other_files_do_not_count_for_base_images(checkout: Path) -> None:
    before = ready.bases_inputs(checkout)
    (checkout / "README.md").write_text("text")
    (checkout / "sub" / "module.py").write_text("code")
    assert ready.bases_inputs(checkout) == before
