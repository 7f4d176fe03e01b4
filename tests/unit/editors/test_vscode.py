"""launch.json and tasks.json: merged into what is there, once, and refused as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.debugging.editors import targets
from ddd_tasks.errors import ConfigError, UnknownNameError
from ddd_tasks.language import PathMapping
from tests.unit.editors.writing import loaded, states, target, write

MINE = """\
{
\t// Use IntelliSense to learn about possible attributes.
\t"version": "0.2.0",
\t"configurations": [
\t\t{ "name": "mine", "type": "debugpy", "request": "launch", "program": "${file}", }, // every day
\t],
}"""


@pytest.mark.parametrize("language", ["python", "node", "go", "csharp"])
def test_an_entry_of_vscode_names_no_folder_of_this_machine(workspace: Path, language: str) -> None:
    write(workspace, "vscode", target(workspace, language))
    text = (workspace / ".vscode" / "launch.json").read_text()
    assert str(workspace) not in text
    (entry,) = loaded(workspace / ".vscode" / "launch.json")["configurations"]
    assert (entry["name"], entry["request"]) == (f"ddd: stack/api ({language})", "attach")
    roots = [word for word in json.dumps(entry).split('"') if word.startswith("${workspaceFolder}")]
    assert roots[0] == "${workspaceFolder}/stack/api/lib"


def test_the_task_of_an_entry_runs_debug_attach_where_the_project_is(workspace: Path) -> None:
    write(workspace, "vscode", target(workspace))
    (entry,) = loaded(workspace / ".vscode" / "launch.json")["configurations"]
    (task,) = loaded(workspace / ".vscode" / "tasks.json")["tasks"]
    assert task["label"] == entry["preLaunchTask"]
    assert [task["command"], *task["args"]] == ["ddd", "debug.attach", "--service", "api"]
    assert task["options"] == {"cwd": "${workspaceFolder}/stack"}
    assert (task["presentation"], task["problemMatcher"]) == ({"reveal": "silent"}, [])


def test_a_ddd_of_the_workspace_is_the_one_that_the_task_runs(workspace: Path) -> None:
    (workspace / ".venv" / "bin").mkdir(parents=True)
    (workspace / ".venv" / "bin" / "ddd").touch()
    write(workspace, "vscode", target(workspace))
    assert loaded(workspace / ".vscode" / "tasks.json")["tasks"][0]["command"] == "${workspaceFolder}/.venv/bin/ddd"


def test_csharp_is_attached_to_by_docker_exec_without_a_task(workspace: Path) -> None:
    csharp = target(workspace, "csharp")
    write(workspace, "vscode", csharp)
    (entry,) = loaded(workspace / ".vscode" / "launch.json")["configurations"]
    assert entry["pipeTransport"]["pipeArgs"] == ["exec", "-i", "stack-api-1"]
    assert entry["pipeTransport"]["debuggerPath"].endswith("/netcoredbg")
    assert "preLaunchTask" not in entry
    assert not (workspace / ".vscode" / "tasks.json").exists()
    result = write(workspace, "vscode", csharp, debugger=targets.debugger([csharp], "vsdbg"))
    assert "ddd's own tests have not verified breakpoints in C#" in result.notes[0]
    assert "licence" in result.notes[1]
    (entry,) = loaded(workspace / ".vscode" / "launch.json")["configurations"]
    assert entry["pipeTransport"]["debuggerPath"] == "/vsdbg/vsdbg"
    assert states(write(workspace, "vscode", csharp)) == {"ddd: stack/api (csharp)": "unchanged"}
    with pytest.raises(UnknownNameError) as refused:
        targets.debugger([csharp], "vsdb")
    assert refused.value.nearest == "vsdbg"


def test_what_others_wrote_stays_as_it_is(workspace: Path) -> None:
    (workspace / ".vscode").mkdir()
    file = workspace / ".vscode" / "launch.json"
    file.write_text(MINE)
    write(workspace, "vscode", target(workspace))
    text = file.read_text()
    head, tail = MINE.split("\n\t],\n}")
    assert text.startswith(head + '\n\t\t{\n\t\t\t"name": "ddd: stack/api (python)",\n')
    assert text.endswith("\n\t\t},\n\t],\n}")
    assert tail == ""


def test_the_place_in_an_entry_follows_the_project_and_the_rest_is_the_users(workspace: Path) -> None:
    write(workspace, "vscode", target(workspace))
    file = workspace / ".vscode" / "launch.json"
    edited = file.read_text().replace('"justMyCode": false', '"justMyCode": true, // my own only\n"django": true')
    file.write_text(edited)
    assert states(write(workspace, "vscode", target(workspace)))["ddd: stack/api (python)"] == "kept"
    assert file.read_text() == edited

    file.write_text(edited.replace("5678", "1"))
    assert states(write(workspace, "vscode", target(workspace)))["ddd: stack/api (python)"] == "updated"
    assert file.read_text() == edited


def test_an_entry_under_another_name_is_the_users(workspace: Path) -> None:
    write(workspace, "vscode", target(workspace))
    file = workspace / ".vscode" / "launch.json"
    file.write_text(file.read_text().replace("ddd: stack/api (python)", "my own way"))
    write(workspace, "vscode", target(workspace))
    names = [entry["name"] for entry in loaded(file)["configurations"]]
    assert names == ["my own way", "ddd: stack/api (python)"]


def test_one_entry_starts_all_services(workspace: Path) -> None:
    api, web = target(workspace), target(workspace, "node", "web")
    write(workspace, "vscode", api, is_all=False)
    assert "compounds" not in loaded(workspace / ".vscode" / "launch.json")
    write(workspace, "vscode", api, web)
    (compound,) = loaded(workspace / ".vscode" / "launch.json")["compounds"]
    assert compound == {
        "name": "ddd: all services of stack/",
        "configurations": ["ddd: stack/api (python)", "ddd: stack/web (node)"],
        "stopAll": True,
    }


def test_two_projects_of_a_workspace_have_entries_of_their_own(workspace: Path) -> None:
    for project in ("", "stack", "other"):
        (workspace / project).mkdir(exist_ok=True)
        write(workspace, "vscode", target(workspace), target(workspace, "node", "web"), project=project)
    found = loaded(workspace / ".vscode" / "launch.json")
    names = [entry["name"] for entry in found["configurations"]]
    assert names[::2] == ["ddd: api (python)", "ddd: stack/api (python)", "ddd: other/api (python)"]
    assert [one["configurations"] for one in found["compounds"]] == [names[:2], names[2:4], names[4:]]
    assert len({one["name"] for one in found["compounds"]}) == 3


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{\n  "configurations": [\n    {"name": "a"\n  ]\n}', "line 4, column 3: a comma or } is missing"),
        ("[]", "line 1, column 1: it has to be an object"),
        ('{"configurations": {}}', "line 1, column 20: configurations has to be a list"),
        ('{"compounds": 1}', "line 1, column 15: compounds has to be a list"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_nothing_is_written(workspace: Path, text: str, cause: str) -> None:
    (workspace / ".vscode").mkdir()
    file = workspace / ".vscode" / "launch.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        write(workspace, "vscode", target(workspace), target(workspace, "node", "web"))
    assert refused.value.cause == cause
    assert str(file) in refused.value.what
    assert refused.value.hint.startswith("${EDITOR:-vi} +")
    assert (file.read_text(), [path.name for path in (workspace / ".vscode").iterdir()]) == (text, ["launch.json"])


def test_values_that_are_no_entries_are_left_alone(workspace: Path) -> None:
    (workspace / ".vscode").mkdir()
    file = workspace / ".vscode" / "launch.json"
    file.write_text('{"configurations": [null, 1, "text", [], {}, {"name": 7}]}')
    write(workspace, "vscode", target(workspace))
    assert loaded(file)["configurations"][:-1] == [None, 1, "text", [], {}, {"name": 7}]


def test_an_empty_file_is_like_none(workspace: Path) -> None:
    (workspace / ".vscode").mkdir()
    (workspace / ".vscode" / "launch.json").write_text(" \n")
    write(workspace, "vscode", target(workspace))
    assert loaded(workspace / ".vscode" / "launch.json")["version"] == "0.2.0"


def test_a_broken_tasks_json_leaves_launch_json_alone(workspace: Path) -> None:
    (workspace / ".vscode").mkdir()
    (workspace / ".vscode" / "tasks.json").write_text("{")
    with pytest.raises(ConfigError, match="line 1, column 1"):
        write(workspace, "vscode", target(workspace))
    assert not (workspace / ".vscode" / "launch.json").exists()


def test_bytes_that_are_no_text_are_refused(workspace: Path) -> None:
    (workspace / ".vscode").mkdir()
    (workspace / ".vscode" / "launch.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigError, match="not UTF-8"):
        write(workspace, "vscode", target(workspace))


def test_symbolic_links_stay_and_what_they_lead_to_is_changed(workspace: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("shared")
    (workspace / ".vscode").symlink_to(elsewhere)
    (elsewhere / "real.json").write_text(MINE)
    (elsewhere / "launch.json").symlink_to("real.json")
    write(workspace, "vscode", target(workspace))
    assert (workspace / ".vscode").is_symlink()
    assert (elsewhere / "launch.json").is_symlink()
    assert "ddd: stack/api (python)" in (elsewhere / "real.json").read_text()
    assert (elsewhere / "tasks.json").is_file()


def test_a_folder_that_cannot_be_written_is_refused_and_nothing_is_left(workspace: Path) -> None:
    (workspace / ".vscode").symlink_to("/proc/sys")  # where not even root makes files
    before = sorted(path.name for path in workspace.iterdir())
    with pytest.raises(ConfigError, match="cannot be written, and nothing was changed"):
        write(workspace, "vscode", target(workspace))
    assert sorted(path.name for path in workspace.iterdir()) == before


def test_a_folder_outside_of_the_workspace_is_named_and_said_so(workspace: Path) -> None:
    outside = PathMapping(Path("/opt/shared"), "/shared")
    result = write(workspace, "vscode", target(workspace)._replace(mappings=(outside,)))
    assert "/opt/shared" in (workspace / ".vscode" / "launch.json").read_text()
    assert result.notes[0].startswith("/opt/shared is outside of")
