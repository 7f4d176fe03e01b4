"""share-metrics, a program of the Python stages: when it gives workers a common folder, and what it removes from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import support

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program as it stands in the Dockerfile."""
    text = (support.REPO / "docker" / "python" / "Dockerfile").read_text()
    (body,) = re.findall(r"<<'EOF' /usr/local/bin/share-metrics\n(.*?)^EOF$", text, re.DOTALL | re.MULTILINE)
    file = tmp_path / "share-metrics"
    file.write_text(body)
    file.chmod(0o755)
    return file


def directory_given(program: Path, env: dict[str, str]) -> str:
    """The folder that the program's command is given; nothing where it is given none."""
    return support.run(str(program), "sh", "-c", f'printf %s "${DIRECTORY}"', env=env).ok().out


@pytest.mark.parametrize("env", [{}, {"WEB_CONCURRENCY": "1"}, {"WEB_CONCURRENCY": ""}])
def test_one_worker_keeps_its_numbers_to_itself(program: Path, env: dict[str, str]) -> None:
    assert directory_given(program, {DIRECTORY: "", **env}) == ""


@pytest.mark.parametrize("workers", ["3", "1"])
def test_a_folder_of_the_users_is_emptied_of_numbers_alone(program: Path, tmp_path: Path, workers: str) -> None:
    folder = tmp_path / "num bers"
    folder.mkdir()
    ours = ("counter_1.db", "gauge_livesum_7.db", "histogram_12.db", "summary_1.db")
    for name in (*ours, "shop.db", "counter.txt"):
        (folder / name).touch()
    assert directory_given(program, {"WEB_CONCURRENCY": workers, DIRECTORY: str(folder)}) == str(folder)
    assert sorted(file.name for file in folder.iterdir()) == ["counter.txt", "shop.db"]


def test_a_folder_that_cannot_be_made_is_said(program: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = support.run(str(program), "echo", "started", env={DIRECTORY: str(tmp_path / "file" / "numbers")})
    assert ran.status != 0
    assert ran.out == ""
    assert str(tmp_path / "file") in ran.err
