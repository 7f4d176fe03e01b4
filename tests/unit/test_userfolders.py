"""Where a user's files are looked for, also for users of whom nothing is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ddd_tasks import userfolders


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert userfolders.cache() == tmp_path / "caches" / "ddd-tasks"
    assert userfolders.cache().is_dir()


def test_a_cache_that_cannot_be_made_is_a_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    found = userfolders.cache()
    assert found.parent == tmp_path / "temporary"
    assert found.stat().st_mode & 0o077 == 0


def test_a_user_without_a_home() -> None:
    """A number that passwd does not know, as in many containers, and no HOME."""
    code = """
import os, pwd
from ddd_tasks import userfolders
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    pwd.getpwuid = lambda number: (_ for _ in ()).throw(KeyError(number))
os.environ.pop("HOME", None)
os.environ.pop("DOCKER_CONFIG", None)
print(userfolders.home(), userfolders.docker_config())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["/nonexistent", "/nonexistent/.docker"]


def test_docker_s_settings_are_where_its_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert userfolders.docker_config() == tmp_path
