"""Names of second checkouts, and what is written to .env."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ddd_tasks import worktree
from ddd_tasks.errors import ConfigError
from ddd_tasks.worktree import Place
from tests.support import run


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    run("git", "init", "--quiet", cwd=folder).ok()
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    run("git", *who, "commit", "--quiet", "--allow-empty", "--message", "start", cwd=folder).ok()
    return folder


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("shop", "/w/feature", "shop-feature"),
        ("shop", "/w/shop-feature", "shop-feature"),
        ("shop", "/w/Fix #12", "shop-fix12"),
        ("shop", "/second/shop", "shop-second"),
        ("shop", "/shop", "shop-2"),
    ],
)
def test_a_name_says_project_and_folder(name: str, folder: str, expected: str) -> None:
    assert worktree.own_name(name, Place(Path(folder))) == expected


def test_a_folder_below_a_worktree_is_told_by_the_worktree() -> None:
    place = Place(Path("/w/feature/app"), Path("/w/feature"), Path("/w/shop"))
    assert worktree.own_name("app", place) == "app-feature"
    assert not place.has_own_name("app")


def test_a_worktree_with_the_main_folders_name_has_no_own_name() -> None:
    assert Place(Path("/w/feature"), Path("/w/feature"), Path("/w/shop")).has_own_name("feature")
    assert not Place(Path("/x/shop"), Path("/x/shop"), Path("/w/shop")).has_own_name("shop")


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_linked_worktree_is_recognised(tmp_path: Path) -> None:
    main, linked = repository(tmp_path / "main"), tmp_path / "linked"
    run("git", "worktree", "add", "--quiet", str(linked), cwd=main).ok()
    (linked / "app").mkdir()
    assert worktree.place(main) == Place(main)
    assert worktree.place(linked / "app") == Place(linked / "app", linked, main)


def test_other_lines_of_the_env_file_stay(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nCOMPOSE_PROJECT_NAME=old\nB=2")
    worktree.write_name(tmp_path, "new")
    assert (tmp_path / ".env").read_text() == "A=1\nCOMPOSE_PROJECT_NAME=new\nB=2"
    (tmp_path / ".env").write_text("A=1")
    worktree.write_name(tmp_path, "new")
    assert (tmp_path / ".env").read_text().splitlines()[::2] == ["A=1", "COMPOSE_PROJECT_NAME=new"]
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_is_told_to_ignore_a_new_file_and_others_are_left_alone(tmp_path: Path) -> None:
    fresh = repository(tmp_path / "fresh")
    worktree.write_name(fresh, "new")
    assert run("git", "status", "--porcelain", cwd=fresh).ok().out == ""

    for folder, prepare in (("tracked", ("git", "add", "--force", ".env")), ("unignored", ("true",))):
        repo = repository(tmp_path / folder)
        (repo / ".env").write_text("A=1\n")
        run(*prepare, cwd=repo).ok()
        with pytest.raises(ConfigError):
            worktree.write_name(repo, "new")
        assert (repo / ".env").read_text() == "A=1\n"


def test_a_linked_env_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("A=1\n")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/.env").symlink_to("../shared")
    with pytest.raises(ConfigError, match="is a link to"):
        worktree.write_name(tmp_path / "here", "new")
    assert (tmp_path / "shared").read_text() == "A=1\n"
