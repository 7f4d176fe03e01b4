"""What uv is told when the development environment is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import venv

PYTHON = "/usr/bin/python3"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "ALL_PROXY", "UV_DEFAULT_INDEX", "UV_SYSTEM_CERTS", "UV_PYTHON"):
        monkeypatch.delenv(name, raising=False)


def test_uv_gets_what_pip_was_told(tmp_path: Path) -> None:
    pip = {"cert": "/ca.pem", "proxy": "http://proxy.example:3128", "index-url": "https://mirror.example/simple"}
    env = venv._environment(tmp_path, PYTHON, pip)
    assert env["SSL_CERT_FILE"] == "/ca.pem"
    assert env["ALL_PROXY"] == "http://proxy.example:3128"
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_uvs_own_settings_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/mine.pem")
    assert venv._environment(tmp_path, PYTHON, {"cert": "/ca.pem"})["SSL_CERT_FILE"] == "/mine.pem"


def test_without_a_bundle_the_machines_certificates_are_used(tmp_path: Path) -> None:
    assert venv._environment(tmp_path, PYTHON, {})["UV_SYSTEM_CERTS"] == "1"
    assert "UV_SYSTEM_CERTS" not in venv._environment(tmp_path, PYTHON, {"cert": "/ca.pem"})


def test_another_active_environment_is_not_the_one_that_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "/elsewhere")
    env = venv._environment(tmp_path, PYTHON, {})
    assert env["VIRTUAL_ENV"] == env["UV_PROJECT_ENVIRONMENT"] == str(tmp_path / ".venv")


def test_a_python_is_chosen_only_for_a_new_environment(tmp_path: Path) -> None:
    assert venv._environment(tmp_path, PYTHON, {})["UV_PYTHON"] == PYTHON
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text("")
    assert "UV_PYTHON" not in venv._environment(tmp_path, PYTHON, {})
