"""What the host makes of a target and of a sidecar's first line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from ddd_tasks import languages, ownimages
from ddd_tasks.debugging import ports, processes, sidecar, toolbox
from ddd_tasks.debugging.processes import Process
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, UnsupportedError
from ddd_tasks.project import Project, Service
from sidecar import proc
from sidecar.arms import python

PYTHON = languages.get("python")


def target(*processes: Process, user: str = "", ports: Any = None, env: tuple[str, ...] = ()) -> Target:
    info = {"Config": {"User": user, "Env": list(env)}, "NetworkSettings": {"Ports": ports or {}}}
    service = Service("api", "image", None, (), (), None, None, False, (), (), {})
    return Target("id", service, info, processes, {})


@pytest.mark.parametrize(
    ("stdout", "stderr", "expected"),
    [
        (b'{"pid": 7, "armed": true}\nmore', b"", {"pid": 7, "armed": True}),
        (b'{"error": "permission", "cause": "no"}\n', b"noise", {"error": "permission", "cause": "no"}),
        (b"", b"Traceback\nOSError: no\n", {"error": "ended", "cause": "Traceback\nOSError: no"}),
        (b"7\n", b"", {"error": "ended", "cause": "7"}),
        (b"", b"", {"error": "ended", "cause": "it ended without a word"}),
    ],
)
def test_the_first_line(stdout: bytes, stderr: bytes, expected: dict[str, Any]) -> None:
    assert sidecar.parse_first(stdout, stderr) == expected


def test_another_python_than_the_toolbox_has_is_told_by_its_version() -> None:
    def refused(**said: str) -> DddError:
        return sidecar.refusal(cast(Engine, None), target(), {"error": "unsupported", "cause": "no", **said})

    error = refused(python="3.12", toolbox="3.13")
    assert isinstance(error, sidecar.OtherPythonError)
    assert error.python == "3.12"
    assert not isinstance(refused(), sidecar.OtherPythonError)


def test_processes_that_have_dropped_privileges_are_named() -> None:
    process = Process(11, 10, 33, 33, "python3", 7)
    assert sidecar._dropped(target(process)) == ""
    closed = [process._replace(is_closed=True, inner=inner) for inner in (7, 8)]
    assert sidecar._dropped(target(process, closed[0])).startswith("process 7 dropped privileges")
    assert sidecar._dropped(target(*closed)).startswith("processes 7, 8 dropped privileges")


def test_host_and_sidecar_take_the_same_programs_for_launchers() -> None:
    assert processes.LAUNCHERS.pattern == proc._LAUNCHERS.pattern


def test_host_and_sidecar_take_the_same_children_of_python_for_helpers() -> None:
    assert set(python._HELPERS) == {one for one in processes.HELPERS if "debugpy" not in one}
    words = "/usr/bin/python3 -c from {} import main;main(4)"
    assert all(processes.is_helper(words.format(helper)) for helper in python._HELPERS)
    assert not processes.is_helper("python3 -m multiprocessing.spawn")


def test_the_user_is_that_of_the_process_which_runs_the_language() -> None:
    found = target(Process(10, 1, 0, 0, "sh"), Process(11, 10, 0, 0, "python3"), Process(12, 11, 33, 44, "python3"))
    assert found.user(PYTHON.debug) == (33, 44)
    assert target(Process(10, 1, 0, 0, "sh"), Process(11, 10, 5, 6, "server")).user(None) == (5, 6)


@pytest.mark.parametrize(("declared", "expected"), [("", (0, 0)), ("7:8", (7, 8)), ("7", (7, 0))])
def test_the_declared_user_where_no_process_is_seen(declared: str, expected: tuple[int, int]) -> None:
    assert target(user=declared).user(PYTHON.debug) == expected


def test_the_user_is_that_of_a_program_with_another_name_for_itself() -> None:
    found = target(Process(10, 1, 0, 0, "sh"), Process(11, 10, 1000, 1001, "gunicorn: master [app]"), user="app")
    assert found.user(PYTHON.debug) == (1000, 1001)


def test_a_process_is_named_to_the_sidecar_only_where_others_of_the_language_are_another_user_s() -> None:
    root = Process(10, 1, 0, 0, "python3", 1)
    assert target(root, Process(11, 10, 33, 33, "python3", 7)).among_others(PYTHON.debug) == 7
    assert target(root, Process(11, 10, 0, 0, "python3", 7)).among_others(PYTHON.debug) == 0
    assert target().among_others(PYTHON.debug) == 0


@pytest.mark.parametrize(
    ("outer", "table", "inner"),
    [
        (1000, "         0          0 4294967295\n", 1000),
        (1000, "         0       1000          1\n         1     100000      65536\n", 0),
        (100032, "         0       1000          1\n         1     100000      65536\n", 33),
        (5, "         1     100000      65536\n", 5),
        (5, "", 5),
    ],
)
def test_a_user_s_number_in_the_container_s_own_user_namespace(outer: int, table: str, inner: int) -> None:
    assert processes.renumbered(outer, table) == inner


def test_a_declared_name_is_no_number() -> None:
    with pytest.raises(UnsupportedError, match="www-data"):
        target(user="www-data").user(PYTHON.debug)


@pytest.mark.parametrize(("address", "expected"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1")])
def test_where_a_published_port_is_reached(address: str, expected: str) -> None:
    ports = {"5678/tcp": [{"HostIp": address, "HostPort": "15678"}], "9229/tcp": None}
    assert target(ports=ports).published(5678) == (expected, 15678)
    assert target(ports=ports).published(9229) is None


@pytest.mark.parametrize(
    ("env", "name", "expected"),
    [
        (("PYTHON_VERSION=3.12.9",), "python3", "3.12"),
        (("PYTHON_VERSION=3.13.1",), "python3.12", "3.12"),
        ((), "python3.14", "3.14"),
        ((), "python3", toolbox.PYTHON),
    ],
)
def test_the_python_of_the_toolbox_is_that_of_the_service(env: tuple[str, ...], name: str, expected: str) -> None:
    found = target(Process(1, 0, 0, 0, name), env=env)
    assert toolbox.python_of(found, PYTHON) == expected
    assert toolbox.python_of(found, languages.get("node")) == toolbox.PYTHON


def test_the_name_of_the_image_changes_with_its_files_but_not_with_python_s_own(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    before = ownimages.digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("x")
    assert ownimages.digest(tmp_path) == before
    (tmp_path / "more").write_text("x")
    assert ownimages.digest(tmp_path) != before


@pytest.mark.parametrize("service", ["api", "web"])
def test_a_sidecar_that_is_to_stay_is_noted_beside_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    project = Project("shop", tmp_path, (tmp_path / "compose.yaml",), {}, {})
    assert ports.kept(project, service) == ""
    ports.remember(project, service, 20001)
    ports.keep(project, service, "first")
    ports.keep(project, "other", "third")
    ports.keep(project, service, "second")
    assert (ports.kept(project, service), ports.recall(project)) == ("second", {service: 20001})
