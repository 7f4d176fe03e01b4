"""./bootstrap on a checkout without a virtual environment: made from the lock, once, by whoever comes first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import support
from tests.support import REPO

LEFT_OUT = shutil.ignore_patterns(".venv", ".ddd", ".git", ".nox", ".*_cache", "__pycache__", "node_modules")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout that has never been used."""
    return Path(shutil.copytree(REPO, tmp_path.resolve() / "project", ignore=LEFT_OUT, symlinks=True))


def test_two_at_once_make_one_environment_and_later_runs_nothing(checkout: Path) -> None:
    argv = (str(checkout / "bootstrap"), "--no-engine", "inv", "--version")
    both = [support.popen(*argv, cwd=checkout) for _ in range(2)]
    said = [one.communicate(timeout=300) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert all(out.startswith(b"Invoke ") for out, _ in said)
    assert b"".join(err for _, err in said).count(b"==> make .venv") == 1

    stamp = checkout / ".venv" / ".ddd-stamp"
    made = stamp.stat().st_mtime_ns
    assert support.run(*argv, cwd=checkout).ok().err == ""
    assert stamp.stat().st_mtime_ns == made

    (checkout / "uv.lock").write_text((checkout / "uv.lock").read_text() + "\n")
    assert "==> make .venv" in support.run(*argv, cwd=checkout).ok().err

    moved = checkout.rename(checkout.with_name("moved"))
    nox = support.run(str(moved / "bootstrap"), "--no-engine", "nox", "--version", cwd=moved).ok()
    assert "==> make .venv" in nox.err


def test_an_index_that_pip_was_told_of_serves_what_the_lock_names(checkout: Path) -> None:
    code = "import sys, ddd_tasks, pytest; print(sys.prefix, ddd_tasks.__file__)"
    argv = (str(checkout / "bootstrap"), "--no-engine", "python", "-I", "-c", code)
    done = support.run(*argv, cwd=checkout, env={"PIP_INDEX_URL": "https://pypi.org/simple/"}, timeout=300).ok()
    assert done.out.split() == [str(checkout / ".venv"), str(checkout / "ddd_tasks" / "__init__.py")]
