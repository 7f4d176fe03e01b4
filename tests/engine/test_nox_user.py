"""Files of a session: they belong to whoever ran Nox, who has a name and a home inside."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests import support

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")

UID = 4322
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test", network="none"))
def files(session):
    session.run("python", "-c", "import getpass, os; print(getpass.getuser(), os.path.expanduser('~'), os.getuid())")
    session.run("sh", "-c", "touch $HOME/writable && whoami && touch made && mkdir -p made-here && touch made-here/too")
"""

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.fixture(scope="module")
def nox() -> Iterator[Path]:
    """Nox and the package in a venv that everybody may read."""
    with support.venv_for_everybody() as programs:
        yield programs / "nox"


def test_they_belong_to_the_caller(bases: None, stack: Make, nox: Path) -> None:
    project = stack({"Dockerfile": "FROM python:3.13-slim-trixie AS test\n", "noxfile.py": NOXFILE})
    for path in (project.directory, *project.directory.rglob("*")):
        os.chown(path, UID, UID)
    group = Path("/var/run/docker.sock").stat().st_gid
    who = ["setpriv", f"--reuid={UID}", f"--regid={UID}", f"--groups={group}"]
    clean = ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={project.directory}"]
    ran = project.run(*who, *clean, str(nox), "-s", "files").ok()
    assert ran.out.splitlines() == [f"dev /home/dev {UID}", "dev"]
    owners = {path: path.lstat().st_uid for path in project.directory.rglob("*")}
    assert stat.S_ISREG((project.directory / "made-here" / "too").stat().st_mode)
    assert set(owners.values()) == {UID}, [path for path, owner in owners.items() if owner != UID]
