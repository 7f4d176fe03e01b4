"""Where the Docker CLI and its plugins are looked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddd_tasks.engine import tools


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but these folders."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(tools, "_PLUGIN_FOLDERS", (tmp_path / "libexec",))
    monkeypatch.setattr(tools, "ADMINISTRATION", (str(tmp_path / "sbin"),))
    return tmp_path


def test_a_bare_machine_lacks_all_three(machine: Path) -> None:
    assert tools.missing() == ("docker", "compose", "buildx")


def test_plugins_are_found_in_each_place_where_the_cli_looks(machine: Path) -> None:
    _program(machine / "bin" / "docker")
    _program(machine / "libexec" / "docker-compose")
    assert tools.missing() == ("buildx",)
    _program(machine / "config" / "cli-plugins" / "docker-buildx")
    assert tools.missing() == ()


def test_the_clis_configuration_may_name_further_places(machine: Path) -> None:
    for name in ("bin/docker", "brew/docker-compose", "brew/docker-buildx"):
        _program(machine / name)
    (machine / "config").mkdir()
    (machine / "config" / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(machine / "brew")]}))
    assert tools.missing() == ()


@pytest.mark.parametrize("text", ["", "[]", "{broken", '{"cliPluginsExtraDirs": null}'])
def test_a_configuration_that_says_nothing_useful_is_no_obstacle(machine: Path, text: str) -> None:
    (machine / "config").mkdir()
    (machine / "config" / "config.json").write_text(text)
    assert tools.missing() == ("docker", "compose", "buildx")


def test_a_file_that_cannot_be_run_is_not_the_program(machine: Path) -> None:
    _program(machine / "bin" / "docker").chmod(0o644)
    assert tools.on_path("docker") is None


def test_the_administrators_folders_count_although_they_are_not_on_path(machine: Path) -> None:
    assert tools.on_path("dockerd") is None
    program = _program(machine / "sbin" / "dockerd")
    assert tools.on_path("dockerd") == program


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path
