"""What debug.doctor finds: each state that it warns of is made for real and, where that is quick, mended by its fix."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import project as projects
from ddd_tasks.debugging import attach, rights
from ddd_tasks.debugging.clients import opening
from ddd_tasks.engine.api import Engine
from tests import support
from tests.support import Stack

# A service without a framework: nothing has to be installed to build it.
PROGRAM = """\
import time

while True:
    time.sleep(0.1)
"""
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS prod
WORKDIR /app
COPY app ./
CMD ["python", "main.py"]

FROM prod AS debug
CMD ["python", "-m", "debugpy", "--listen", "0.0.0.0:5678", "main.py"]

FROM prod AS capable
RUN python -c "import os, struct, sys; may_bind = struct.pack('<5I', 0x2000001, 1 << 10, 0, 0, 0); \
    os.setxattr(os.path.realpath(sys.executable), 'security.capability', may_bind)"
USER 10001:10001
"""
GUNICORN = """\
FROM python:3.13-slim-trixie AS debug
CMD ["python", "-m", "debugpy", "--listen", "0.0.0.0:5678", "-m", "gunicorn", "main:app"]
"""
# Listens where debugpy would; nobody speaks to it.
LISTENER = "import socket, time; one = socket.create_server(('0.0.0.0', 5678)); time.sleep(3600)"
# A Python that the toolbox cannot have: there is no base image of it.
OTHER = 'cp "$$(readlink -f "$$(which python3)")" /opt/python3.9 && exec /opt/python3.9 main.py'
SYS_PTRACE = 1 << 19
HARDENED = {
    "user": "10001:10001",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "read_only": True,
    "network_mode": "none",
}
SERVICES: dict[str, dict[str, Any]] = {
    "hardened": HARDENED,
    "open": {"command": ["python", "-c", LISTENER], "ports": ["127.0.0.1::5678"]},
    "other": {"user": "root", "command": ["sh", "-c", OTHER]},
    "capable": {"build": {"context": ".", "target": "capable"}},
    "sleeping": {"command": ["sleep", "3600"]},
    "favoured": {"cap_add": ["SYS_PTRACE"]},
    "shadowed": {"volumes": ["./other:/app"], "command": ["python", "-c", "import time; time.sleep(3600)"]},
}


@dataclass(frozen=True)
class Patient:
    """A service, and what the doctor says of it."""

    stack: Stack
    service: str = "api"

    def findings(self, *, status: int | None = None) -> list[dict[str, Any]]:
        """All findings; status: the exit status that they have to have."""
        ran = self.stack.ddd("debug.doctor", "--service", self.service, "--json", timeout=300)
        found: list[dict[str, Any]] = json.loads(ran.stdout or b"[]")
        assert ran.status == int(any(one["state"] == "problem" for one in found)), (ran.out, ran.err)
        assert status in (None, ran.status), (ran.out, ran.err)
        return found

    def checked(self, check: str, **options: Any) -> list[dict[str, Any]]:
        """The findings of this check."""
        return [one for one in self.findings(**options) if one["check"] == check]

    def finding(self, check: str, **options: Any) -> dict[str, Any]:
        """The only one."""
        (one,) = self.checked(check, **options)
        return one

    def apply(self, finding: Mapping[str, Any]) -> None:
        """Run a finding's fix, as somebody would who pastes it."""
        words = shlex.split(finding["fix"])
        assert words[0] == "ddd", f"no command of ours: {finding['fix']}"
        self.stack.ddd(*words[1:], timeout=300).ok()

    def change(self, old: str, new: str) -> None:
        """Replace text in the Compose file."""
        file = self.stack.directory / "compose.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def up(self) -> None:
        """Start what the files say now."""
        self.stack.ddd("dev.up", "--service", self.service, timeout=300).ok()


def _files(services: Mapping[str, Mapping[str, Any]], dockerfile: str = DOCKERFILE) -> dict[str, str]:
    common = {"build": {"context": ".", "target": "prod"}, "stop_grace_period": "0s"}
    return {
        "compose.yaml": json.dumps({"services": {name: common | dict(more) for name, more in services.items()}}),
        "Dockerfile": dockerfile,
        "pyproject.toml": "[project]\nname = 'api'\nversion = '1'\n",
        "app/main.py": PROGRAM,
        "other/else.py": "",
    }


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """What is left is looked for after the module: a fix replaces containers of the project that all tests share."""


@pytest.fixture(scope="module")
def running(engine: Engine, bases: None) -> Iterator[Stack]:
    """All services, started."""
    stack = support.make_stack(_files(SERVICES))
    try:
        stack.ddd("dev.up", timeout=300).ok()
        yield stack
    finally:
        stack.down()


def test_a_hardened_service_has_no_problem(running: Stack) -> None:
    one = Patient(running, "hardened")
    before = _changes(one)
    found = {row["check"]: row for row in one.findings(status=0)}
    assert {row["state"] for row in found.values()} == {"ok"}
    assert found["user"]["what"].startswith("10001:10001")
    assert found["capabilities"]["what"] == "no capabilities, the seccomp filter, no new privileges"
    assert found["root"]["what"].startswith("read-only")
    assert "process 1 (python main.py)" in found["process"]["what"]
    assert found["python"]["what"] == "Python 3.13: by gdb"
    assert found["mapping"]["what"].endswith("/app: 1 of 1 files are there, and the same")
    assert "-m debugpy --listen" in found["debug stage"]["what"]
    assert _changes(one) == before


def test_a_source_that_has_changed_since_the_build(running: Stack) -> None:
    one = Patient(running, "hardened")
    running.write({"app/main.py": "# a line more\n" + PROGRAM})
    found = one.finding("mapping")
    assert found["state"] == "warning"
    assert "another main.py" in found["what"]
    one.apply(found)
    assert one.finding("mapping", status=0)["state"] == "ok"


def test_another_folder_where_the_source_should_be(running: Stack) -> None:
    """The Compose file was changed, and the container is still the old one."""
    one = Patient(running, "shadowed")
    one.change('"./other:/app"', "")
    found = one.finding("mapping", status=1)
    assert found["state"] == "problem"
    assert "/app is not /app: none of 1 files is there" in found["what"]
    one.apply(found)
    assert one.finding("mapping", status=0)["state"] == "ok"


def test_a_debug_port_that_other_containers_reach(running: Stack) -> None:
    one = Patient(running, "open")
    found = one.finding("listening", status=0)
    assert found["state"] == "warning"
    assert found["what"].startswith("on 0.0.0.0:5678, process 1 (python -c import socket")
    assert ", published on 127.0.0.1: every container of its networks" in found["what"]
    one.change("('0.0.0.0', 5678)", "('127.0.0.1', 5678)")
    one.up()
    found = support.wait_until(lambda: one.finding("listening") if _listens(one) else None, what="the listener")
    assert (found["state"], found["what"][:17]) == ("ok", "on 127.0.0.1:5678")


def test_a_process_of_another_language(running: Stack) -> None:
    found = Patient(running, "sleeping").finding("process", status=1)
    assert found["what"].startswith("no process runs python; there are ")
    assert "sleep" in found["what"]


def test_another_python_than_the_toolbox_can_have(running: Stack) -> None:
    found = Patient(running, "other").finding("python", status=1)
    assert found["what"] == "Python 3.9, and the toolbox's is 3.13: debug.attach needs the same minor version"
    assert found["fix"] == "ddd debug.up --service other"


def test_a_process_with_capabilities_of_its_own(running: Stack) -> None:
    """A program that may bind low ports, by its file: no other program of its user may look into it."""
    found = Patient(running, "capable").finding("capabilities", status=1)
    assert found["what"].startswith("1 capabilities, the seccomp filter; debug.attach does not get in")
    refused = running.ddd("debug.attach", "--service", "capable", timeout=60)
    assert refused.status == 65
    assert "it has capabilities of its own" in refused.err
    assert "SYS_PTRACE" not in refused.err
    assert f"try: {found['fix']}" in refused.err


@pytest.mark.parametrize("service", ["hardened", "shadowed"])
def test_only_what_traces_has_the_capability(
    running: Stack, engine: Engine, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """As if the kernel had Yama, which it may not have: as another user, and as root."""
    monkeypatch.setattr(rights, "yama", lambda: 1)
    project = projects.load(running.directory)
    try:
        made = attach.attach(project, project.service(service))
        opening.connect(made).close()
        labels = [f"ddd-tasks.project={running.directory}", f"ddd-tasks.debug={service}"]
        found = {row["Labels"]["ddd-tasks.role"]: row["Id"] for row in _listed(engine, labels)}
        infos = {role: engine.get(f"/containers/{one}/json") for role, one in found.items()}
        given = {role: info["HostConfig"]["CapAdd"] or [] for role, info in infos.items()}
        assert given == {"sidecar": ["SYS_PTRACE"], "forwarder": []}
        status = Path(f"/proc/{infos['sidecar']['State']['Pid']}/status").read_text()
        assert not int(status.partition("CapPrm:")[2].split()[0], 16) & SYS_PTRACE
    finally:
        attach.detach(project, [service])


def test_a_dry_run_starts_nothing(running: Stack) -> None:
    ran = running.ddd("--dry", "debug.doctor", "--service", "hardened", "--json").ok()
    (command,) = [line for line in ran.err.splitlines() if "docker run" in line]
    assert "-m sidecar facts --pattern" in command
    assert "SYS_PTRACE" not in command
    assert {"running", "debug stage", "mapping"} <= (checks := {one["check"] for one in json.loads(ran.stdout)})
    assert not checks & {"process", "user", "listening"}


def test_a_paused_service(running: Stack) -> None:
    one = Patient(running, "sleeping")
    running.run("docker", "compose", "pause", one.service).ok()
    found = one.finding("running", status=1)
    assert "paused" in found["what"]
    running.run(*shlex.split(found["fix"])).ok()
    assert one.finding("running")["state"] == "ok"


def test_rights_that_no_debugger_needs(running: Stack) -> None:
    one = Patient(running, "favoured")
    found = one.finding("rights", status=0)
    assert (found["state"], found["fix"]) == ("warning", "remove SYS_PTRACE in cap_add")
    one.change('"SYS_PTRACE"', "")
    one.up()
    assert one.checked("rights", status=0) == []


def test_a_sidecar_that_has_lost_its_service(running: Stack, engine: Engine) -> None:
    one = Patient(running, "favoured")
    labels = {
        "ddd-tasks.project": str(running.directory),
        "ddd-tasks.debug": one.service,
        "ddd-tasks.target": "0" * 64,
        "ddd-tasks.role": "forwarder",
    }
    body = {"Image": support.base("python:3.13-slim-trixie"), "Cmd": ["sleep", "99"], "Labels": labels}
    made = engine.post("/containers/create", body, name=support.unique())["Id"]
    engine.post(f"/containers/{made}/start")
    found = one.finding("sidecar", status=0)
    assert found["state"] == "warning"
    one.apply(found)
    assert one.checked("sidecar", status=0) == []


def test_entries_of_an_editor_that_lead_elsewhere(running: Stack) -> None:
    one = Patient(running, "hardened")
    running.write({".vscode/launch.json": "{}"})
    running.ddd("debug.config", "--service", one.service).ok()
    file = running.directory / ".vscode" / "launch.json"
    file.write_text(file.read_text().replace('"/app"', '"/src"'))
    (wrong,) = [row for row in one.checked("editor", status=0) if row["state"] == "warning"]
    assert wrong["what"].startswith(".vscode/launch.json: ")
    one.apply(wrong)
    assert {row["state"] for row in one.checked("editor")} == {"ok"}


def test_a_service_that_does_not_run(stack: Callable[[Mapping[str, str]], Stack], bases: None) -> None:
    one = Patient(stack(_files({"api": {}})))
    found = one.finding("running", status=1)
    assert (found["state"], found["what"]) == ("problem", "it has not been started")
    one.apply(found)
    assert one.finding("running", status=0)["state"] == "ok"


def test_a_debug_port_on_an_address_that_others_reach(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    """Only in the file: nothing is started, since whoever reaches this machine could run code in it."""
    one = Patient(stack(_files({"api": {"ports": ["0.0.0.0:5678:5678"]}})))
    found = one.finding("published", status=1)
    assert (found["state"], found["fix"]) == ("problem", 'ports: ["127.0.0.1:5678:5678"]')
    one.change("0.0.0.0", "127.0.0.2")
    assert one.finding("published")["state"] == "ok"


def test_stages_that_cannot_be_debugged(stack: Callable[[Mapping[str, str]], Stack]) -> None:
    """Nothing runs: what a Dockerfile says is told all the same."""
    one = Patient(stack(_files({"api": {}}, DOCKERFILE.partition("\n\n")[0])))
    assert one.finding("debug stage")["state"] == "warning"
    one.stack.write({"Dockerfile": DOCKERFILE.replace('"-m", "debugpy", "--listen", "0.0.0.0:5678", ', "")})
    assert one.finding("debug stage")["what"] == "its command starts no debugger: python main.py"
    one.stack.write({"Dockerfile": GUNICORN})
    assert "for 30 s" in one.finding("workers")["what"]
    one.stack.write({"Dockerfile": GUNICORN.replace('"main:app"', '"--timeout", "0", "main:app"')})
    assert one.checked("workers") == []


def _listed(engine: Engine, labels: list[str]) -> list[dict[str, Any]]:
    return list(engine.get("/containers/json", filters={"label": labels}))


def _listens(one: Patient) -> bool:
    return str(one.finding("listening")["what"]).startswith("on ")


def _changes(one: Patient) -> str:
    """What has changed in the container's file system."""
    container = one.stack.run("docker", "compose", "ps", "--quiet", one.service).out.strip()
    return one.stack.run("docker", "diff", container).ok().out
