"""Secrets of services: the owner and mode asked for, in every kind of container, and new values when they change."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.secret import volumes
from tests.support import Stack, base, ddd_argv, leftovers, make_stack

pytestmark = pytest.mark.usefixtures("bases")

Make = Callable[[Mapping[str, str]], Stack]

COMPOSE = """\
services:
  web:
    build: .
    init: true
    read_only: true
    secrets:
      - from-file
      - from-variable
      - {source: from-command, target: nested/long, uid: "10002", gid: www-data, mode: 0440}
      - {source: from-file, target: /opt/elsewhere}
  named:
    image: python:3.13-slim-trixie
    command: [sleep, infinity]
    init: true
    user: www-data
    secrets: [from-file]
secrets:
  from-file: {file: ./token}
  from-variable: {environment: TOKEN}
  from-command: {environment: UNSET_HERE, x-ddd: {command: [cat, its words]}}
"""
FILES = {
    "compose.yaml": COMPOSE,
    "Dockerfile": 'FROM python:3.13-slim-trixie\nUSER 10001:10001\nCMD ["sleep", "infinity"]\n',
    "token": "file-1",
    "its words": "command-1\n",
    ".env": "TOKEN='va\"r $1'\n",
}


@pytest.fixture(scope="module")
def running(engine: Engine, bases: None) -> Iterator[Stack]:
    """A started project with secrets of every kind; the file is closed to everybody but its owner."""
    stack = make_stack(FILES)
    (stack.directory / "token").chmod(0o600)
    try:
        stack.ddd("dev.up").ok()
        yield stack
    finally:
        stack.down()


EDITOR = """\
#!/bin/sh
stat -c "%a %n" "$1" "${1%/*}" >&2
cp "$1" "$1~"
printf new > "$1"
"""


def inside(stack: Stack, user: str, *argv: str, service: str = "web") -> str:
    """What a command says in the service's container, as a user; "" when it is refused."""
    return stack.run("docker", "exec", "--user", user, f"{stack.name}-{service}-1", *argv).out


def place(stack: Stack, path: str, service: str = "web") -> str:
    """Owner, group and mode of a file in the service's container."""
    return inside(stack, "0", "stat", "--format", "%u:%g %a", path, service=service).strip()


def test_the_process_of_a_service_can_read_and_nobody_else(running: Stack) -> None:
    assert place(running, "/run/secrets/from-file") == "10001:10001 400"
    assert inside(running, "10001", "cat", "/run/secrets/from-file") == "file-1"
    assert inside(running, "10001", "cat", "/run/secrets/from-variable") == 'va"r $1'
    assert inside(running, "10001", "cat", "/opt/elsewhere") == "file-1"
    for path in ("/run/secrets/from-file", "/run/secrets/from-variable", "/opt/elsewhere"):
        assert inside(running, "10002", "cat", path) == ""


def test_the_long_form_says_who_and_how(running: Stack) -> None:
    assert place(running, "/run/secrets/nested/long") == "10002:33 440"
    assert inside(running, "10002", "cat", "/run/secrets/nested/long") == "command-1"


def test_a_user_is_looked_up_in_the_image(running: Stack) -> None:
    assert place(running, "/run/secrets/from-file", service="named") == "33:33 400"
    assert inside(running, "www-data", "cat", "/run/secrets/from-file", service="named") == "file-1"


def test_a_secret_cannot_be_changed_inside(running: Stack) -> None:
    script = "echo x > /run/secrets/from-file || rm /run/secrets/from-file"
    ran = running.run("docker", "exec", "--user", "0", f"{running.name}-web-1", "sh", "-c", script)
    assert ran.status != 0
    assert "Read-only file system" in ran.err


def test_a_second_start_has_nothing_to_do(running: Stack) -> None:
    assert running.ddd("dev.up").ok().err == ""


def test_a_container_of_its_own_gets_them_too(running: Stack) -> None:
    ran = running.ddd("dev.run", "--service", "web", "--", "sh", "-c", "id -u; cat /run/secrets/from-file").ok()
    assert ran.out == "10001\nfile-1"


def test_they_outlive_a_restart_by_compose(running: Stack) -> None:
    running.run("docker", "compose", "restart", "--timeout", "1", "web").ok()
    assert inside(running, "10001", "cat", "/run/secrets/from-variable") == 'va"r $1'


# What changes, and where the new value shows.
CHANGES = {
    "token": ("file-2", "/run/secrets/from-file"),
    ".env": ("TOKEN=other\n", "/run/secrets/from-variable"),
    "its words": ("command-2\n", "/run/secrets/nested/long"),
}


def test_a_changed_value_replaces_the_container(stack: Make) -> None:
    project = stack(FILES)
    project.ddd("dev.up").ok()
    for file, (text, path) in CHANGES.items():
        project.write({file: text})
        told = project.ddd("dev.up").ok().err
        assert f"{project.name}-web-1  Recreated" in told
        assert (f"{project.name}-named-1  Recreated" in told) == (file == "token")  # the others have no part in it
        assert inside(project, "0", "cat", path) == text.strip().removeprefix("TOKEN=")
        assert project.ddd("dev.up").ok().err == ""
    # Who began before a value was written has another one in mind, although the file is right.
    project.write({"token": "file-3"})
    project.ddd("dev.run", "--service", "web", "--", "true").ok()
    assert f"{project.name}-web-1  Recreated" in project.ddd("dev.up").ok().err
    project.write({"token": "file-4"})
    project.ddd("dev.restart", "--service", "web").ok()
    assert inside(project, "10001", "cat", "/run/secrets/from-file") == "file-4"


def test_down_leaves_no_secret_behind(engine: Engine, stack: Make) -> None:
    project = stack(FILES)
    project.ddd("dev.up", "--service", "named").ok()
    label = {"label": [f"com.docker.compose.project={project.name}"]}
    assert engine.get("/volumes", filters=label)["Volumes"]
    # What is there when a client is killed while it writes.
    volume = f"{project.name}_secrets-left"
    labels = {"com.docker.compose.project": project.name, volumes.LABEL: "named"}
    mount = {"Type": "volume", "Source": volume, "Target": "/x", "VolumeOptions": {"Labels": labels}}
    body = {"Image": base("python:3.13-slim-trixie"), "Cmd": ["x"], "Labels": labels, "HostConfig": {"Mounts": [mount]}}
    engine.post("/containers/create", body, name=f"{project.name}-left")
    project.ddd("dev.down").ok()
    assert not leftovers(engine, project.name)


def test_the_caller_reads_what_a_service_with_the_callers_files_gets(stack: Make) -> None:
    text = COMPOSE.replace("    command: [sleep, infinity]\n    init: true\n    user: www-data\n", "    MORE\n")
    more = 'command: [sleep, infinity]\n    init: true\n    volumes: [".:/code"]'
    project = stack({**FILES, "compose.yaml": text.replace("MORE", more)})
    project.ddd("dev.up", "--service", "named").ok()
    assert place(project, "/run/secrets/from-file", service="named") == f"0:{os.getgid()} 440"
    assert project.ddd("dev.exec", "--service", "named", "--", "cat", "/run/secrets/from-file").ok().out == "file-1"


def test_list_shows_what_is_declared_and_no_value(running: Stack) -> None:
    ran = running.ddd("secrets.list", "--json").ok()
    found = {row["name"]: (row["from"], row["present"], row["used_by"]) for row in json.loads(ran.out)}
    assert found["from-file"] == ("file", True, ["named", "web"])
    assert found["from-variable"] == ("environment", True, ["web"])
    assert found["from-command"] == ("command", None, ["web"])
    assert not any(value in ran.out + ran.err for value in ("file-", 'va"r', "command-"))


def test_check_names_each_that_is_missing(stack: Make) -> None:
    project = stack({**FILES, ".env": ""})
    (project.directory / "its words").unlink()
    ran = project.ddd("secrets.check")
    assert ran.status == 78
    assert "2 secrets are missing: 'from-command', 'from-variable'" in ran.err
    assert "from-variable: the variable TOKEN is set neither in the environment nor in" in ran.err
    assert "`cat 'its words'` ended with status 1" in ran.err
    assert "No such file or directory" in ran.err  # the command's own words
    project.ddd("secrets.check", env={"TOKEN": "1", "UNSET_HERE": "2"}).ok()


def test_set_asks_without_echo_and_takes_stdin(stack: Make) -> None:
    project = stack({**FILES, ".env": "OTHER=1\nTOKEN=old\n"})
    asking = project.spawn(*ddd_argv("secrets.set", "from-file"))
    asking.logfile_read = seen = io.StringIO()
    asking.expect("value of from-file: ")
    asking.sendline("typed-canary")
    asking.expect("is in .*token")
    asking.wait()
    assert "typed-canary" not in seen.getvalue()
    token = project.directory / "token"
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("typed-canary", 0o600)
    project.ddd("secrets.set", "from-variable", stdin=b'p$1 "x" #y\n').ok()
    assert (project.directory / ".env").read_text() == "OTHER=1\nTOKEN='p$1 \"x\" #y'\n"
    assert (project.directory / ".env").stat().st_mode & 0o777 == 0o600
    project.ddd("dev.up", "--service", "web").ok()
    assert inside(project, "10001", "cat", "/run/secrets/from-variable") == 'p$1 "x" #y'


def test_edit_uses_a_private_file_that_is_gone_afterwards(stack: Make) -> None:
    project = stack({**FILES, "editor": EDITOR})
    (project.directory / "editor").chmod(0o755)
    ran = project.ddd("secrets.edit", "from-file", env={"EDITOR": "./editor", "VISUAL": ""}).ok()
    (mode, file), (folder_mode, folder) = (line.split() for line in ran.err.splitlines()[:2])
    assert (mode, folder_mode) == ("600", "700")
    assert not os.path.exists(file) and not os.path.exists(folder)  # noqa: PT018, PTH110
    assert (project.directory / "token").read_text() == "new"
    failed = project.ddd("secrets.edit", "from-file", env={"EDITOR": "false", "VISUAL": ""})
    assert failed.status == 1
    assert "secret 'from-file' is as it was" in failed.err
