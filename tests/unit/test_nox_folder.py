"""The folder of a session: what of an earlier run is removed before a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.sessions import session
from ddd_tasks.sessions import state as states

NOBODY = 65534


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """A session's folder as a run leaves it."""
    place = tmp_path / "tests"
    links = Path(states.path(place, "bin"))
    links.mkdir(parents=True)
    (links / "pytest").symlink_to("../shim")
    Path(states.path(place)).write_text("{}")
    (place / "pyvenv.cfg").touch()
    (place / "lib" / "python3").mkdir(parents=True)
    (place / "lib64").symlink_to("lib")
    return place


@pytest.fixture
def foreign(location: Path) -> Iterator[Path]:
    """The same for a user who may not remove anything from it."""
    closed = [folder for folder in location.parents if not folder.stat().st_mode & 0o001]  # pytest's own
    location.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        for folder in closed:
            folder.chmod(0o711)
        os.seteuid(NOBODY)
    yield location
    if root:
        os.seteuid(0)
        for folder in closed:
            folder.chmod(0o700)
    location.chmod(0o755)


def test_links_stay_and_a_venv_that_is_gone_is_described_no_more(location: Path) -> None:
    session._clear(location, keep_links=True)
    assert [path.name for path in location.iterdir()] == [".ddd"]
    assert [path.name for path in (location / ".ddd").rglob("*")] == ["bin", "pytest"]


def test_nothing_stays_where_links_are_not_kept(location: Path) -> None:
    session._clear(location, keep_links=False)
    assert not location.exists()
    session._clear(location, keep_links=True)  # there is nothing to do


def test_a_folder_of_somebody_else_is_refused(foreign: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be removed"):
        session._clear(foreign, keep_links=False)
