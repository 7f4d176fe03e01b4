"""Which secrets a Dockerfile asks for, and that a build is offered no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import dockerfile_mounts
from ddd_tasks.build import BuildInputs, Declared, Secret
from ddd_tasks.dockerfile_mounts import Mounts

SECRETS = (Secret("netrc", file=Path("/n")), Secret("npmrc", variable="DDD_SECRET_NPMRC"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM a\nRUN true\n", Mounts()),
        ("RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci\n", Mounts(frozenset({"npmrc"}))),
        ("RUN --mount=type=secret,target=/run/secrets/token x\n", Mounts(frozenset({"token"}))),
        ("RUN --mount=target=/x,id=a,type=secret \\\n    --mount=type=secret,id=b,env=B y\n", Mounts(frozenset("ab"))),
        ("RUN --mount=type=ssh git clone x\n", Mounts(ssh=frozenset({"default"}))),
        ("RUN --mount=type=ssh,id=corp git clone x\n", Mounts(ssh=frozenset({"corp"}))),
        ("RUN --mount=type=cache,id=npmrc,target=/c x\n", Mounts()),
        ("RUN --mount=type=secret,id=$NAME x\n", Mounts(is_open=True)),
        ("# syntax=docker/dockerfile:1\nFROM a\n", Mounts(is_open=True)),
    ],
)
def test_mounts(text: str, found: Mounts) -> None:
    assert dockerfile_mounts.parse(text) == found


def test_a_file_that_is_not_here_may_mount_anything() -> None:
    assert dockerfile_mounts.load(Path("/nowhere/Dockerfile")).has_secret("netrc")


def test_compose_gets_what_each_dockerfile_mounts() -> None:
    one, other = Mounts(frozenset({"netrc"}), frozenset({"default"})), Mounts()
    builds = {"one": Declared(mounts=one), "other": Declared(mounts=other), "own": Declared(mounts=one, has_ssh=True)}
    inputs = BuildInputs(secrets=SECRETS, builds=builds, ssh=True)
    assert inputs.overlay() == {
        "services": {
            "one": {"build": {"secrets": ["netrc"], "ssh": ["default"]}},
            "own": {"build": {"secrets": ["netrc"]}},
        },
        "secrets": {"netrc": {"file": "/n"}},
    }


def test_buildx_gets_what_the_dockerfile_mounts(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nRUN --mount=type=ssh --mount=type=secret,id=npmrc x\n")
    values = {"DDD_SECRET_NPMRC": "x", "DDD_SECRET_PIP_CONF": "y"}
    inputs = BuildInputs(secrets=SECRETS, values=values, ssh=True).mounted_by(tmp_path / "Dockerfile")
    assert inputs.buildx_args() == ["--secret", "id=npmrc,env=DDD_SECRET_NPMRC", "--ssh", "default"]
    assert inputs.environment() == {"DDD_SECRET_NPMRC": "x"}
    assert inputs.environment(()) == {}


def test_no_agent_no_ssh() -> None:
    builds = {"one": Declared(mounts=Mounts(ssh=frozenset({"default"})))}
    assert BuildInputs(builds=builds).overlay() == {}
