"""The import contracts catch what they are there for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import support


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be broken."""
    shutil.copy(support.REPO / "pyproject.toml", tmp_path)
    shutil.copytree(support.REPO / "ddd_tasks", tmp_path / "ddd_tasks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint(directory: Path) -> support.Ran:
    # The copy goes before the checkout on sys.path, so that the copy is what is read.
    return support.run(
        "lint-imports", "--no-logo", "--no-cache", cwd=directory, env={"PYTHONPATH": str(directory), "COLUMNS": "200"}
    )


def test_the_package_keeps_them(copy: Path) -> None:
    assert lint(copy).status == 0


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("errors.py", "from ddd_tasks import process", "Each layer imports only the layers below it BROKEN"),
        ("engine/api.py", "import ddd_tasks.tasks", "Each layer imports only the layers below it BROKEN"),
        ("process.py", "import invoke", "Invoke is imported only in tasks/ and cli.py BROKEN"),
        ("resources.py", "import nox", "Nox is imported only in nox.py BROKEN"),
        ("console.py", "import subprocess", "subprocess is imported only in process.py and engine/ BROKEN"),
        ("a_new_module.py", "", "a_new_module"),
    ],
)
def test_a_wrong_import_breaks_one(copy: Path, module: str, line: str, said: str) -> None:
    with (copy / "ddd_tasks" / module).open("a") as source:
        source.write(f"\n{line}\n")

    ran = lint(copy)

    assert ran.status == 1, ran.out + ran.err
    assert said in ran.out + ran.err


@pytest.mark.parametrize("name", ["subprocess", "invoke", "nox"])
def test_ruff_says_where_an_import_belongs(tmp_path: Path, name: str) -> None:
    source = support.REPO / "ddd_tasks" / "console.py"
    ran = support.run(
        "ruff", "check", "--stdin-filename", str(source), "-", cwd=support.REPO, stdin=f"import {name}\n".encode()
    )
    assert ran.status == 1
    assert "TID251" in ran.out
