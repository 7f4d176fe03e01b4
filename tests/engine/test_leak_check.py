"""The check that the other engine tests rely on sees what is left, and only that."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests import support

Make = Callable[[Mapping[str, str]], support.Stack]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("volumes", {"Name": support.unique("volume")}),
        ("volumes", {"Name": "named-otherwise", "Labels": {support.LABEL: support.RUN}}),
        ("networks", {"Name": support.unique("network")}),
    ],
)
def test_what_is_left_is_seen_and_removed(engine: Engine, kind: str, body: dict[str, object]) -> None:
    engine.post(f"/{kind}/create", body)

    left = support.leftovers(engine)
    support.remove(engine, sorted(left))

    assert [item.kind for item in left] == [kind]
    assert not support.leftovers(engine)


def test_another_runs_things_are_none_of_ours(engine: Engine) -> None:
    name = "ddd-test-another-run"
    engine.post("/volumes/create", {"Name": name})
    try:
        assert not support.leftovers(engine)
        assert [item.id for item in support.leftovers(engine, "ddd-test-another")] == [name]
    finally:
        engine.delete(f"/volumes/{name}")


def test_a_test_that_leaves_something_fails(engine: Engine, tmp_path: Path) -> None:
    """A suite of its own with our conftest: one test leaves a volume, the next one is not hit by it."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\nfrom tests.engine.conftest import *\n")
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
            from tests import support
            from tests.engine.conftest import _nothing_left

            def test_leaves_a_volume(engine):
                engine.post("/volumes/create", {"Name": support.unique("left")})

            def test_leaves_nothing(engine):
                assert not support.leftovers(engine)
            """
        )
    )
    ran = support.run("pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={support.REPO}", cwd=tmp_path)
    assert ran.status == 1, ran.out + ran.err
    assert "2 passed, 1 error" in ran.out
    assert "left on the engine: volume ddd-test-" in ran.out


def test_a_stack_is_gone_after_down(engine: Engine, bases: None, stack: Make) -> None:
    made = stack(
        {
            "compose.yaml": "services: {api: {build: ., command: sleep 60, volumes: [data:/data]}}\n"
            "volumes: {data: {}}\n",
            "Dockerfile": "FROM ddd-base/python:3.13-slim-trixie\n",
        }
    )
    made.run("docker", "compose", "up", "--detach", "--build").ok()
    assert {item.kind for item in support.leftovers(engine)} == {"containers", "images", "networks", "volumes"}
    made.down()
    assert not support.leftovers(engine)
    assert not made.directory.exists()


def test_a_program_that_hangs_is_killed_with_its_children() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        support.run("sh", "-c", "sleep 12345 & wait", timeout=0.5)
    assert support.run("pgrep", "-f", "sleep 12345$").status == 1
