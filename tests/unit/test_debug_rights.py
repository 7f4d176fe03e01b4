"""Which rights a container beside a service gets: none that the service lacks, and tracing only where Yama wants it."""

from __future__ import annotations

from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.debugging import rights
from ddd_tasks.debugging.processes import Process
from ddd_tasks.debugging.target import Target
from ddd_tasks.project import Service

PYTHON, NODE = languages.get("python").debug, languages.get("node").debug
BIND = 1 << 10  # CAP_NET_BIND_SERVICE
TRACER = ["--tracer", rights.TRACER]


def target(uid: int, capabilities: int = 0, **host: Any) -> Target:
    info = {"Config": {"User": str(uid)}, "HostConfig": host}
    service = Service("api", "image", None, (), (), None, None, False, (), (), {})
    return Target("id", service, info, (Process(9, 1, uid, uid, "python3", 1, capabilities),), {})


@pytest.mark.parametrize(
    ("found", "drop", "add"),
    [
        (target(1000), ["ALL"], []),
        (target(1000, BIND, CapAdd=["NET_ADMIN"]), ["ALL"], []),
        (target(1000, Privileged=True), ["ALL"], []),
        (target(0), [], []),
        (target(0, CapDrop=["ALL"], CapAdd=["NET_ADMIN"]), ["ALL"], ["NET_ADMIN"]),
        (target(0, Privileged=True), [], []),
    ],
)
def test_no_right_that_the_service_lacks(found: Target, drop: list[str], add: list[str]) -> None:
    given = rights.decide(found, PYTHON, 0)
    assert given.host == {"CapDrop": drop, "CapAdd": add, "SecurityOpt": ["no-new-privileges"]}
    assert given.arguments == []
    assert given.without_tracing() == given


@pytest.mark.parametrize("scope", [1, 2])
@pytest.mark.parametrize("found", [target(1000), target(0), target(0, CapDrop=["ALL"], CapAdd=["SYS_PTRACE"])])
def test_only_what_traces_gets_more_where_yama_restricts_it(found: Target, scope: int) -> None:
    given, before = rights.decide(found, PYTHON, scope), rights.decide(found, PYTHON, 0)
    assert str(scope) in given.reason
    assert given.arguments == TRACER
    assert given.host == before.host | {"CapAdd": ["SYS_PTRACE"], "SecurityOpt": []}
    assert given.without_tracing() == before


@pytest.mark.parametrize(("debug", "scope"), [(PYTHON, 3), (NODE, 1), (NODE, 2), (None, 1)])
@pytest.mark.parametrize("uid", [0, 1000])
def test_nobody_may_trace_who_does_not_or_could_not(debug: Any, scope: int, uid: int) -> None:
    given = rights.decide(target(uid), debug, scope)
    assert given.reason == ""
    assert "SYS_PTRACE" not in given.host["CapAdd"]


def test_a_confinement_is_shared() -> None:
    options = ["apparmor=mine", "label=type:mine_t", "seccomp=unconfined", "no-new-privileges:true"]
    given = rights.decide(target(1000, SecurityOpt=options), PYTHON, 0)
    assert given.host["SecurityOpt"] == ["no-new-privileges", *options[:2]]
    assert rights.decide(target(1000, SecurityOpt=options), PYTHON, 1).host["SecurityOpt"] == options[:2]


@pytest.mark.parametrize(
    ("found", "scope", "said"),
    [
        (target(1000), 0, ""),
        (target(0, 0xA80425FB), 2, ""),
        (target(1000, Privileged=True), 0, ""),
        (target(0, Privileged=True), 0, "its container is privileged"),
        (target(1000, BIND), 0, "it has capabilities of its own"),
        (target(1000), 3, "ptrace_scope is 3: nothing may trace"),
    ],
)
def test_what_no_right_of_ours_overcomes(found: Target, scope: int, said: str) -> None:
    obstacle = rights.obstacle(found, scope)
    assert said in obstacle
    assert bool(said) is bool(obstacle)
