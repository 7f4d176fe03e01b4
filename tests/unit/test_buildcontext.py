"""What of a build context is looked at, and what a change of it does to the hash."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ddd_tasks import buildcontext
from ddd_tasks.buildcontext import Ignore


def context(folder: Path, *paths: str, ignore: str = "") -> buildcontext.Tree:
    for path, text in {"a.py": "a", "src/b.py": "b", "src/deep/c.py": "c", "lib/d.py": "d"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if ignore:
        (folder / ".dockerignore").write_text(ignore)
    return buildcontext.tree(folder, folder / "Dockerfile", paths or (".",))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "src/b.py").write_text("B"),
    "mode": lambda folder: (folder / "src/b.py").chmod(0o700),
    "new": lambda folder: (folder / "src/new.py").write_text(""),
    "gone": lambda folder: (folder / "src/b.py").unlink(),
    "renamed": lambda folder: (folder / "src/b.py").rename(folder / "src/e.py"),
    "empty folder": lambda folder: (folder / "src/empty").mkdir(),
    "link": lambda folder: (folder / "src/link").symlink_to("b.py"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("path", [".", "src"])
def test_a_change_changes_the_hash(change: Callable[[Path], object], path: str, tmp_path: Path) -> None:
    tree = context(tmp_path, path)
    before = buildcontext.look(tree)
    assert buildcontext.look(tree) == before
    change(tmp_path)
    assert buildcontext.look(tree).digest != before.digest


def test_a_time_that_is_set_back_does_not_hide_a_change(tmp_path: Path) -> None:
    tree = context(tmp_path)
    before, status = buildcontext.look(tree), (tmp_path / "a.py").stat()
    (tmp_path / "a.py").write_text("b")
    os.utime(tmp_path / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert buildcontext.look(tree).digest != before.digest


def test_what_is_left_out_or_not_copied_does_not_count(tmp_path: Path) -> None:
    tree = context(tmp_path, "src", ignore="**/deep\n")
    before = buildcontext.look(tree)
    (tmp_path / "a.py").write_text("other")
    (tmp_path / "src/deep/c.py").write_text("other")
    (tmp_path / "src/.ddd").mkdir()
    assert buildcontext.look(tree) == before


def test_a_path_through_a_link_is_the_whole_context(tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to("src")
    assert context(tmp_path, "way/b.py").paths == ("",)
    assert context(tmp_path, "src/b.py", "lib").paths == ("lib", "src/b.py")


def test_the_ignore_file_beside_the_dockerfile_comes_first(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.dockerignore").write_text("x\n")
    assert context(tmp_path, ignore="y\n").ignore == str(tmp_path / "Dockerfile.dockerignore")


@pytest.mark.parametrize(
    ("rules", "left_out", "kept"),
    [
        ("*.md", ["a.md"], ["src/a.md", "a.mdx"]),
        ("**/*.md", ["a.md", "src/deep/a.md"], ["a.py"]),
        ("node_modules", ["node_modules", "node_modules/a/b"], ["src/node_modules", "node_modules2"]),
        ("/src/", ["src", "src/a"], ["lib/src"]),
        ("src/**", ["src/a", "src/a/b"], ["lib"]),
        ("# a comment\n\n a.txt \n", ["a.txt"], ["# a comment"]),
        ("*\n!src\nsrc/secret", ["a", "src/secret", "src/secret/x"], ["src", "src/a"]),
        ("file?.t[xy]t", ["file1.txt", "file2.tyt"], ["file.txt", "file10.txt", "file1.tzt"]),
        ("a.b", ["a.b"], ["axb"]),
        (".", [], ["a", "b/c"]),
    ],
)
def test_patterns_are_those_of_buildkit(rules: str, left_out: list[str], kept: list[str]) -> None:
    ignore = Ignore(rules)
    assert [path for path in left_out if not ignore.leaves_out(path)] == []
    assert [path for path in kept if ignore.leaves_out(path)] == []
