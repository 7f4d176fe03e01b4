"""session.install: what it installs with, who sees it, and how long it lasts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import pytest

from tests import support

# The stage's packages are in a venv; its script names that venv's Python, which sees nothing of a session.
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS test
RUN --network=none python3 -m venv --without-pip /opt/venv
COPY --chmod=755 tool /opt/venv/bin/tool
ENV PATH=/opt/venv/bin:$PATH
"""
TOOL = "#!/opt/venv/bin/python3\nimport late\nprint('the tool sees', late.__name__)\n"
WITHOUT_PIP = "RUN --network=none python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip\n"
# The mounts are how this host's way to the package index reaches a build.
UV = """\
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \\
    --mount=type=secret,id=pip-conf,target=/etc/pip.conf \\
    python3 -m pip install --quiet --root-user-action=ignore uv
"""
NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test", network="none"))
def install(session):
    session.install("--no-index", "--no-deps", "late-1-py3-none-any.whl")
    session.run("late-command", *session.posargs)
    session.run("python", "-c", "import late; print(late.__file__)")
"""

Make = Callable[[Mapping[str, str]], support.Stack]


def wheel() -> bytes:
    """A package that nothing but an installation can have brought."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = "late-1.dist-info"
        archive.writestr("late.py", "import sys\ndef main(): print('late', *sys.argv[1:])\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: late\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\nlate-command = late:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return packed.getvalue()


def make(stack: Make, dockerfile: str, noxfile: str = NOXFILE) -> support.Stack:
    """A project whose session can install a wheel of its folder."""
    project = stack({"Dockerfile": dockerfile, "noxfile.py": noxfile, "tool": TOOL})
    (project.directory / "late-1-py3-none-any.whl").write_bytes(wheel())
    return project


def test_programs_of_the_stage_see_it_and_reuse_keeps_it(bases: None, stack: Make) -> None:
    project = make(stack, DOCKERFILE, NOXFILE + "    session.run('tool')\n")
    first = project.nox("-s", "install", "--", "a b").ok().out.splitlines()
    assert first[0] == "late a b"
    assert first[1].startswith(f"{project.directory}/.nox/install/lib/")
    assert first[2] == "the tool sees late"
    (project.directory / "late-1-py3-none-any.whl").unlink()
    assert project.nox("-R", "-s", "install", "--", "a b").ok().out.splitlines() == first


def test_a_changed_image_makes_a_new_venv(bases: None, stack: Make) -> None:
    project = make(stack, DOCKERFILE)
    project.nox("-s", "install").ok()
    mark = project.directory / ".nox" / "install" / "from-before"
    mark.touch()
    project.nox("-R", "-s", "install").ok()
    assert mark.exists()
    project.write({"tool": TOOL + "# changed\n"})
    project.nox("-R", "-s", "install").ok()  # installs: --no-install means nothing to a new venv
    assert not mark.exists()


@pytest.mark.parametrize(("steps", "tool"), [(UV + WITHOUT_PIP, "uv pip"), (WITHOUT_PIP, "python -m pip")])
def test_without_pip_uv_or_pythons_own_pip_installs(bases: None, stack: Make, steps: str, tool: str) -> None:
    project = make(stack, f"FROM python:3.13-slim-trixie AS test\n{steps}")
    ran = project.nox("-s", "install").ok()
    assert f"nox > {tool} install" in ran.err
    assert f"{project.directory}/.nox/install/lib/" in ran.out
