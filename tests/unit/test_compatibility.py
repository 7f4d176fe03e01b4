"""The page of compatibility says what its records say, and a record says what really ran."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs import compatibility
from docs.compatibility import recorder

REPO = Path(__file__).parents[2]
TESTS = """
import pytest

def test_passes(): pass
def test_fails(): assert False
def test_is_skipped(): pytest.skip("why")

@pytest.fixture
def broken(): raise OSError

def test_is_not_set_up(broken): pass
"""


def record(**changed: Any) -> compatibility.Record:
    usual = {
        "date": "2026-11-23 05:00 UTC",
        "commit": "abcdef0",
        "versions": {"python": "3.11.7", "invoke": "3.0.3"},
        "tests": ["tests/unit"],
        "arguments": ["tests/unit"],
        "whole": True,
        "passed": 2000,
        "failed": 0,
        "errors": 0,
        "skipped": 3,
    }
    return {**usual, **changed}


def on_engine(engine: str, compose: str, **changed: Any) -> compatibility.Record:
    versions = {"python": "3.11.7", "invoke": "3.0.3", "engine": engine, "compose": compose}
    return record(**{"versions": versions, "tests": list(compatibility.ENGINE_TESTS), **changed})


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_the_page_is_as_its_records_make_it() -> None:
    made = compatibility.page(compatibility.load())
    assert compatibility.PAGE.read_text() == made, "run python -m docs.compatibility"


def test_without_a_record_no_cell_claims_anything() -> None:
    text = compatibility.page([])
    assert text.count("not run") == 1 + len(compatibility.PYTHONS) * 2 + len(compatibility.ENGINES) * 3
    assert "passed" not in text.replace("Which tests passed", "")


def test_a_record_fills_its_own_cell_alone() -> None:
    text = compatibility.page([record()])
    assert row(text, "3.11") == "| 3.11 | not run | 2000 passed, 3 skipped |"
    assert row(text, "3.12") == "| 3.12 | not run | not run |"
    assert row(text, "Docker Engine 26") == "| Docker Engine 26 | not run | not run | not run |"


def test_failures_come_first_and_a_part_is_called_one() -> None:
    text = compatibility.page([record(failed=2, errors=1, whole=False)])
    assert row(text, "3.11").endswith("| partly: **2 failed**, **1 errors**, 2000 passed, 3 skipped |")


def test_the_later_run_of_a_cell_counts(tmp_path: Path) -> None:
    for name, date, passed in (("a", "2026-11-24", 2), ("b", "2026-11-23", 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(record(date=date, passed=passed)))
    assert row(compatibility.page(compatibility.load(tmp_path)), "3.11").endswith("| 2 passed, 3 skipped |")


def test_engines_and_versions_that_nobody_asked_for_get_a_place() -> None:
    text = compatibility.page([on_engine("Docker Engine 28.5.2", "2.40.3-3"), on_engine("Podman 5.4.0", "5.1.0")])
    assert row(text, "Docker Engine 28") == "| Docker Engine 28 | not run | 2000 passed, 3 skipped | not run |"
    assert row(text, "Podman") == "| Podman | not run | not run | 2000 passed, 3 skipped |"
    other = compatibility.page([on_engine("Docker Engine 30.0.1", "2.50.0")])
    assert row(other, "Docker Engine 30.0.1") == (
        "| Docker Engine 30.0.1 | not run | not run | not run | 2000 passed, 3 skipped |"
    )


def test_a_unit_test_alone_is_not_the_unit_tests() -> None:
    assert row(compatibility.page([record(tests=["tests/unit/test_errors.py"])]), "3.11").endswith("| not run |")


def test_the_session_has_the_cells_of_the_page() -> None:
    session = (REPO / "noxfile.py").read_text().partition("def compat(")[0].rpartition("@nox.session(")[2]
    python, invoke = (re.findall(r'"(\d[\d.]*)"', words) for words in session.split("@nox.parametrize"))
    assert tuple(python) == compatibility.PYTHONS
    assert tuple(invoke) == compatibility.INVOKES


@pytest.mark.parametrize(
    ("given", "counts", "whole"),
    [
        ([], {"passed": 1, "failed": 1, "skipped": 1, "errors": 1}, True),
        (["-k", "passes"], {"passed": 1, "failed": 0, "skipped": 0, "deselected": 3}, False),
        (["--exitfirst"], {"passed": 1, "failed": 1, "skipped": 0}, False),
    ],
)
def test_what_ran_is_recorded(tmp_path: Path, given: list[str], counts: dict[str, int], whole: bool) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    found = run(tmp_path, tmp_path / "new" / "record.json", *given)
    assert found
    assert {name: found[name] for name in counts} == counts
    assert found["whole"] is whole
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert set(found["versions"]) <= {"python", "ddd-tasks", "invoke", "nox", "pytest"}, "no engine was needed"
    assert found["arguments"] == ["test_it.py", *given]
    assert found["failures"] == [name for name in found["failures"] if "fails" in name or "is_not_set_up" in name]


def test_a_run_that_was_not_one_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("raise KeyboardInterrupt")
    assert run(tmp_path, tmp_path / "record.json") is None
    (tmp_path / "test_it.py").write_text(TESTS)
    assert run(tmp_path, tmp_path / "record.json", "-k", "nothing_of_this_name") is None


def run(folder: Path, file: Path, *given: str) -> dict[str, Any] | None:
    """A pytest of its own with the recorder; what it recorded."""
    env = {**os.environ, "PYTHONPATH": str(REPO), recorder.FILE: str(file)}
    argv = [sys.executable, "-m", "pytest", "-p", recorder.__name__, "test_it.py", *given]
    subprocess.run(argv, cwd=folder, env=env, capture_output=True, check=False)
    return json.loads(file.read_text()) if file.exists() else None


def test_an_engine_says_what_it_is() -> None:
    docker = {"Version": "28.5.2", "Components": [{"Name": "Engine"}, {"Name": "containerd"}]}
    podman = {"Version": "5.4.0", "Components": [{"Name": "Podman Engine"}]}
    assert recorder.engine_name(docker) == "Docker Engine 28.5.2"
    assert recorder.engine_name(podman) == "Podman 5.4.0"
