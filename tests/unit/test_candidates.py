"""What completion offers for the value of a flag, from the files of a project alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddd_tasks import candidates, languages
from ddd_tasks.debugging.editors import EDITORS

COMPOSE = {
    "services": {
        "web": {"build": {"context": "web", "dockerfile": "web.Dockerfile"}},
        "api": {"build": "./api"},
        "db": {"image": "postgres"},
    },
    "secrets": {"db-password": {"file": "password"}, "token": {"environment": "TOKEN"}},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("web", "api", "src"):
        (tmp_path / folder).mkdir()
    (tmp_path / "compose.yaml").write_text(json.dumps(COMPOSE))
    (tmp_path / "web" / "web.Dockerfile").write_text("FROM scratch AS assets\nFROM assets AS prod\n")
    (tmp_path / "api" / "Dockerfile").write_text("FROM scratch AS dev\nFROM dev AS prod\nFROM prod\n")
    return tmp_path


@pytest.mark.parametrize("below", ["", "src"])
def test_services_from_anywhere_in_the_project(project: Path, below: str) -> None:
    assert candidates.of("service", project / below) == ["api", "db", "web"]


def test_an_override_adds_its_services(project: Path) -> None:
    (project / "compose.override.yaml").write_text("services: {mail: {image: mail}, web: {ports: []}}")
    assert candidates.of("service", project) == ["api", "db", "mail", "web"]


@pytest.mark.parametrize("flag", ["stage", "one", "other"])
def test_named_stages_of_every_dockerfile_that_is_built(project: Path, flag: str) -> None:
    assert candidates.of(flag, project) == ["assets", "dev", "prod"]


def test_a_dockerfile_that_no_service_builds_yet(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}")
    (tmp_path / "Dockerfile").write_text("FROM scratch AS only\n")
    assert candidates.of("stage", tmp_path) == ["only"]


def test_secrets_and_profiles(project: Path) -> None:
    run = project / ".ddd" / "profiles" / "api" / "20261123-120000"
    run.mkdir(parents=True)
    (run.parent / "notes").mkdir()
    assert candidates.of("secret", project) == ["db-password", "token"]
    assert candidates.of("before", project) == ["api/20261123-120000"]


def test_words_are_those_that_the_tasks_take(tmp_path: Path) -> None:
    assert candidates.of("editor", tmp_path) == sorted(editor.name for editor in EDITORS)
    assert candidates.of("language", tmp_path) == sorted(languages.names())


@pytest.mark.parametrize(
    "text", ["services: [", "- a list", "services: 3", "", "\0", "services: {a b: {}, $(reboot): {}}"]
)
def test_nothing_is_offered_of_what_is_no_name_or_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    for flag in ("service", "stage", "secret", "profile"):
        assert candidates.of(flag, tmp_path) == []


def test_outside_of_projects_and_for_other_flags_there_is_nothing(tmp_path: Path) -> None:
    for flag in ("service", "stage", "secret", "profile", "seconds", "no-such-flag"):
        assert candidates.of(flag, tmp_path) == []
