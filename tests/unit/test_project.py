"""Project facts: what is read, what is refused, what is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks import composefiles, projectcache
from ddd_tasks import project as projects
from ddd_tasks.engine import tools
from ddd_tasks.errors import ConfigError, EngineError, UnknownNameError

CONFIG: dict[str, Any] = {
    "name": "shop",
    "services": {
        "api": {
            "build": {
                "context": "/src/api",
                "dockerfile": "docker/Dockerfile",
                "target": "dev",
                "args": {"TOKEN": "s3cret"},
            },
            "environment": {"PASSWORD": "s3cret"},
            "ports": [{"target": 8000, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"}],
            "volumes": [
                {"type": "bind", "source": "/src/api", "target": "/app"},
                {"type": "volume", "source": "data", "target": "/data"},
            ],
            "healthcheck": {"test": ["CMD", "true"]},
            "depends_on": {"db": {"condition": "service_healthy"}},
            "x-ddd": {"language": "python", "metrics": {"port": 8000}},
        },
        "db": {"image": "postgres:17", "healthcheck": {"disable": True}},
    },
}


def parse(config: dict[str, Any]) -> projects.Project:
    return projects._parse(config, (Path("/src/compose.yaml"),))


def test_the_facts_of_a_service() -> None:
    api = parse(CONFIG).services["api"]
    assert api.build == projects.Build(Path("/src/api"), Path("/src/api/docker/Dockerfile"), "dev")
    assert api.mounts == (projects.Mount(Path("/src/api"), "/app", False),)
    assert api.ports == (projects.Port(8000, "8080", "127.0.0.1", "tcp", ""),)
    assert api.depends_on == ("db",)
    assert api.has_healthcheck
    assert not parse(CONFIG).services["db"].has_healthcheck


def test_facts_survive_the_way_through_json_and_hold_no_secret() -> None:
    project = parse(CONFIG)
    text = json.dumps(projects.to_dict(project))
    assert projects.from_dict(json.loads(text)) == project
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("extension", "given", "nearest"),
    [
        ({"langauge": "go"}, "langauge", "language"),
        ({"metrics": {"prot": 1}}, "prot", "port"),
        ({"prof": {"port": 6060}}, "prof", "pprof"),
        ({"pprof": {"pat": "/debug/pprof"}}, "pat", "path"),
    ],
)
def test_an_unknown_key_of_a_service_is_refused_with_the_nearest(extension: Any, given: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        parse({"name": "p", "services": {"api": {"image": "x", "x-ddd": extension}}})
    assert (caught.value.given, caught.value.nearest) == (given, nearest)
    assert "service api" in caught.value.what


def test_an_unknown_key_of_the_project_is_refused() -> None:
    with pytest.raises(UnknownNameError) as caught:
        parse({"name": "p", "services": {}, "x-ddd": {"image": {}}})
    assert caught.value.nearest == "images"


def test_x_ddd_has_to_be_a_mapping() -> None:
    with pytest.raises(ConfigError, match="x-ddd of service api"):
        parse({"name": "p", "services": {"api": {"image": "x", "x-ddd": ["python"]}}})


class TestFindingFiles:
    def test_the_nearest_file_upwards_with_its_override(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("COMPOSE_FILE", raising=False)
        (tmp_path / "compose.yaml").write_text("services: {}")
        (tmp_path / "compose.override.yaml").write_text("services: {}")
        (tmp_path / "a" / "b").mkdir(parents=True)
        found = composefiles.find(tmp_path / "a" / "b")
        assert found == (tmp_path / "compose.yaml", tmp_path / "compose.override.yaml")

    def test_compose_file_of_the_environment_and_of_dotenv(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("one.yaml", "two.yaml"):
            (tmp_path / name).write_text("services: {}")
        monkeypatch.setenv("COMPOSE_FILE", "one.yaml:two.yaml")
        assert composefiles.find(tmp_path) == (tmp_path / "one.yaml", tmp_path / "two.yaml")
        monkeypatch.delenv("COMPOSE_FILE")
        (tmp_path / ".env").write_text("# x\nCOMPOSE_FILE='two.yaml'\n")
        assert composefiles.find(tmp_path) == (tmp_path / "two.yaml",)

    def test_none_is_refused_with_the_names_it_may_have(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("COMPOSE_FILE", raising=False)
        with pytest.raises(ConfigError) as caught:
            composefiles.find(tmp_path)
        assert "compose.yaml" in caught.value.valid


class TestMemory:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, ...]:
        (tmp_path / "compose.yaml").write_text(
            "include: [more/compose.yaml]\n"
            "services: {a: {image: '${TAG:-x}', env_file: a.env, extends: {file: base.yaml}}}\n"
        )
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "compose.yaml").write_text("services: {}")
        (tmp_path / "base.yaml").write_text("services: {a: {labels: [!reset x]}}")
        return (tmp_path / "compose.yaml",)

    def test_what_it_depends_on(self, files: tuple[Path, ...], tmp_path: Path) -> None:
        names = {str(path.relative_to(tmp_path)) for path in composefiles.dependencies(files)}
        assert names >= {"compose.yaml", "compose.override.yaml", "more/compose.yaml", "base.yaml", "a.env", ".env"}
        assert "TAG" in composefiles.variables(files)

    def test_unchanged_files_are_read_back_and_touched_ones_too(self, files: tuple[Path, ...]) -> None:
        assert projectcache.read(files) is None
        projectcache.write(files, {"fact": 1})
        files[0].touch()
        assert projectcache.read(files) == {"fact": 1}

    @pytest.mark.parametrize(
        "changed", ["compose.yaml", "more/compose.yaml", "base.yaml", ".env", "compose.override.yml"]
    )
    def test_any_changed_or_new_file_forgets(self, files: tuple[Path, ...], tmp_path: Path, changed: str) -> None:
        projectcache.write(files, {"fact": 1})
        path = tmp_path / changed
        path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
        assert projectcache.read(files) is None

    def test_a_changed_variable_forgets_and_is_not_stored(
        self, files: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TAG", "s3cret")
        projectcache.write(files, {"fact": 1})
        assert projectcache.read(files) == {"fact": 1}
        assert "s3cret" not in (tmp_path / ".ddd" / "cache" / "project.json").read_text()
        monkeypatch.setenv("TAG", "other")
        assert projectcache.read(files) is None

    def test_git_is_told_to_ignore_the_folder(self, files: tuple[Path, ...], tmp_path: Path) -> None:
        projectcache.write(files, {})
        assert (tmp_path / ".ddd" / ".gitignore").read_text() == "*\n"

    def test_a_damaged_memory_is_no_memory(self, files: tuple[Path, ...], tmp_path: Path) -> None:
        projectcache.write(files, {})
        (tmp_path / ".ddd" / "cache" / "project.json").write_text('{"format": 1')
        assert projectcache.read(files) is None


NO_PLUGIN = [
    "docker: 'compose' is not a docker command.\nSee 'docker --help'",
    "unknown flag: --project-directory\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]",
    "docker: unknown command: docker compose\n\nRun 'docker --help' for more information",
]


@pytest.mark.parametrize("said", NO_PLUGIN)
def test_a_cli_without_its_plugin_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "docker").write_text(f'#!/bin/sh\ncat >&2 <<"END"\n{said}\nEND\nexit 125\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(tools, "_PLUGIN_FOLDERS", ())
    with pytest.raises(EngineError, match="no compose command"):
        projects.load(tmp_path)
