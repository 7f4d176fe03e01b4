"""The frame that the other engine tests rely on: what is left is seen, and a missing engine does not go unnoticed."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect
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


def suite(folder: Path, tests: str, *options: str, **env: str) -> support.Ran:
    """Run tests in a suite of its own that has our fixtures."""
    (folder / "conftest.py").write_text("from tests.conftest import *\nfrom tests.engine.conftest import *\n")
    (folder / "test_it.py").write_text(textwrap.dedent(tests))
    path = f"pythonpath={support.REPO}"
    return support.run("pytest", "-q", "-rs", "-p", "no:cacheprovider", "-o", path, *options, cwd=folder, env=env)


def test_a_test_that_leaves_something_fails_and_the_next_one_is_not_hit(tmp_path: Path) -> None:
    ran = suite(
        tmp_path,
        """
        from tests import support
        from tests.engine.conftest import _nothing_left

        def test_leaves_a_volume(engine):
            engine.post("/volumes/create", {"Name": support.unique("left")})

        def test_leaves_nothing(engine):
            assert not support.leftovers(engine)
        """,
    )
    assert ran.status == 1, ran.out + ran.err
    assert "2 passed, 1 error" in ran.out
    assert "left on the engine: volume ddd-test-" in ran.out


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [((), 0, "no engine answers"), (("--require-engine",), 1, "--require-engine was given, but no engine answers")],
)
def test_a_missing_engine_is_a_skip_or_a_failure(
    tmp_path: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    nowhere = f"unix://{tmp_path}/no-such.sock"
    ran = suite(tmp_path, "def test_it(engine): raise AssertionError('ran')", *options, DOCKER_HOST=nowhere)
    assert ran.status == status, ran.out + ran.err
    assert said in ran.out
    assert ("1 error" if status else "1 skipped") in ran.out


def test_a_stack_is_gone_after_down(engine: Engine, stack: Make) -> None:
    made = stack(
        {
            "compose.yaml": "services: {api: {build: ., command: none, volumes: [data:/data]}}\nvolumes: {data: {}}\n",
            "Dockerfile": "FROM scratch\nCOPY compose.yaml /\n",
        }
    )
    made.run("docker", "compose", "create", "--build").ok()
    assert {item.kind for item in support.leftovers(engine)} == {"containers", "images", "networks", "volumes"}
    made.down()
    assert not support.leftovers(engine)
    assert not made.directory.exists()


def test_an_image_that_somebody_else_tagged_too_stays(engine: Engine, stack: Make) -> None:
    made = stack({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    ours, theirs = support.unique("image"), "ddd-test-another-run"
    made.run("docker", "build", "--quiet", "--tag", ours, "--tag", theirs, ".").ok()
    try:
        support.remove(engine, sorted(support.leftovers(engine)))
        assert engine.get(f"/images/{theirs}/json")["RepoTags"] == [f"{theirs}:latest"]
    finally:
        engine.delete(f"/images/{theirs}")


def test_a_spawned_program_has_a_terminal_of_the_size_asked_for(stack: Make) -> None:
    child = stack({}).spawn("stty", "size", size=(31, 101))
    child.expect_exact("31 101")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_program_that_hangs_is_killed_with_its_children() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        support.run("sh", "-c", "sleep 12345 & wait", timeout=0.5)
    assert support.run("pgrep", "-f", "sleep 12345$").status == 1
