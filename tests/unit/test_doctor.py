"""The doctor's judgement of facts: versions, times, addresses, users and rights."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ddd_tasks import doctor
from ddd_tasks.doctor import machine, mounts, network, programs, rights
from ddd_tasks.doctor.finding import OK, PROBLEM, WARNING, Finding, of_error
from ddd_tasks.doctor.limits import Asked
from ddd_tasks.doctor.mounts import User
from ddd_tasks.doctor.network import Address
from ddd_tasks.doctor.subject import Subject
from ddd_tasks.errors import UnknownNameError
from ddd_tasks.project import Mount, Project, Service
from tests import support


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [
        ("engine", "20.10.24+dfsg1", WARNING),
        ("engine", "26.1.5+dfsg1", OK),
        ("engine", "28.2.2", OK),
        ("compose", "2.9.0", WARNING),
        ("compose", "2.40.3-desktop.1", OK),
        ("compose", "5.0.0", OK),
        ("buildx", "0.9.1", WARNING),
        ("buildx", "unknown", WARNING),
    ],
)
def test_versions_older_than_those_of_the_tests_are_old(name: str, version: str, state: str) -> None:
    found = programs.dated(name, version)
    assert found.state == state
    assert bool(found.fix) == (state != OK)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-02T03:04:05.123456789Z", 1767323045.123456789),
        ("2026-01-02T03:04:05Z", 1767323045.0),
        ("2026-01-02T05:04:05.5+02:00", 1767323045.5),
    ],
)
def test_the_engines_time(text: str, seconds: float) -> None:
    assert machine.moment(text) == pytest.approx(seconds)


def test_an_answer_that_took_long_is_no_clock_that_is_off() -> None:
    facts = {"SystemTime": "2026-01-02T03:04:05Z"}
    at = 1767323045.0
    (slow,) = machine.clock(Subject(Path(), facts=facts, asked=(at - 30, at + 1)))
    (behind,) = machine.clock(Subject(Path(), facts=facts, asked=(at + 30, at + 31)))
    (ahead,) = machine.clock(Subject(Path(), facts=facts, asked=(at - 31, at - 30)))
    assert (slow.state, behind.state, ahead.state) == (OK, PROBLEM, PROBLEM)
    assert "30 s behind" in behind.what
    assert "30 s ahead" in ahead.what


@pytest.mark.parametrize(
    ("proxy", "address"),
    [
        ("http://proxy.example.org:3128", Address("proxy.example.org", 3128)),
        ("proxy.example.org:3128", Address("proxy.example.org", 3128)),
        ("http://proxy.example.org", Address("proxy.example.org", 80)),
        ("https://proxy.example.org/", Address("proxy.example.org", 443)),
        ("socks5://[::1]", Address("::1", 1080)),
        ("http://ada:p@ss@proxy.example.org:1", Address("proxy.example.org", 1)),
        ("http://[::1", None),
        ("http://proxy.example.org:port", None),
        ("http://", None),
    ],
)
def test_where_a_proxy_is(proxy: str, address: Address | None) -> None:
    assert network.address_of(proxy) == address


PASSWD = "root:x:0:0::/root:/bin/sh\nworker:x:10:20::/:/bin/sh\nbroken\n"


@pytest.mark.parametrize(
    ("who", "numbers"),
    [
        ("", (0, 0)),
        ("worker", (10, 20)),
        ("10", (10, 20)),
        ("11", (11, 0)),
        ("worker:30", (10, 30)),
        ("11:30", (11, 30)),
        ("11:staff", (11, -1)),
    ],
)
def test_the_numbers_of_a_user(who: str, numbers: tuple[int, int]) -> None:
    found = mounts.user_of(PASSWD, who)
    assert found is not None
    assert (found.uid, found.gid) == numbers


def test_a_name_that_no_passwd_has_is_nobody_known() -> None:
    assert mounts.user_of("", "worker") is None


@pytest.mark.parametrize(
    ("mode", "user", "may"),
    [
        (0o700, (0, 0), True),  # root
        (0o700, (10, 1), True),
        (0o077, (10, 1), False),
        (0o700, (1, 1), False),
        (0o070, (1, 20), True),
        (0o707, (1, 20), False),  # the group's rights count, not the others'
        (0o007, (1, 1), True),
        (0o005, (1, 1), False),
    ],
)
def test_who_may_write_to_a_folder_of_user_10_and_group_20(mode: int, user: tuple[int, int], may: bool) -> None:
    facts = os.stat_result((mode, 0, 0, 1, 10, 20, 0, 0, 0, 0))
    assert User("x", *user).may(facts, 7) is may


@pytest.mark.parametrize(
    ("source", "target", "fix", "is_safe"),
    [
        ("data", "/data", "mkdir -p", True),
        ("../elsewhere", "/data", "mkdir -p", False),
        ("Caddyfile", "/etc/caddy/Caddyfile", "install -D", False),
        (".npmrc", "/root/.npmrc", "install -D", False),
        ("nginx", "/etc/nginx/nginx.conf", "install -D", False),
        ("run/docker.sock", "/var/run/docker.sock", "", False),
    ],
)
def test_only_what_is_surely_a_folder_of_the_project_is_made_by_fix(
    tmp_path: Path, source: str, target: str, fix: str, is_safe: bool
) -> None:
    project = Project("shop", tmp_path / "shop", (), {}, {})
    mount = Mount(Path(os.path.normpath(tmp_path / "shop" / source)), target, read_only=False)
    service = Service("api", None, None, (mount,), (), None, None, False, (), (), {})
    finding = mounts._absent(project, service, mount)
    assert finding.fix.startswith(fix)
    assert (bool(finding.fix), finding.is_safe) == (bool(fix), is_safe)


@pytest.mark.parametrize("path", ["/", "/etc", "/etc/localtime", "/home/ada/.ssh"])
def test_rights_of_what_is_not_the_projects_are_left_alone(path: str) -> None:
    project = Project("shop", Path("/home/ada/shop"), (), {}, {})
    assert not mounts._is_of(project, Path(path))
    assert mounts._is_of(project, Path("/home/ada/shop/data/deep"))


def test_a_socket_in_a_folder_that_is_not_there_has_an_answer(tmp_path: Path) -> None:
    assert rights.to_open(tmp_path / "no" / "docker.sock").startswith("sudo ")


@pytest.fixture
def hang() -> Iterator[Callable[[], bool]]:
    """Hangs until the test is over: a thread that was left would be one beside the tests that come later."""
    before, over = set(threading.enumerate()), threading.Event()
    yield over.wait
    over.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)


def test_a_check_that_fails_or_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]) -> None:
    def fails(_: Subject) -> list[Finding]:
        raise KeyError("nobody thought of it")

    def hangs(_: Subject) -> list[Finding]:
        hang()
        return []

    def refuses(_: Subject) -> list[Finding]:
        raise UnknownNameError("service", "wbe", ["web"], hint="ddd dev.ps")

    monkeypatch.setattr(doctor, "CHECKS", (fails, hangs, refuses))
    monkeypatch.setattr(doctor, "_PATIENCE", 2.0)  # the others have to end in it, on a busy machine too
    monkeypatch.setattr(doctor.subject, "look", lambda _: Subject(Path()))
    failed, hung, refused = doctor.examine(Path())
    assert (failed.check, failed.state) == ("fails", WARNING)
    assert "nobody thought of it" in failed.what
    assert (hung.check, hung.state) == ("hangs", WARNING)
    assert (refused.state, refused.fix) == (PROBLEM, "ddd dev.ps")
    assert "did you mean web?" in refused.what


def test_what_is_asked_is_answered_raised_or_given_up(hang: Callable[[], bool]) -> None:
    assert Asked(lambda: 1).answer(60) == 1
    with pytest.raises(ZeroDivisionError):
        Asked(lambda: 1 // 0).answer(60)
    with pytest.raises(TimeoutError):
        Asked(hang).answer(0.1)


def test_a_project_that_compose_does_not_read_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(doctor.subject, "READING", 0.1)
    monkeypatch.setattr(doctor.subject, "_project", lambda _: hang())
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert "has not read" in str(doctor.subject.look(tmp_path).no_project)


def test_each_row_has_the_name_of_its_check() -> None:
    names = [doctor.name_of(check) for check in doctor.CHECKS]
    assert len(names) == len(set(names))
    assert "compose file" in names


def test_passwords_are_masked_and_what_is_empty_is_null() -> None:
    found = Finding("registry", PROBLEM, "http://ada:hunter2@proxy:1 does not answer").redacted()
    assert "hunter2" not in found.what
    assert found.as_dict()["fix"] is None
    assert of_error("x", UnknownNameError("stage", "tset", ["test"])).why == ""


def test_the_page_has_a_row_for_each_check() -> None:
    text = (support.REPO / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w ]+) \|", text, re.MULTILINE)
    assert rows == ["check", *(doctor.name_of(check) for check in doctor.CHECKS)]
