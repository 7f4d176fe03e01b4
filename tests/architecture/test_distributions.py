"""docker/, compose/ and examples/ are found from a wheel, an sdist and an editable install."""

from __future__ import annotations

import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests import support

FOLDERS = ("docker", "compose", "examples")
SHOW = """
from ddd_tasks import resources
print(resources.docker('python', 'Dockerfile'), resources.compose(), resources.example('python'), sep='\\n')
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout. Built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    support.run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=support.REPO).ok()
    return folder


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def resource_files() -> dict[str, bytes]:
    """What git knows under the folders of resources."""
    names = support.run("git", "ls-files", "-z", *FOLDERS, cwd=support.REPO).ok().out.split("\0")
    return {name: (support.REPO / name).read_bytes() for name in names if name and (support.REPO / name).is_file()}


def test_a_wheel_holds_every_resource(built: Path) -> None:
    expected = resource_files()
    assert expected
    with zipfile.ZipFile(one(built, "*.whl")) as wheel:
        held = {name: wheel.read(f"ddd_tasks/_data/{name}") for name in expected}
        assert held == expected
        # Neither does it hold more, such as what tools leave in the folders of examples.
        carried = {name for name in wheel.namelist() if name.startswith("ddd_tasks/_data/")}
        assert carried == {f"ddd_tasks/_data/{name}" for name in expected}
        assert "ddd_tasks/py.typed" in wheel.namelist()
        assert {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()} == {"ddd_tasks"}


def test_an_sdist_can_be_built_from_and_tested(built: Path) -> None:
    with tarfile.open(one(built, "*.tar.gz")) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {*resource_files(), "LICENSE", "CHANGELOG.md", "noxfile.py", "tests/support.py", "uv.lock"} <= names
    assert not [name for name in names if name.startswith((".venv", ".ddd", ".nox"))]


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def test_an_installation_finds_them(built: Path, tmp_path: Path, pattern: str) -> None:
    venv = tmp_path / "venv"
    support.run(sys.executable, "-m", "virtualenv", "--no-download", "-q", str(venv)).ok()
    python = str(venv / "bin" / "python")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed", "--quiet"]
    # hatchling, which an sdist is built with, comes from our own venv instead of the network
    ours = {"PYTHONPATH": sysconfig.get_path("purelib")}
    support.run(python, "-m", "pip", "install", *offline, str(one(built, pattern)), cwd=tmp_path, env=ours).ok()

    dockerfile, compose, example = support.run(python, "-I", "-c", SHOW, cwd=tmp_path).ok().out.splitlines()

    assert Path(dockerfile).is_relative_to(venv)
    assert Path(compose).is_relative_to(venv)
    assert Path(example).is_relative_to(venv)
    assert (Path(example) / "pyproject.toml").is_file()
    assert Path(dockerfile).read_bytes() == (support.REPO / "docker" / "python" / "Dockerfile").read_bytes()


def test_an_editable_install_finds_them(tmp_path: Path) -> None:
    found = support.run(sys.executable, "-I", "-c", SHOW, cwd=tmp_path).ok().out.splitlines()
    assert found == [
        str(support.REPO / "docker" / "python" / "Dockerfile"),
        str(support.REPO / "compose"),
        str(support.REPO / "examples" / "python"),
    ]
