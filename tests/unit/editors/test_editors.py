"""Every editor: once is enough, odd names; and what Zed, Neovim and JetBrains' editors get."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ddd_tasks.debugging import editors
from ddd_tasks.debugging.editors import base
from ddd_tasks.errors import ConfigError, UnknownNameError
from tests.unit.editors.writing import PORTS, loaded, states, target, write


def test_a_second_time_changes_not_one_byte(workspace: Path) -> None:
    wanted = [target(workspace, language, f"the-{language}") for language in ("python", "node", "go", "csharp")]
    for editor in ("vscode", "nvim", "zed", "jetbrains"):
        first = write(workspace, editor, *wanted)
        files = {draft.file: draft.file.read_bytes() for draft in first.drafts}
        again = write(workspace, editor, *wanted)
        assert set(states(first).values()) == {"added"}
        assert set(states(again).values()) == {"unchanged"}
        assert files == {draft.file: draft.file.read_bytes() for draft in again.drafts}


def test_the_workspace_is_the_nearest_folder_that_the_editor_opens(workspace: Path) -> None:
    marks = editors.get("vscode").workspace
    assert base.workspace_of(workspace / "stack", marks) == workspace
    (workspace / "stack" / ".vscode").mkdir()
    assert base.workspace_of(workspace / "stack", marks) == workspace / "stack"


def test_without_a_workspace_it_is_the_folder_of_the_project(tmp_path: Path) -> None:
    assert base.workspace_of(tmp_path, ("no-such-mark",)) == tmp_path


def test_an_entry_of_zed_runs_debug_attach_first(workspace: Path) -> None:
    write(workspace, "zed", *(target(workspace, language, f"the-{language}") for language in PORTS))
    found = {entry["adapter"]: entry for entry in loaded(workspace / ".zed" / "debug.json")}
    assert found["Delve"]["tcp_connection"] == {"host": "127.0.0.1", "port": 2345}
    assert found["Debugpy"]["connect"] == {"host": "127.0.0.1", "port": 5678}
    assert (found["JavaScript"]["type"], found["JavaScript"]["port"]) == ("pwa-node", 9229)
    for entry in found.values():
        assert entry["build"]["args"][0] == "debug.attach"
        assert "$ZED_WORKTREE_ROOT/stack/the-" in json.dumps(entry)


def test_one_entry_of_the_lua_file_can_be_renewed_alone(workspace: Path) -> None:
    file = workspace / ".nvim" / "ddd-dap.lua"
    api, web = target(workspace), target(workspace, "go", "web")
    write(workspace, "nvim", api, web)
    both = file.read_bytes()
    moved = api._replace(mappings=())
    assert states(write(workspace, "nvim", moved, is_all=False)) == {"ddd: stack/api (python)": "updated"}
    assert file.read_bytes() != both
    assert b'name = "ddd: stack/web (go)"' in file.read_bytes()
    write(workspace, "nvim", api, is_all=False)
    assert file.read_bytes() == both
    write(workspace, "nvim", api)
    assert b"stack/web" not in file.read_bytes()


def test_a_lua_file_of_somebody_else_is_left_alone(workspace: Path) -> None:
    (workspace / ".nvim").mkdir()
    (workspace / ".nvim" / "ddd-dap.lua").write_text("-- mine\n")
    with pytest.raises(ConfigError, match="was not written by ddd"):
        write(workspace, "nvim", target(workspace))


def test_goland_gets_files_and_the_others_are_told_what_to_enter(workspace: Path) -> None:
    result = write(workspace, "jetbrains", *(target(workspace, language, f"the-{language}") for language in PORTS))
    (attach,) = (workspace / ".run").glob("ddd-stack_the-go*.run.xml")
    (entry,) = ET.parse(attach).getroot()
    assert (entry.get("type"), entry.get("host"), entry.get("port")) == (
        "GoRemoteDebugConfigurationType",
        "127.0.0.1",
        "2345",
    )
    assert "Attach to DAP with the remote address 127.0.0.1:5678" in result.notes[0]
    assert "Attach to Node.js/Chrome" in result.notes[1]


@pytest.mark.parametrize("editor", [editor.name for editor in editors.EDITORS])
def test_names_with_special_characters_stay_one_name(workspace: Path, editor: str) -> None:
    (workspace / "stack" / "wo rk\"'ß").mkdir()
    odd = target(workspace, "go", "wo rk\"'ß")
    write(workspace, editor, odd)
    assert set(states(write(workspace, editor, odd)).values()) == {"unchanged"}


def test_an_unknown_editor_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as refused:
        editors.get("vs-code")
    assert refused.value.nearest == "vscode"
