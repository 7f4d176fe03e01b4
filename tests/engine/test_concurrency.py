"""Many commands at once: none fails, none disturbs another, and nothing is left over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.test_isolation import checkout, commit, compose, plain_ps, url
from tests.support import REPO, Stack, ddd_argv, end_of, free_port, kill_group, popen, wait_until

pytestmark = [pytest.mark.usefixtures("bases"), pytest.mark.timeout(300)]

INTRODUCE = """
import sys
from pathlib import Path
from ddd_tasks.engine import identity
from ddd_tasks.engine.api import Engine
who = identity.Identity(int(sys.argv[2]), 1234, f"user{sys.argv[2]}", f"/home/user{sys.argv[2]}")
print(identity.ensure(Engine.connect(), sys.argv[1], who, memory=Path(sys.argv[3])).home)
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def project(stack: Callable[[Mapping[str, str]], Stack]) -> Stack:
    return stack({"compose.yaml": compose(free_port()), "index.html": "x", "tasks.py": "from ddd_tasks import ns\n"})


def together(starts: Sequence[Callable[[], subprocess.Popen[bytes]]]) -> list[tuple[int, str, str]]:
    """Start all and wait for all: the status and both outputs of each."""
    started = [start() for start in starts]
    try:
        outputs = [process.communicate(timeout=200) for process in started]
    finally:
        for process in started:
            kill_group(process)
    return [(end_of(one), out.decode(), err.decode()) for one, (out, err) in zip(started, outputs, strict=True)]


def drafts(project: Stack) -> list[str]:
    """Files that a write of ours has left half done: their names end in a process id."""
    return [path.name for path in (project.directory / ".ddd").rglob("*") if path.suffix.removeprefix(".").isdigit()]


def processes(project: Stack) -> list[str]:
    """What runs in the service's container beside its own command."""
    listed = project.run("docker", "compose", "top", "web").ok().out.splitlines()[2:]
    return [line for line in listed if line and "http.server" not in line]


def test_twenty_commands_at_once(project: Stack) -> None:
    project.ddd("dev.up").ok()
    project.run("rm", "-r", ".ddd/cache").ok()
    words = [("inv", "dev.exec", "--", "sh", "-c", f"sleep 0.1; echo {n}; exit {n}") for n in range(20)]
    ran = together([lambda argv=argv: project.popen(*argv) for argv in words])  # type: ignore[misc]
    assert ran == [(n, f"{n}\n", "") for n in range(20)]
    wait_until(lambda: processes(project) == [], seconds=5, what="the end of what was run")
    assert drafts(project) == []


def test_four_starts_of_one_project(project: Stack, tmp_path: Path) -> None:
    ran = together([lambda: project.popen(*ddd_argv("dev.up"))] * 4)
    assert [status for status, _, _ in ran] == [0] * 4, ran
    assert len({out for _, out, _ in ran}) == 1
    assert plain_ps(project) == [f"{project.name}-web-1"]
    networks = project.run("docker", "network", "ls", "--quiet", "--filter", f"name={project.name}").out.split()
    assert len(networks) == 1
    assert drafts(project) == []
    assert [path.name for path in (tmp_path / "cache" / "ddd-tasks").iterdir() if path.suffix == ".lock"] == []


@pytest.fixture
def worktrees(stack: Callable[[Mapping[str, str]], Stack]) -> Iterator[list[Stack]]:
    main = stack({"index.html": "x"})
    main.write({"compose.yaml": compose(free_port(), main.name)})
    commit(main)
    made = [main, *(checkout(main, folder) for folder in ("one", "two", "three"))]
    yield made
    for one in made[1:]:
        one.down()


def test_four_worktrees_at_once(worktrees: list[Stack]) -> None:
    ran = together([lambda one=one: one.popen(*ddd_argv("dev.up")) for one in worktrees])  # type: ignore[misc]
    assert [status for status, _, _ in ran] == [0] * 4, ran
    main = worktrees[0].name
    assert [plain_ps(one) for one in worktrees] == [
        [f"{name}-web-1"] for name in (main, f"{main}-one", f"{main}-two", f"{main}-three")
    ]
    assert len({url(one) for one in worktrees}) == 4
    ran = together([lambda one=one: one.popen(*ddd_argv("dev.clean", "--volumes")) for one in worktrees])  # type: ignore[misc]
    assert [status for status, _, _ in ran] == [0] * 4, ran


def test_users_are_made_known_one_at_a_time(project: Stack, engine: Engine, tmp_path: Path) -> None:
    project.ddd("dev.up").ok()
    container = project.run("docker", "compose", "ps", "--quiet", "web").ok().out.strip()
    before = project.run("docker", "exec", container, "cat", "/etc/passwd").ok().out
    users = [5001, 5002, 5003, 5004] * 3
    words = [(sys.executable, "-c", INTRODUCE, container, str(uid), str(tmp_path / "memory")) for uid in users]
    ran = together([lambda argv=argv: popen(*argv, cwd=REPO) for argv in words])  # type: ignore[misc]
    assert ran == [(0, f"/home/user{uid}\n", "") for uid in users]
    after = project.run("docker", "exec", container, "cat", "/etc/passwd").ok().out
    assert after.startswith(before)
    assert sorted(line.split(":")[2] for line in after.removeprefix(before).split()) == ["5001", "5002", "5003", "5004"]
