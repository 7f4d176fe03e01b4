"""The doctor on a machine with problems: it names each, and its fixes work as they are pasted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests import doctoring, support
from tests.doctoring import NOXFILE, TASKS, compose, findings, look
from tests.support import Stack

# A problem or a warning each; what the text says of it is checked below.
PLANTED = ("certificates", "proxy", "builds", "sessions", "ports", "mounts", "leftovers", "nox", "inv")


@pytest.fixture
def stack(bases: None) -> Iterator[Stack]:
    made = doctoring.make({})
    yield made
    made.down()


@pytest.fixture
def env(stack: Stack) -> dict[str, str]:
    """Nine problems: these are the environment's and the folder's."""
    files = {
        "noxfile.py": NOXFILE.replace('"test"', '"tset"'),
        "tasks.py": TASKS,
        "compose.yaml": compose(build={"context": ".", "target": "tset"}, volumes=["./data:/data"]),
    }
    stack.write(files)
    for program in ("nox", "inv"):
        doctoring.program(stack.directory / "bin" / program, "#!/bin/sh\necho no module named ddd_tasks\nexit 1\n")
    return {
        "PATH": f"{stack.directory}/bin:{support.environment()['PATH']}",
        "EDITOR": "sed -i s/tset/test/",
        "SSL_CERT_FILE": str(stack.directory / "ca.pem"),
        "https_proxy": f"http://ada:hunter2@127.0.0.1:{support.free_port()}",
    }


@pytest.fixture
def plagued(stack: Stack, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """And these are of the machine: somebody on the port, and a container of a folder that is gone."""
    holder, port = doctoring.listener(stack)
    config = json.loads((stack.directory / "compose.yaml").read_text())
    config["services"]["app"]["ports"] = [f"127.0.0.1:{port}:8000"]
    stack.write({"compose.yaml": json.dumps(config)})
    base = support.base("python:3.13-slim-trixie")
    label = "ddd-tasks.project=/nowhere/at/all"
    stack.run("docker", "create", "--name", f"{stack.name}-left", "--label", label, base, "true").ok()
    yield {**env, "HOLDER": str(holder.pid)}
    doctoring.stop(holder)


def test_each_problem_is_named_and_the_printed_fixes_work_when_pasted(stack: Stack, plagued: dict[str, str]) -> None:
    ran = stack.ddd("doctor", env=plagued)
    assert ran.status == 1
    said = {block.partition(":")[0]: block for block in ran.err.split("\n\n")}
    said = {check.strip(): block for check, block in said.items()}
    assert set(PLANTED) <= said.keys(), ran.err
    for check in PLANTED:
        assert re.search(r"\n  why: \S", said[check]), said[check]
    assert "ca.pem: there is no such file" in said["certificates"]
    assert "nothing answers" in said["proxy"]
    assert "did you mean test?" in said["builds"]
    assert "did you mean test?" in said["sessions"]
    assert f"process {plagued['HOLDER']} " in said["ports"]
    assert f"{stack.directory}/data" in said["mounts"]
    assert f"{stack.name}-left" in said["leftovers"]
    assert "no module named ddd_tasks" in said["nox"]
    assert "hunter2" not in ran.out + ran.err

    fixes = re.findall(r"^  try: (.*)$", ran.err, re.MULTILINE)
    again = findings(stack.run("sh", "-c", "\n".join([*fixes, "ddd doctor --json"]), env=plagued))
    wrong = {one["check"]: one["what"] for rows in again.values() for one in rows if one["state"] != "ok"}
    # Other runs on the same engine may leave something in the meantime.
    assert f"{stack.name}-left" not in wrong.pop("leftovers", "")
    assert not wrong


def test_fix_runs_what_takes_nothing_from_anybody_and_says_so(stack: Stack, plagued: dict[str, str]) -> None:
    ran = stack.ddd("doctor", "--fix", "--json", env=plagued)
    assert f"fix: mkdir -p {stack.directory}/data" in ran.err
    assert f"fix: docker rm {stack.name}-left" in ran.err
    assert ran.err.count("fix: ") == 2, ran.err
    found = findings(ran)
    assert found["mounts"][0]["state"] == "ok"
    assert found["mounts"][0]["applied"] == [f"mkdir -p {stack.directory}/data"]
    assert not any(f"{stack.name}-left" in one["what"] for one in found["leftovers"])
    for check in ("certificates", "proxy", "builds", "sessions", "ports", "nox", "inv"):
        assert found[check][0]["state"] != "ok", check
        assert found[check][0]["applied"] == []
    assert "tset" in (stack.directory / "noxfile.py").read_text()


def test_a_dry_run_fixes_nothing(stack: Stack, plagued: dict[str, str]) -> None:
    ran = stack.ddd("--dry", "doctor", "--fix", "--json", env=plagued)
    assert "mkdir -p" in ran.err
    assert not (stack.directory / "data").exists()
    assert findings(ran)["mounts"][0]["state"] == "problem"


def test_no_password_is_shown(stack: Stack, env: dict[str, str]) -> None:
    for words in ((), ("--json",)):
        ran = stack.ddd("doctor", *words, env=env)
        assert "https_proxy" in ran.out
        assert "hunter2" not in ran.out + ran.err
    live, port = doctoring.listener(stack)
    try:
        for host in ("localhost", "127.0.0.1"):
            ran = stack.ddd("doctor", "--json", env={**env, "https_proxy": f"http://ada:hunter2@{host}:{port}"})
            assert "hunter2" not in ran.out + ran.err
    finally:
        doctoring.stop(live)


def test_a_table_for_people_is_followed_by_why_and_what_to_try(stack: Stack) -> None:
    stack.write({"compose.yaml": compose(volumes=["./data:/data"])})
    ran = stack.ddd("doctor")
    assert ran.status == 1
    assert ran.out.startswith("CHECK")
    assert "why: dev.up is refused: the engine would make it, as root" in ran.err
    assert f"try: mkdir -p {stack.directory}/data" in ran.err


def test_a_project_and_a_folder_without_one_that_are_well(stack: Stack) -> None:
    stack.write({"noxfile.py": NOXFILE, "tasks.py": TASKS, "sub/folder/file": ""})
    for cwd in ("", "sub/folder"):
        found = look(stack, cwd=cwd)
        checks = ["compose file", "builds", "sessions", "registry", "worktree", "nox", "inv"]
        assert [found[check][0]["state"] for check in checks] == ["ok"] * len(checks), found
    for name in ("compose.yaml", "noxfile.py", "tasks.py"):
        (stack.directory / name).unlink()
    found = look(stack)
    assert found["compose file"][0]["what"].startswith("none in ")
    assert not found.keys() & {"builds", "sessions", "ports", "mounts", "worktree", "editor", "nox", "inv"}
    assert {row["state"] for rows in found.values() for row in rows if row["check"] != "leftovers"} == {"ok"}, found
