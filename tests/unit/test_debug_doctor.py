"""What the doctor concludes from texts: addresses, commands and which files it compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from ddd_tasks import languages
from ddd_tasks.debugging import doctor
from ddd_tasks.debugging.doctor import code, ports, stage
from ddd_tasks.debugging.doctor.subject import Finding, Inside, Subject
from ddd_tasks.project import Mount, Project, Service

SERVICE = Service("api", "image", None, (), (), None, None, False, (), (), {})
WHOLE, OWN = "00000000", "0100007F"


def listening(address: str, *, labels: dict[str, str] | None = None, mode: str = "a", host: str = "") -> Finding:
    """What is said of debugpy in a container that listens there, published on a host address."""
    published = {"5678/tcp": [{"HostIp": host, "HostPort": "5678"}] if host else None}
    process = {"pid": 1, "argv": ["python", "-m", "debugpy"], "exe": "/python"}
    listener = {"port": 5678, "loopback": address == OWN, "address": address, "pids": [1]}
    container: dict[str, Any] = {"Id": "id", "Config": {"Labels": labels or {}}, "HostConfig": {"NetworkMode": mode}}
    container["NetworkSettings"] = {"Ports": published}
    inside = Inside({"pid": 1, "processes": [process], "listeners": [listener]})
    unasked = cast("Any", None)
    subject = Subject(unasked, unasked, SERVICE, languages.get("python"), container, inside=inside)
    (found,) = ports.listening(subject)
    return found


@pytest.mark.parametrize(
    ("hexadecimal", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),
        ("0200FF0A", "10.255.0.2"),
        ("00000000000000000000000000000000", "[::]"),
        ("00000000000000000000000001000000", "[::1]"),
    ],
)
def test_an_address_of_proc_net_tcp(hexadecimal: str, address: str) -> None:
    assert ports.address(hexadecimal) == address


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("0.0.0.0", False), ("", False), ("10.0.0.1", False)],
)
def test_an_address_that_only_this_machine_has(host: str, is_loopback: bool) -> None:
    assert ports.is_loopback(host) is is_loopback


@pytest.mark.parametrize(
    ("found", "state", "fix"),
    [
        (listening(OWN), "ok", ""),
        (listening(WHOLE, mode="none"), "ok", ""),
        (listening(WHOLE), "warning", "listen on 127.0.0.1:5678; debug.attach reaches that"),
        (listening(WHOLE, host="127.0.0.1"), "warning", "listen on 127.0.0.1:5678; debug.attach reaches that"),
        (
            listening(WHOLE, host="127.0.0.1", labels={"ddd-tasks.stage": "debug"}),
            "warning",
            "ddd debug.down --service api",
        ),
        (listening(WHOLE, mode="host"), "problem", "listen on 127.0.0.1:5678"),
    ],
)
def test_who_reaches_a_debugger_that_listens(found: Finding, state: str, fix: str) -> None:
    assert (found.state, found.fix) == (state, fix)
    assert ("every container" in found.what) is (state == "warning")


def test_a_service_whose_code_is_only_mounted_is_a_candidate(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    mounted = SERVICE._replace(name="mounted", mounts=(Mount(tmp_path, "/app", False),))
    project = Project("stack", tmp_path, (), {"api": SERVICE, "mounted": mounted}, {})
    assert doctor.candidates(project) == [mounted]


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("python -m gunicorn app:app", "for 30 s"),
        ("gunicorn --timeout 5 app:app", "for 5 s"),
        ("gunicorn --timeout=120 app:app", "for 120 s"),
        ("gunicorn -t 7 app:app", "for 7 s"),
        ("gunicorn --timeout 0 app:app", ""),
        ("gunicorn -t 0 app:app", ""),
        ("gunicorn --graceful-timeout 9 app:app", "for 30 s"),
        ("uvicorn app:app --workers 2", "5 s"),
        ("uvicorn app:app --workers 1", ""),
        ("uvicorn app:app --workers 2 --timeout-worker-healthcheck 3600", ""),
        ("uvicorn app:app --reload", ""),
    ],
)
def test_what_kills_a_worker_at_a_breakpoint(command: str, what: str) -> None:
    found = stage.impatient(command)
    said = found[0] if found else ""
    assert what in said
    assert bool(said) is bool(what)


def test_the_files_that_are_compared(tmp_path: Path) -> None:
    names = [
        *("main.py", "app/web.py", "tests/test_web.py", "app/test_web.py", "app/notes.txt"),
        *(".venv/lib.py", "node_modules/x.py", "lib/other.py"),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = code.samples(tmp_path, ("*.py",), [tmp_path / "lib"])
    assert [str(one.relative_to(tmp_path)) for one in found] == [
        "main.py",
        "app/web.py",
        "app/test_web.py",
        "tests/test_web.py",
    ]
    assert code.samples(tmp_path / "main.py", ("*.py",), []) == [tmp_path / "main.py"]
