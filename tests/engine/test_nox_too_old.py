"""A Nox without what the backend needs: refused in our words. The session nox-versions runs this with such a one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata

import pytest

from tests import support

NOXFILE = """\
import nox
from ddd_tasks.nox import stage

@nox.session(venv_backend=stage("test"))
def check(session):
    session.run("true")
"""
IS_TOO_OLD = metadata.version("nox").startswith("2024.")


@pytest.mark.skipif(not IS_TOO_OLD, reason="this Nox is not too old")
@pytest.mark.parametrize("words", [("--list",), ("-s", "check")])
def test_it_is_refused(stack: Callable[[Mapping[str, str]], support.Stack], words: tuple[str, ...]) -> None:
    ran = stack({"noxfile.py": NOXFILE}).nox(*words)
    assert ran.status == 65
    assert f"error: nox {metadata.version('nox')} is too old for stage()" in ran.err
    assert "try: python3 -m pip install 'nox>=2025.2.9'" in ran.err
    assert "Traceback" not in ran.err
