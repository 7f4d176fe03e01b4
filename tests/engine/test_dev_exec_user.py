"""Who a command is inside: a real user of this machine who is not root, with files that stay theirs."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import COMPOSE, DOCKERFILE, Ran, Stack, make_stack, run, unique, venv_for_everybody

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a user")

COMPOSE_WITH_LOCKED = (
    COMPOSE
    + """\
  locked:
    build: {context: ., target: dev}
    init: true
    read_only: true
    volumes: [".:/app"]
"""
)


class User:
    """A user of this machine with a checkout of their own venv: root's home is closed to them."""

    def __init__(self, name: str, program: Path) -> None:
        self.entry = pwd.getpwnam(name)
        self.program = program

    def ddd(self, stack: Stack, *words: str) -> Ran:
        """`ddd WORDS` in the stack, as this user, with no environment of ours."""
        env = {"HOME": self.entry.pw_dir, "USER": self.entry.pw_name, "PATH": os.environ["PATH"]}
        socket_group = Path("/var/run/docker.sock").stat().st_gid
        who = [f"--reuid={self.entry.pw_uid}", f"--regid={self.entry.pw_gid}", f"--groups={socket_group}"]
        variables = [f"{key}={value}" for key, value in env.items()]
        return run("setpriv", *who, "env", "-i", *variables, str(self.program), *words, cwd=stack.directory)


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """Made for these tests, and removed after them."""
    name = "ddd-test-user"
    subprocess.run(["userdel", "--force", name], capture_output=True, check=False)
    home = Path(tempfile.gettempdir()) / unique("home")
    subprocess.run(["useradd", "--uid", "4321", "--create-home", "--home-dir", str(home), name], check=True)
    try:
        with venv_for_everybody() as programs:
            yield User(name, programs / "ddd")
    finally:
        subprocess.run(["userdel", "--force", "--remove", name], capture_output=True, check=True)


@pytest.fixture(scope="module")
def api(bases: None, user: User) -> Iterator[Stack]:
    """A running project that belongs to the user."""
    stack = make_stack({"compose.yaml": COMPOSE_WITH_LOCKED, "Dockerfile": DOCKERFILE})
    try:
        for path in [stack.directory, *stack.directory.rglob("*")]:
            os.chown(path, user.entry.pw_uid, user.entry.pw_gid)
        user.ddd(stack, "dev.up").ok()
        yield stack
    finally:
        stack.down()


def test_files_written_inside_belong_to_the_caller(api: Stack, user: User) -> None:
    user.ddd(api, "dev.exec", "--service", "api", "--", "sh", "-c", "mkdir made && echo hi >made/file").ok()
    status = (api.directory / "made" / "file").stat()
    assert (status.st_uid, status.st_gid) == (user.entry.pw_uid, user.entry.pw_gid)
    assert stat.S_ISREG(status.st_mode)


def test_name_and_home_exist(api: Stack, user: User) -> None:
    script = (
        "import getpass, os, pathlib; print(getpass.getuser(), os.environ['HOME']); (pathlib.Path.home() / 'x').touch()"
    )
    ran = user.ddd(api, "dev.exec", "--service", "api", "--", "python3", "-c", script).ok()
    assert ran.out == "ddd-test-user /home/ddd-test-user\n"
    assert user.ddd(api, "dev.exec", "--service", "api", "--", "whoami").ok().out == "ddd-test-user\n"


def test_on_a_read_only_root_file_system_the_command_still_runs(api: Stack, user: User) -> None:
    ran = user.ddd(api, "dev.exec", "--service", "locked", "--", "sh", "-c", "id -u; echo $HOME; echo $USER").ok()
    assert ran.out == "4321\n/tmp\nddd-test-user\n"


def test_a_container_of_its_own_is_the_caller_as_well(api: Stack, user: User) -> None:
    ran = user.ddd(api, "dev.run", "--service", "api", "--", "sh", "-c", "id -u; whoami; touch mine").ok()
    assert ran.out == "4321\nddd-test-user\n"
    assert (api.directory / "mine").stat().st_uid == 4321


def test_another_user_on_request(api: Stack, user: User) -> None:
    ran = user.ddd(api, "dev.exec", "--service", "api", "--user", "0:0", "--", "id", "-u").ok()
    assert ran.out == "0\n"


def test_what_we_write_on_the_host_is_the_users_own(api: Stack, user: User) -> None:
    owners = {path.stat().st_uid for path in (api.directory / ".ddd").rglob("*")}
    assert owners == {user.entry.pw_uid}


def test_no_permission_on_the_socket_says_how_to_get_it(api: Stack, user: User) -> None:
    who = [f"--reuid={user.entry.pw_uid}", f"--regid={user.entry.pw_gid}", "--clear-groups"]
    path = f"PATH={os.environ['PATH']}"
    ran = run("setpriv", *who, "env", "-i", path, str(user.program), "dev.ps", cwd=api.directory)
    assert ran.status == 69
    assert "may not open the engine's socket" in ran.err
    assert "usermod -aG docker" in ran.err
    assert "Traceback" not in ran.err


def test_the_sockets_group_exists() -> None:
    """What the hint of the refusal above promises."""
    assert grp.getgrgid(Path("/var/run/docker.sock").stat().st_gid).gr_name == "docker"
