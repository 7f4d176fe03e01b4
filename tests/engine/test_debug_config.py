"""debug.config: its entries are what the editors' schemas take, and each of their fields leads to the debugger."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import languages
from ddd_tasks.debugging.clients import cdp, dap
from ddd_tasks.debugging.clients.base import Client
from ddd_tasks.debugging.editors import jsonc
from ddd_tasks.language import PathMapping
from tests import editor_schemas, support
from tests.support import Stack

PROJECT = "stack"  # the folder of the Compose project, below the workspace
# For each language the stage that runs, the file of its example that answers GET /, and text of the line that does.
SERVICES = {
    "python": ("dev", "app/main.py", 'return {"service": "visits"'),
    "node": ("dev", "src/app.js", "sendJson(response, 200, { service"),
    "go": ("debug", "main.go", 'answer(w, map[string]any{"service"'),
    "csharp": ("debug", "Server.cs", ""),
}
SERVICE = """\
  {name}:
    build: {{context: ./{name}, dockerfile: {dockerfile}, target: {stage}, args: {{NETCOREDBG: ""}}}}
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1:{port}:{inside}"]
    volumes: ["./{name}:/app"]
"""


class Workspace:
    """A repository with a Compose project in a folder below it, and one running service per language."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ports = {name: support.free_port() for name in SERVICES}
        for name in SERVICES:
            shutil.copytree(support.REPO / "examples" / name, self.folder(name), dirs_exist_ok=True)
        (stack.directory / ".git").mkdir()
        services = "".join(self._service(name, stage) for name, (stage, _, _) in SERVICES.items())
        stack.write(
            {
                f"{PROJECT}/.ddd/bases.json": json.dumps(support.stand_ins()),
                f"{PROJECT}/compose.yaml": f"name: {stack.name}\nservices:\n{services}",
            }
        )

    def _service(self, name: str, stage: str) -> str:
        language = languages.get(name)
        assert language.metrics is not None
        dockerfile = support.REPO / "docker" / language.dockerfile / "Dockerfile"
        port, inside = self.ports[name], language.metrics.port
        return SERVICE.format(name=name, dockerfile=dockerfile, stage=stage, port=port, inside=inside)

    def folder(self, name: str) -> Path:
        """The source of a service."""
        return self.stack.directory / PROJECT / name

    def config(self, *words: str) -> dict[str, Any]:
        """What `ddd debug.config WORDS` says."""
        ran = self.stack.ddd("debug.config", "--json", *words, cwd=PROJECT).ok()
        return dict(json.loads(ran.out))

    def read(self, *parts: str) -> Any:
        """A file of the workspace as its editor reads it."""
        return jsonc.parse(self.stack.directory.joinpath(*parts).read_text()).value

    def expanded(self, value: Any) -> Any:
        """A value of a file with VS Code's variable replaced."""
        return json.loads(json.dumps(value).replace("${workspaceFolder}", str(self.stack.directory)))

    def entry(self, name: str) -> dict[str, Any]:
        """The entry of a service in launch.json."""
        entries = self.expanded(self.read(".vscode", "launch.json")["configurations"])
        return next(entry for entry in entries if entry["name"] == f"ddd: {PROJECT}/{name} ({name})")

    @contextmanager
    def prepared(self, name: str, label: str) -> Iterator[None]:
        """Run the task of that name, as tasks.json has it; what it brought to the service is taken away at the end."""
        tasks = self.expanded(self.read(".vscode", "tasks.json")["tasks"])
        task = next(task for task in tasks if task["label"] == label)
        try:
            support.run(task["command"], *task["args"], cwd=Path(task["options"]["cwd"]), timeout=300).ok()
            yield
        finally:
            self.stack.ddd("debug.detach", "--service", name, cwd=PROJECT).ok()

    def request(self, name: str) -> threading.Thread:
        """GET / of a service, in a thread, until it answers: a reloader may just have started it anew."""

        def get() -> None:
            for _ in range(30):
                with suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/", timeout=60).read()
                    return
                time.sleep(0.5)

        thread = threading.Thread(target=get, daemon=True)
        thread.start()
        return thread


@pytest.fixture(scope="module")
def workspace(engine: object, bases: None) -> Iterator[Workspace]:
    stack = support.make_stack({})
    try:
        made = Workspace(stack)
        stack.ddd("dev.up", cwd=PROJECT, timeout=900).ok()
        yield made
    finally:
        stack.down()


def valid(folder: Path, values: list[Any], schema: dict[str, Any]) -> support.Ran:
    """Check values against a schema."""
    folder.mkdir(exist_ok=True)
    (folder / "schema.json").write_text(json.dumps(schema))
    files = [folder / f"{number}.json" for number in range(len(values))]
    for file, value in zip(files, values, strict=True):
        file.write_text(json.dumps(value))
    check = (sys.executable, "-m", "check_jsonschema", "--schemafile", str(folder / "schema.json"))
    return support.run(*check, *map(str, files))


def test_each_entry_is_what_its_extension_takes(workspace: Workspace, tmp_path: Path) -> None:
    workspace.config()
    launch, tasks = workspace.read(".vscode", "launch.json"), workspace.read(".vscode", "tasks.json")
    assert [entry["name"] for entry in launch["configurations"]] == [
        f"ddd: {PROJECT}/{name} ({name})" for name in sorted(SERVICES)
    ]
    any_of = {"anyOf": list(editor_schemas.ATTACH.values())}
    valid(tmp_path / "attach", launch["configurations"], any_of).ok()
    valid(tmp_path / "task", tasks["tasks"], editor_schemas.TASK).ok()
    valid(tmp_path / "compound", launch["compounds"], editor_schemas.COMPOUND).ok()
    wrong = {**launch["configurations"][0], "conect": {}}
    assert valid(tmp_path / "wrong", [wrong], any_of).status == 1
    text = (workspace.stack.directory / ".vscode" / "launch.json").read_text()
    assert str(workspace.stack.directory) not in text


@pytest.mark.parametrize("name", ["python", "node", "go"])
def test_the_fields_of_an_entry_lead_to_the_line(workspace: Workspace, name: str) -> None:
    workspace.config()
    entry = workspace.entry(name)
    _, path, text = SERVICES[name]
    file = workspace.folder(name) / path
    line = next(number for number, row in enumerate(file.read_text().splitlines(), 1) if text in row)
    with workspace.prepared(name, entry["preLaunchTask"]), closing(connect(entry)) as client:
        client.set_breakpoints(str(file), {line: ""})
        request = workspace.request(name)
        stop = client.wait_for_stop(30)
        assert stop is not None
        assert stop.place == (str(file), line)
        client.set_breakpoints(str(file), {})
        client.resume(stop)
        request.join(30)
        assert not request.is_alive()


def connect(entry: dict[str, Any]) -> Client:
    """A client that knows nothing but the fields of an entry."""
    fields = {key: value for key, value in entry.items() if key not in ("name", "type", "request", "preLaunchTask")}
    if entry["type"] == "node":
        mappings = [PathMapping(Path(entry["localRoot"]), entry["remoteRoot"])]
        return cdp.connect(entry["address"], entry["port"], fields, mappings)
    place = entry.get("connect", entry)
    return dap.connect(place["host"], place["port"], fields)


def test_a_second_time_changes_nothing_and_a_dry_run_shows_what_would_change(workspace: Workspace) -> None:
    first = workspace.config("--service", "python")
    files = {Path(one["file"]): Path(one["file"]).read_bytes() for one in first["files"]}
    again = workspace.config("--service", "python")
    assert [one["changed"] for one in again["files"]] == [False, False]
    assert {file: file.read_bytes() for file in files} == files

    launch = workspace.stack.directory / ".vscode" / "launch.json"
    launch.write_bytes(files[launch].replace(b"ddd: stack/python (python)", b"mine"))
    before = launch.read_bytes()
    ran = workspace.stack.ddd("--dry", "debug.config", "--service", "python", cwd=PROJECT).ok()
    assert '+            "name": "ddd: stack/python (python)",' in ran.err
    assert launch.read_bytes() == before
    launch.write_bytes(files[launch])


def test_another_checkout_gets_another_port(workspace: Workspace, stack: Callable[[dict[str, str]], Stack]) -> None:
    """Also while no debugger is there: an entry names a port, which nobody else may have by then."""
    workspace.config("--service", "python")
    files = {"compose.yaml": "services: {python: {build: .}}\n", "Dockerfile": "FROM scratch\n", "pyproject.toml": ""}
    other = stack(files)
    other.ddd("debug.config").ok()
    (entry,) = jsonc.parse((other.directory / ".vscode" / "launch.json").read_text()).value["configurations"]
    assert entry["connect"]["port"] != workspace.entry("python")["connect"]["port"]


def test_devcontainer_json_is_what_its_specification_takes(workspace: Workspace, tmp_path: Path) -> None:
    workspace.config("--devcontainer", "--service", "python")
    found = workspace.read(".devcontainer", "devcontainer.json")
    valid(tmp_path / "devcontainer", [found], editor_schemas.DEVCONTAINER).ok()
    others = sorted(name for name in SERVICES if name != "python")
    ports = {name: language.metrics.port for name in SERVICES if (language := languages.get(name)).metrics}
    assert found["dockerComposeFile"] == ["../stack/compose.yaml"]
    assert (found["service"], found["workspaceFolder"]) == ("python", "/app")
    assert found["forwardPorts"] == [ports["python"], *(f"{name}:{ports[name]}" for name in others)]


def test_bad_requests_are_refused_and_nothing_is_written(workspace: Workspace) -> None:
    ran = workspace.stack.ddd("debug.config", "--editor", "vs-code", cwd=PROJECT)
    assert (ran.status, "did you mean: vscode" in ran.err) == (78, True)
    ran = workspace.stack.ddd("debug.config", "--service", "pyton", cwd=PROJECT)
    assert (ran.status, "did you mean: python" in ran.err) == (78, True)
    ran = workspace.stack.ddd("debug.config", "--editor", "jetbrains", "--service", "python", cwd=PROJECT)
    assert (ran.status, "Attach to DAP" in ran.err) == (65, True)
    assert not (workspace.stack.directory / ".run").exists()
    ran = workspace.stack.ddd("debug.config", "--service", "csharp", "--debugger", "vsdb", cwd=PROJECT)
    assert (ran.status, "did you mean: vsdbg" in ran.err) == (78, True)


def test_the_entry_of_csharp_leads_to_its_processes(workspace: Workspace) -> None:
    """As far as it can be driven without netcoredbg: the list from which an editor lets people pick the process."""
    workspace.config()
    pipe = workspace.entry("csharp")["pipeTransport"]
    listed = support.run(pipe["pipeProgram"], *pipe["pipeArgs"], "ps", "-axww", "-o", "pid=,comm=,args=").ok()
    assert [row.split()[1] for row in listed.out.splitlines() if "service.dll" in row] == ["dotnet"]


def test_the_runtime_of_csharp_tells_what_it_is(workspace: Workspace) -> None:
    """Discovery over the diagnostics socket, from a container beside it; breakpoints cannot be verified here."""
    found = json.loads(support.run(*beside(workspace)).ok().out)["dotnet"]
    service = next(one for one in found if any(word.endswith("service.dll") for word in one["argv"]))
    assert service["version"].startswith("3.1.")
    assert service["socket"].startswith(f"/tmp/dotnet-diagnostic-{service['pid']}-")


def beside(workspace: Workspace) -> list[str]:
    """The command line of the toolbox's facts, as a container that shares the processes of the C# service."""
    container = workspace.stack.run("docker", "compose", "ps", "-q", "csharp", cwd=PROJECT).ok().out.strip()
    argv = ["docker", "run", "--rm", "--name", support.unique("facts"), "--pid", f"container:{container}"]
    argv += ["--network", "none", "--volume", f"{support.REPO}/docker/toolbox/sidecar:/opt/ddd/sidecar:ro"]
    argv += ["--env", "PYTHONPATH=/opt/ddd", support.base("python:3.13-slim-trixie"), "python3", "-m", "sidecar"]
    return [*argv, "facts", "--pattern", "dotnet"]
