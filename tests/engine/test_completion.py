"""Completion in the shells themselves: tasks, flags, services and stages, where there is no Docker at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pexpect
import pytest

from tests import support
from tests.support import REPO

COMPOSE = json.dumps({"services": {"app": {"build": "."}, "audit": {"image": "none"}, "web": {"image": "none"}}})
DOCKERFILE = "FROM scratch AS dev\nFROM dev AS debug\nFROM dev AS prod\n"
# What the user types before the key, and what then stands there, or is offered.
CASES = (
    ("monitor.que", ["monitor.query"]),
    ("dev.exec --serv", ["--service"]),
    ("dev.exec --service a", ["app", "audit"]),
    ("dev.exec --service ", ["app", "audit", "web"]),
    ("dev.exec --service app --us", ["--user"]),
    ("dev.up --ports de", ["declared"]),
    ("stage.build --stage p", ["prod"]),
    ("stage.diff ", ["debug", "dev", "prod"]),
    ("stage.diff dev pr", ["prod"]),
    ("completion z", ["zsh"]),
    ("dev.exec --service app -u x --", ["--index"]),  # those that were given are left out
)
_ASKED = "/tmp/docker-was-asked"
# There is no docker in the container but this one, which would leave a file; that it does is tried out.
_WITH_FAKE_DOCKER = f"""\
printf '#!/bin/sh\\ntouch {_ASKED}\\n' > /usr/local/bin/docker && chmod +x /usr/local/bin/docker
docker && rm {_ASKED}
"""


@pytest.fixture(scope="module")
def shells(bases: None) -> Iterator[str]:
    """The name of a container with the shells and the package."""
    stack = support.make_stack(
        {
            "Dockerfile": (REPO / "tests/engine/shells/Dockerfile").read_text(),
            "compose.yaml": json.dumps({"services": {"shells": {"build": ".", "init": True}}}),
            "project/compose.yaml": COMPOSE,
            "project/Dockerfile": DOCKERFILE,
            "project/tasks.py": "from ddd_tasks import ns\n",
        }
    )
    try:
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(stack.directory))
        support.run(*build, cwd=REPO).ok()
        stack.ddd("dev.up", timeout=600).ok()
        container = f"{stack.name}-shells-1"
        support.run("docker", "exec", container, "sh", "-c", _WITH_FAKE_DOCKER).ok()
        yield container
    finally:
        stack.down()


@pytest.fixture(autouse=True)
def _docker_is_never_asked(shells: str) -> Iterator[None]:
    yield
    assert support.run("docker", "exec", shells, "test", "-e", _ASKED).status == 1, "docker was started"


def offered(container: str, *argv: str) -> list[str]:
    return support.run("docker", "exec", container, *argv).ok().out.split()


@pytest.mark.parametrize("program", ["ddd", "inv"])
def test_bash(shells: str, program: str) -> None:
    """As bash calls the function: with the words up to the cursor, and with what the last of them begins with."""
    script = """\
eval "$(ddd completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_ddd_complete "$1" "${COMP_WORDS[-1]}" && echo "${COMPREPLY[@]}"
"""
    for typed, expected in CASES:
        words = [program, *typed.split(" ")]
        assert sorted(offered(shells, "bash", "-c", script, "bash", *words)) == expected, typed


def test_bash_with_an_equals_sign(shells: str) -> None:
    """It takes the flag, the sign and the value for three words."""
    script = (
        'eval "$(ddd completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=4; _ddd_complete ddd a; echo "${COMPREPLY[@]}"'
    )
    words = ["ddd", "dev.exec", "--service", "=", "a"]
    assert sorted(offered(shells, "bash", "-c", script, "bash", *words)) == ["app", "audit"]


@pytest.mark.parametrize("program", ["ddd", "inv"])
def test_fish(shells: str, program: str) -> None:
    for typed, expected in (*CASES, ("dev.exec --service=w", ["--service=web"])):
        script = f"ddd completion fish | source; complete --do-complete '{program} {typed}'"
        assert sorted(offered(shells, "fish", "-c", script)) == expected, typed


@pytest.mark.parametrize("program", ["ddd", "inv"])
def test_zsh(shells: str, program: str) -> None:
    """On a terminal, with the key itself: what can be one thing only is written, the others are listed."""
    argv = ["exec", "-it", "-e", "TERM=dumb", shells, "zsh", "-f"]
    terminal = pexpect.spawn("docker", argv, encoding="utf-8", timeout=60, dimensions=(40, 200))
    try:
        terminal.sendline("PROMPT='rea''dy> '; unsetopt zle_bracketed_paste; eval \"$(ddd completion zsh)\"")
        terminal.expect_exact("ready> ")
        for typed, expected in (*CASES, ("dev.exec --service=w", ["--service=web"])):
            terminal.send(f"{program} {typed}\t")
            # The whole line: what was typed may have the missing letters in it already.
            shown = expected if len(expected) > 1 else [f"{typed.rpartition(' ')[0]} {expected[0]}".strip()]
            for word in shown:
                terminal.expect_exact(word)
            terminal.send("\x15")  # away with the line
    finally:
        terminal.close(force=True)


def test_an_unknown_shell_is_refused(shells: str) -> None:
    ran = support.run("docker", "exec", shells, "ddd", "completion", "fihs")
    assert ran.status == 78
    assert "did you mean: fish" in ran.err


def test_names_that_a_shell_would_obey_are_not_offered(shells: str) -> None:
    """A Compose file is anybody's: a $(command) in a name must not be run by the key."""
    script = """\
mkdir -p /tmp/evil && cd /tmp/evil
printf 'services:\\n  "$(touch /tmp/obeyed)": {image: a}\\n  "a b": {image: a}\\n  api: {image: a}\\n' > compose.yaml
eval "$(ddd completion bash)"
COMP_WORDS=(ddd dev.exec --service ""); COMP_CWORD=3
_ddd_complete ddd ""; echo "${COMPREPLY[@]}"; ls /tmp
"""
    found = offered(shells, "bash", "-c", script)
    assert found[0] == "api"
    assert "obeyed" not in found


@pytest.mark.parametrize(
    "typed", ["ddd dev.exec -- ", "ddd dev.exec -- p", "ddd profile.cpu --seconds ", "ddd dev.logs --tail 1"]
)
def test_what_is_not_ours_is_left_to_files(shells: str, typed: str) -> None:
    assert offered(shells, "ddd", "--complete", "--", *typed.split(" ")) == []


def test_the_short_words_of_ddd(shells: str) -> None:
    assert "exec" in offered(shells, "ddd", "--complete", "--", "ddd", "e")
    assert offered(shells, "ddd", "--complete", "--", "ddd", "exec", "--service", "a") == ["app", "audit", "web"]
    assert "exec" not in offered(shells, "inv", "--complete", "--", "inv", "e")


def test_a_project_of_invoke_alone(shells: str) -> None:
    script = """\
mkdir -p /tmp/plain && cd /tmp/plain
printf 'from invoke import task\\n\\n@task\\ndef greet(c, name):\\n    pass\\n' > tasks.py
inv --complete -- inv gr; inv --complete -- inv greet --
"""
    assert offered(shells, "sh", "-c", script) == ["greet", "--name"]
