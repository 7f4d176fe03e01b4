"""What the doctor finds wrong with a machine: most of it on one of the test's own, so that this one's engine stays."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import doctoring, support
from tests.doctoring import findings, look, only, pasted
from tests.machine import Machine, machine, needs_root
from tests.support import Stack

DDD = str(Path(sys.executable).with_name("ddd"))
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
# A little more than what the doctor wants to be free.
DISK = 10_200_000_000
USER, UID = "ada", 4324
# As much of sudo as a fix needs. A script cannot be given root's rights, a program can.
SUDO = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec /usr/local/lib/setpriv-as-root --reuid=0 --regid=0 --clear-groups "$@"
"""


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = doctoring.make({})
    yield made
    made.down()


@contextlib.contextmanager
def listening(path: Path, answer: bytes | None) -> Iterator[None]:
    """A socket that takes connections, and answers with this and hangs up, or never."""
    with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as taken:
        server.bind(str(path))
        server.listen(64)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = taken.enter_context(server.accept()[0])
                    if answer is not None:
                        connection.recv(65536)
                        connection.sendall(answer)
                        connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKER_HOST", "unix:///nowhere/docker.sock"),
        ("DOCKER_HOST", "unix://{folder}/silent.sock"),
        ("DOCKER_HOST", "unix://{folder}/other.sock"),
        ("DOCKER_HOST", "tcp://127.0.0.1:{port}"),
        ("DOCKER_HOST", "gopher://engine"),
        ("DOCKER_CONTEXT", "nowhere"),
        ("DOCKER_CONFIG", "{folder}"),
    ],
)
def test_an_engine_that_does_not_answer(tmp_path: Path, variable: str, value: str) -> None:
    """Nobody listens, or something that is silent, or no engine; an address, a context and settings that lead there."""
    value = value.format(folder=tmp_path, port=support.free_port())
    stack = Stack(tmp_path)
    env = {variable: value}
    if variable == "DOCKER_CONFIG":
        stack.write({"config.json": json.dumps({"currentContext": "default"})})
        stack.run("docker", "context", "create", "far", "--docker", "host=unix:///nowhere/sock", env=env).ok()
        stack.write({"config.json": json.dumps({"currentContext": "far"})})
    with listening(tmp_path / "silent.sock", None), listening(tmp_path / "other.sock", b"220 mail ready\r\n"):
        one = only(look(stack, env=env), "engine", "problem")
        assert not one["is_safe"]
        only(pasted(stack, one["fix"], env=env), "engine", "ok")


def test_a_plugin_of_the_user_that_is_old_or_does_not_run(stack: Stack) -> None:
    """It comes before the system's."""
    metadata = '{"SchemaVersion": "0.1.0", "Vendor": "x", "Version": "v2.20.0"}'
    old = f"#!/bin/sh\n[ \"$1\" = docker-cli-plugin-metadata ] && echo '{metadata}' || echo 2.20.0\n"
    plugins = stack.directory / "config" / "cli-plugins"
    doctoring.program(plugins / "docker-compose", old)
    doctoring.program(plugins / "docker-buildx", "#!/nowhere/sh\n")
    env = {"DOCKER_CONFIG": str(stack.directory / "config")}
    found = look(stack, env=env)
    compose, buildx = only(found, "compose", "warning"), only(found, "buildx", "problem")
    assert "2.20.0" in compose["what"]
    again = pasted(stack, compose["fix"], buildx["fix"], env=env)
    only(again, "compose", "ok")
    only(again, "buildx", "ok")


def test_a_clock_that_goes_wrong(stack: Stack, tmp_path: Path) -> None:
    library = _libfaketime(tmp_path)
    env = {"LD_PRELOAD": library, "FAKETIME": "-1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    one = only(look(stack, env=env), "clock", "problem")
    assert any(f"{seconds} s ahead" in one["what"] for seconds in range(3595, 3606)), one
    only(pasted(stack, one["fix"], env=env), "clock", "ok")


@needs_root
def test_a_machine_whose_engine_does_not_run_then_hangs_and_is_full(stack: Stack) -> None:
    with machine(apart=True, disk=DISK) as own:
        _hide_memory_cgroup(own)
        one = only(_look(own, stack), "engine", "problem")
        assert one["is_safe"]
        found = findings(own.run(DDD, "doctor", "--fix", "--json", cwd=stack.directory))
        assert only(found, "engine", "ok")["applied"] == [one["fix"]]
        only(found, "disk", "ok")
        assert "memory cannot be limited" in only(found, "cgroup", "warning")["what"]  # ends with a reboot only

        own.run("sh", "-c", "kill -STOP $(cat /run/docker.pid)").ok()
        one = only(_look(own, stack), "engine", "problem")
        assert "does not answer within" in one["what"]
        only(_pasted(own, stack, one["fix"]), "engine", "ok")

        stack.write({"full/Dockerfile": "FROM scratch\nCOPY big /\n"})
        own.run("sh", "-c", "head -c 300M /dev/urandom > full/big", cwd=stack.directory).ok()
        own.run("docker", "build", "--quiet", "full", cwd=stack.directory).ok()
        one = only(_look(own, stack), "disk", "warning")
        assert not one["is_safe"]
        only(_pasted(own, stack, one["fix"]), "disk", "ok")


@needs_root
def test_a_machine_without_compose(stack: Stack) -> None:
    with machine(apart=False) as own:
        own.run("apt-get", "remove", "--yes", "docker-compose", timeout=300).ok()
        found = _look(own, stack)
        one = only(found, "compose", "problem")
        assert one["fix"] == found["compose file"][0]["fix"] == "ddd engine.install"
        if own.run("apt-get", "update", timeout=300).status:
            pytest.skip("no archive of packages answers")
        again = _pasted(own, stack, one["fix"])
        only(again, "compose", "ok")
        only(again, "compose file", "ok")


@needs_root
def test_a_machine_without_the_docker_cli(stack: Stack) -> None:
    with machine(apart=True) as own:
        own.run("sh", "-c", "rm -f $(which -a docker)", env={"PATH": PATH}).ok()
        found = _look(own, stack)
        assert only(found, "docker", "problem")["fix"] == "ddd engine.install"
        assert not found.keys() & {"compose", "buildx"}
        assert found["compose file"][0]["state"] == "problem"


@needs_root
def test_a_user_who_is_not_root(stack: Stack) -> None:
    """Never a member of the socket's group; a member as of the next login; a socket of root's group; own folders."""
    stack.write({"compose.yaml": doctoring.compose(user="4321", volumes=["./data:/data"])})
    (stack.directory / "data").mkdir()
    for path in (stack.directory, *stack.directory.rglob("*")):
        os.chown(path, UID, UID)
    with support.venv_for_everybody() as programs, machine(apart=True) as own:
        own.run(DDD, "engine.up").ok()
        own.run("useradd", "--uid", str(UID), "--create-home", USER).ok()
        _install_sudo(own)
        person = _Person(own, programs, stack)

        found = person.look()
        assert "engine" not in found
        one = only(found, "socket", "problem")
        assert one["fix"].startswith("sudo usermod")
        person.paste(one["fix"])

        one = only(person.look(), "socket", "problem")
        assert one["fix"] == "newgrp docker"
        person.paste(one["fix"])

        found = person.look("--init-groups", SSL_CERT_FILE="/etc/shadow")
        assert "it cannot be read (Permission denied)" in only(found, "certificates", "problem")["what"]
        one = only(found, "mounts", "warning")
        assert one["fix"] == f"chmod -R a+rwX {stack.directory}/data"  # it stays ada's
        person.run("sh", "-c", one["fix"]).ok()
        only(person.look("--init-groups"), "mounts", "ok")

        own.run("sh", "-c", f"gpasswd --delete {USER} docker; chgrp root /run/docker.sock").ok()
        person.paste(only(person.look(), "socket", "problem")["fix"])


class _Person:
    """Somebody at a terminal of a machine, without the rights of root."""

    def __init__(self, own: Machine, programs: Path, stack: Stack) -> None:
        self._own, self._stack = own, stack
        path = f"{programs}:/usr/local/bin:/usr/bin:/bin"
        self._env = {"PATH": path, "HOME": f"/home/{USER}", "PS1": "", "TERM": "dumb"}

    def run(self, *argv: str, groups: str = "--clear-groups", **env: str) -> support.Ran:
        """A program after a fresh login, in the project."""
        words = ("env", "-i", *(f"{name}={value}" for name, value in {**self._env, **env}.items()))
        return self._own.run(*_login(groups), *words, *argv, cwd=self._stack.directory)

    def look(self, groups: str = "--clear-groups", **env: str) -> dict[str, list[doctoring.Finding]]:
        """What the doctor finds; with --init-groups, the login knows what the groups are by now."""
        return findings(self.run("ddd", "doctor", "--json", groups=groups, **env))

    def paste(self, fix: str) -> None:
        """Type it, and see that the engine answers the doctor in the shell where one is then."""
        answer = Path(f"/home/{USER}/said")
        shell = self._own.spawn(*_login("--clear-groups"), "sh", env=self._env)
        with contextlib.closing(shell):
            # Where the tests were started may be closed to somebody who is not root.
            shell.sendline(f"cd {self._stack.directory} && echo begin$((1 + 1))")
            shell.expect("begin2")
            shell.sendline(fix)
            shell.sendline(f"ddd doctor --json > {answer}; echo ended-$?")
            shell.expect(r"ended-(\d+)")
        said = self._own.run("cat", str(answer)).ok().out
        assert said, f"the doctor ended with {shell.match}, after {shell.before}"
        rows = [row for row in json.loads(said) if row["check"] in ("engine", "socket")]
        assert [row["state"] for row in rows] == ["ok", "ok"], rows


def _login(groups: str) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={UID}", f"--regid={UID}", groups)


def _look(own: Machine, stack: Stack) -> dict[str, list[doctoring.Finding]]:
    return findings(own.run(DDD, "doctor", "--json", cwd=stack.directory))


def _pasted(own: Machine, stack: Stack, fix: str) -> dict[str, list[doctoring.Finding]]:
    """As pasted of doctoring, on a machine of its own."""
    lines = f"{fix}\nddd doctor --json"
    return findings(own.run("sh", "-c", lines, cwd=stack.directory, env={"PATH": PATH}, timeout=600))


def _hide_memory_cgroup(own: Machine) -> None:
    version_1 = "umount --lazy /sys/fs/cgroup/memory"
    controllers = "/sys/fs/cgroup/cgroup.controllers"
    version_2 = f"sed s/memory// {controllers} > /run/c && mount --bind /run/c {controllers}"
    own.run("sh", "-c", f"if [ -d /sys/fs/cgroup/memory ]; then {version_1}; else {version_2}; fi").ok()


def _install_sudo(own: Machine) -> None:
    script = "cd /usr/local && cp $(command -v setpriv) lib/setpriv-as-root && chmod 4755 lib/setpriv-as-root"
    script += " && cat > bin/sudo && chmod 755 bin/sudo"
    own.run("sh", "-c", script, stdin=SUDO.encode()).ok()


def _libfaketime(folder: Path) -> str:
    """The library of Debian's package faketime, installed or fetched; without it the test is skipped."""
    if found := next(Path("/usr/lib").glob("**/faketime/libfaketime.so.1"), None):
        return str(found)
    if shutil.which("apt-get") and not support.run("apt-get", "download", "libfaketime", cwd=folder).status:
        support.run("dpkg-deb", "--extract", *map(str, folder.glob("*.deb")), str(folder)).ok()
        return str(next(folder.glob("usr/lib/**/libfaketime.so.1")))
    pytest.skip("no libfaketime, which the Debian package faketime has, and no archive to take it from")
