"""What the overlay of debug.up says of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import dockerfile, languages
from ddd_tasks.debugging import overlay
from ddd_tasks.debugging.overlay import Wanted
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import Debug
from ddd_tasks.project import Build, Port, Project, Service
from tests.support import REPO

STAGE = 'FROM x AS debug\nCMD ["python", "-m", "debugpy", "--listen", "0.0.0.0:5678", "a b.py"]\n'
RESET = "\ue000"
OWN = ["python", "-m", "debugpy", "--listen", "0.0.0.0:5678", "a b.py"]


def debug_of(name: str) -> Debug:
    debug = languages.get(name).debug
    assert debug is not None
    return debug


def service(*ports: Port) -> Service:
    build = Build(Path("/p"), Path("/p/Dockerfile"), "dev")
    return Service("api", None, build, (), ports, None, None, False, (), (), {})


def project(*services: Service) -> Project:
    return Project("shop", Path("/p"), (Path("/p/compose.yaml"),), {one.name: one for one in services}, {})


def said(text: str, config: dict[str, Any], *, waits: bool = False) -> dict[str, Any]:
    wait = debug_of("python").wait if waits else None
    return overlay.command(service(), config, dockerfile.parse(text), wait)


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        (STAGE, {}, {}),
        (STAGE, {"command": ["python", "main.py"]}, {"command": RESET}),
        (STAGE, {"entrypoint": ["python", "main.py"]}, {"entrypoint": RESET}),
        (STAGE, {"entrypoint": ["wait-for"], "command": ["x"]}, {"command": OWN}),
        ("FROM x AS debug\nRUN true\n", {"command": ["python", "main.py"]}, {}),
        ('FROM x AS dev\nCMD ["y"]\nFROM dev AS debug\n', {"command": ["x"]}, {}),
        ('FROM x AS debug\nENTRYPOINT ["dbg"]\n', {"command": ["main.py"]}, {}),
        ('FROM x AS debug\nENTRYPOINT ["dbg"]\n', {"entrypoint": ["z"], "command": ["main.py"]}, {"entrypoint": RESET}),
        (
            'FROM x AS debug\nENTRYPOINT ["dbg"]\nCMD ["a"]\n',
            {"entrypoint": ["z"], "command": ["b"]},
            {"entrypoint": RESET, "command": RESET},
        ),
    ],
)
def test_the_debug_stages_own_words_come_first(text: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert said(text, config) == expected
    assert overlay.replaced(config, dockerfile.parse(text)) == sorted(expected, reverse=True)


@pytest.mark.parametrize(
    ("text", "config", "key", "expected"),
    [
        (STAGE, {}, "command", [*OWN[:5], "--wait-for-client", "a b.py"]),
        (
            'FROM x AS debug\nCMD ["sh", "-c", "exec python -m debugpy --listen :1 -m $APP"]\n',
            {},
            "command",
            ["sh", "-c", "exec python -m debugpy --listen :1 --wait-for-client -m $APP"],
        ),
        (
            "FROM x AS debug\nCMD python -m debugpy --listen :1 main.py\n",
            {"command": ["other"]},
            "command",
            ["/bin/sh", "-c", "python -m debugpy --listen :1 --wait-for-client main.py"],
        ),
        (
            "FROM x AS debug\n",
            {"command": ["sh", "-c", "python -m debugpy --listen :1 $$APP"]},
            "command",
            ["sh", "-c", "python -m debugpy --listen :1 --wait-for-client $APP"],
        ),
        (
            'FROM x AS debug\nENTRYPOINT ["python", "-m", "debugpy", "--listen", ":1"]\nCMD ["a b"]\n',
            {},
            "entrypoint",
            ["python", "-m", "debugpy", "--listen", ":1", "--wait-for-client"],
        ),
        (
            'FROM x AS base\nCMD ["python", "-m", "debugpy", "--listen", ":1", "x"]\nFROM base AS debug\nRUN true\n',
            {},
            "command",
            ["python", "-m", "debugpy", "--listen", ":1", "--wait-for-client", "x"],
        ),
    ],
)
def test_the_debugger_is_told_to_wait(text: str, config: dict[str, Any], key: str, expected: list[str]) -> None:
    assert said(text, config, waits=True)[key] == expected


def test_an_entrypoint_that_waits_keeps_its_arguments() -> None:
    text = 'FROM x AS debug\nENTRYPOINT ["python", "-m", "debugpy", "--listen", ":1"]\nCMD ["a b"]\n'
    assert said(text, {}, waits=True)["command"] == ["a b"]


@pytest.mark.parametrize("name", ["python", "node", "go"])
def test_each_languages_own_debug_stage_can_wait(name: str) -> None:
    parsed = dockerfile.load(REPO / "docker" / name / "Dockerfile")
    words = overlay.command(service(), {}, parsed, debug_of(name).wait)["command"]
    assert words != list(parsed.stage("debug").command)
    assert len(words) == len(parsed.stage("debug").command)


def test_a_command_without_a_debugger_cannot_wait() -> None:
    with pytest.raises(UnsupportedError) as caught:
        said('FROM x AS debug\nCMD ["python", "main.py"]\n', {}, waits=True)
    assert "python main.py" in caught.value.cause
    assert "debugpy --listen" in caught.value.cause


def test_the_debuggers_port_is_published_on_this_machine_alone() -> None:
    shop = project(service())
    changed = overlay.in_stage(shop, shop.services["api"], Wanted("api", 20001), debug_of("python"))
    assert changed.build is not None
    assert (changed.image, changed.build.target) == ("shop-api:debug", "debug")
    text = overlay.entry(shop, changed, Wanted("api", 20001), {}, dockerfile.parse(STAGE), debug_of("python"))
    assert text["ports"] == [{"target": 5678, "published": "20001", "host_ip": "127.0.0.1", "protocol": "tcp"}]
    assert text["build"] == {"target": "debug", "labels": {"ddd-tasks.project": "/p"}}
    assert text["labels"] == {"ddd-tasks.stage": "debug", "ddd-tasks.debug-port": "5678"}


def test_a_port_that_the_compose_file_publishes_stays_as_it_is() -> None:
    own = Port(5678, "5679", "127.0.0.1", "tcp", "")
    shop = project(service(own))
    changed = overlay.in_stage(shop, shop.services["api"], Wanted("api", 5679), debug_of("python"))
    assert changed.ports == (own,)
    assert "ports" not in overlay.entry(
        shop, changed, Wanted("api", 5679), {}, dockerfile.parse(STAGE), debug_of("python")
    )


def test_of_several_containers_one_is_debugged() -> None:
    shop = project(service())
    for config in ({"scale": 3}, {"deploy": {"replicas": 2}}):
        text = overlay.entry(
            shop, shop.services["api"], Wanted("api", 0), config, dockerfile.parse(STAGE), debug_of("python")
        )
        assert (text["scale"], text["deploy"]) == (1, {"replicas": 1})


def test_the_network_of_this_machine_is_no_place_for_a_debugger() -> None:
    with pytest.raises(UnsupportedError, match="network_mode: host"):
        overlay.check_network(service(), {"network_mode": "host"})
    assert overlay.check_network(service(), {})
    assert not overlay.check_network(service(), {"network_mode": "none"})


@pytest.mark.parametrize(("name", "expected"), [("go", False), ("python", None)])
def test_where_the_program_is_built_files_can_be_written(name: str, expected: bool | None) -> None:
    parsed = dockerfile.load(REPO / "docker" / name / "Dockerfile")
    found = overlay.entry(project(service()), service(), Wanted("api", 0), {"read_only": True}, parsed, debug_of(name))
    assert found.get("read_only") is expected
