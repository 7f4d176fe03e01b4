"""Who may debug whom: every kind of target by every kind of sidecar, measured. docs/debugging.md shows what comes out.

Neither seccomp=unconfined nor privileged is ever run. After a change of the rule, REGENERATE below writes the table.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import project as projects
from ddd_tasks.debugging import beside, rights, target, toolbox
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.streams import Frames
from ddd_tasks.engine.terminal import STDOUT
from ddd_tasks.languages.python import PYTHON
from ddd_tasks.project import Project
from tests import support

DOCUMENT = support.REPO / "docs" / "debugging.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
REGENERATE = "DDD_WRITE_DOCS=1 .venv/bin/pytest tests/engine/test_debug_permissions.py"
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

# A service that does nothing but let itself be looked at, on a debugger's own image: no other has to be built.
PROGRAM = "import signal, time\nsignal.signal(signal.SIGUSR1, lambda *_: None)\nwhile True: time.sleep(0.1)"
# What the debuggers of each language begin with, done to process 1 from within a sidecar; prints what worked.
ATTEMPTS = """
import ctypes, json, os, signal, subprocess
library = ctypes.CDLL(None, use_errno=True)
library.ptrace.argtypes = [ctypes.c_long] * 4

def signal_it():
    try:
        os.kill(1, signal.SIGUSR1)
    except OSError:
        return False
    return True

def trace_it():
    PTRACE_ATTACH, PTRACE_DETACH, ANY_THREAD = 16, 17, 0x40000000
    if library.ptrace(PTRACE_ATTACH, 1, 0, 0):
        return False
    os.waitpid(1, ANY_THREAD)
    return library.ptrace(PTRACE_DETACH, 1, 0, 0) == 0

def dump_it():
    return subprocess.run(["py-spy", "dump", "--pid", "1"], capture_output=True).returncode == 0

def debug_it():
    argv = ["python3", "-m", "sidecar", "serve", "--language", "python", "--pattern", "python.*", "--pid", "1"]
    serving = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = json.loads(serving.stdout.readline())
    serving.terminate()
    serving.wait()
    return bool(said.get("armed"))

# Tracing first: where a signal of ours stops the process before SIGSTOP does, it would stand still after the detach.
traced = trace_it()
print(json.dumps({"signal": signal_it(), "ptrace": traced, "py-spy": dump_it(), "debugpy": debug_it()}))
"""

HARDENED: dict[str, Any] = {"cap_drop": ["ALL"], "read_only": True}
TARGETS: dict[str, dict[str, Any]] = {
    "root": {},
    "root, cap_drop ALL, read-only": {**HARDENED},
    "uid 1000, gid 0": {"user": "1000"},
    "1000:1000": {"user": "1000:1000"},
    "1000:1000, cap_drop ALL, no-new-privileges, read-only": {
        **HARDENED,
        "user": "1000:1000",
        "security_opt": ["no-new-privileges:true"],
    },
}
# Each changes what the tool itself does: "User" and "HostConfig" of the container.
SIDECARS: dict[str, dict[str, Any]] = {
    "as ddd does it": {},
    "same uid:gid, cap_drop ALL": {"CapAdd": [], "CapDrop": ["ALL"]},
    "root": {"User": "0:0", "CapAdd": [], "CapDrop": []},
    "root + SYS_PTRACE": {"User": "0:0", "CapAdd": ["SYS_PTRACE"], "CapDrop": []},
    "uid 1000, gid 0": {"User": "1000:0", "CapAdd": [], "CapDrop": []},
}


@pytest.fixture(scope="module")
def measured(engine: Engine, bases: None) -> Iterator[Mapping[tuple[str, str], Mapping[str, bool]]]:
    """(target, sidecar) -> which of the attempts worked."""
    image = toolbox.ensure(engine, projects.load(support.REPO), "python")
    names = {f"target{number}": options for number, options in enumerate(TARGETS.values())}
    service = {"image": image, "init": False, "network_mode": "none", "stop_grace_period": "0s"}
    command = {"entrypoint": ["python3", "-c", PROGRAM]}
    stack = support.make_stack(
        {"compose.yaml": json.dumps({"services": {name: service | command | more for name, more in names.items()}})}
    )
    try:
        stack.run("docker", "compose", "up", "--detach", "--wait").ok()
        project = projects.load(stack.directory)
        cells = [(one, name, kind) for one, name in zip(TARGETS, names, strict=True) for kind in SIDECARS]
        with ThreadPoolExecutor(2) as pool:
            # Only one debugger can be at a process: those of different targets go in parallel.
            rows = pool.map(lambda name: _row(project, image, name), names)
            by_name = dict(zip(names, rows, strict=True))
        yield {(one, kind): by_name[name][kind] for one, name, kind in cells}
    finally:
        stack.down()


def _row(project: Project, image: str, name: str) -> dict[str, dict[str, bool]]:
    """What each kind of sidecar can do to one target."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, project, project.service(name))
        allowed = rights.of(engine, found, target.debug_of(PYTHON, found.service))
        return {
            kind: _attempt(engine, beside.specification(project, found, image, allowed, "attempt"), options)
            for kind, options in SIDECARS.items()
        }


def _attempt(engine: Engine, body: dict[str, Any], options: Mapping[str, Any]) -> dict[str, bool]:
    """Run the attempts in a container that is specified as the tool does it, but for the options."""
    of_host = {key: value for key, value in options.items() if key.startswith("Cap")}
    body = {**body, "User": options.get("User", body["User"]), "Entrypoint": ["python3", "-c", ATTEMPTS]}
    network = f"container:{body['Labels'][beside.TARGET_LABEL]}"
    body["HostConfig"] = {**body["HostConfig"], "AutoRemove": False, "NetworkMode": network, **of_host}
    made = engine.post("/containers/create", body, name=support.unique())["Id"]
    try:
        engine.post(f"/containers/{made}/start")
        engine.post(f"/containers/{made}/wait")
        said = Frames().feed(engine.get(f"/containers/{made}/logs", stdout=1, stderr=1))
    finally:
        engine.delete(f"/containers/{made}", force=1, v=1)
    out = b"".join(data for stream, data in said if stream == STDOUT)
    assert out, b"".join(data for _, data in said).decode()
    return dict(json.loads(out))


def test_what_ddd_does_gets_in_everywhere_without_a_further_right(
    measured: Mapping[tuple[str, str], Mapping[str, bool]],
) -> None:
    ours = {one: measured[one, "as ddd does it"] for one in TARGETS}
    assert {one: worked for one, worked in ours.items() if not all(worked.values())} == {}


def test_the_table_of_the_documentation_is_what_was_measured(
    engine: Engine, measured: Mapping[tuple[str, str], Mapping[str, bool]]
) -> None:
    scope = YAMA.read_text().strip() if YAMA.exists() else "0"
    if scope != "0":
        pytest.skip(f"Yama's ptrace_scope is {scope} here: the table is that of a kernel that lets a user trace")
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    table = _table(measured)
    if os.environ.get("DDD_WRITE_DOCS"):
        DOCUMENT.write_text(f"{before}{BEGIN}{_where(engine)}\n\n{table}{END}{after}")
        return
    assert table in shown, f"docs/debugging.md shows another table than what was measured: {REGENERATE}\n{table}"


def _table(measured: Mapping[tuple[str, str], Mapping[str, bool]]) -> str:
    lines = [f"| service | {' | '.join(SIDECARS)} |", "|---" * (len(SIDECARS) + 1) + "|"]
    lines += [f"| {one} | {' | '.join(_cell(measured[one, kind]) for kind in SIDECARS)} |" for one in TARGETS]
    return "\n".join(lines) + "\n"


def _cell(worked: Mapping[str, bool]) -> str:
    did = [name for name, it_did in worked.items() if it_did]
    return "works" if len(did) == len(worked) else f"only {', '.join(did)}" if did else "denied"


def _where(engine: Engine) -> str:
    kernel = ".".join(platform.release().split(".")[:2])
    return f"Measured with Engine {engine.get('/version')['Version']} on Linux {kernel}, without Yama and AppArmor:"
