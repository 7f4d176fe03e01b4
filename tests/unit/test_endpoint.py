"""Which engine is meant."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from pathlib import Path

import pytest

from ddd_tasks.engine import endpoint, lifecycle
from ddd_tasks.engine.endpoint import Endpoint
from ddd_tasks.errors import ConfigError, EngineError


@pytest.fixture(autouse=True)
def _no_docker_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def resolved() -> tuple[str, bool]:
    found = endpoint.resolve()
    return found.host, found.through_cli


def store_context(directory: Path, name: str, host: str) -> None:
    folder = directory / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_without_settings_the_default_socket() -> None:
    assert resolved() == ("unix:///var/run/docker.sock", False)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("unix:///run/user/1000/docker.sock", ("unix:///run/user/1000/docker.sock", False)),
        ("tcp://127.0.0.1:2375", ("tcp://127.0.0.1:2375", False)),
        ("ssh://me@build", ("ssh://me@build", True)),
    ],
)
def test_docker_host(monkeypatch: pytest.MonkeyPatch, host: str, expected: tuple[str, bool]) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert resolved() == expected


def test_tls_is_left_to_the_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert endpoint.resolve().through_cli


def test_docker_host_beats_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "missing")
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    assert resolved() == ("unix:///x.sock", False)


def test_the_current_context_of_the_cli(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "rootless"}))
    store_context(tmp_path, "rootless", "unix:///run/user/1000/docker.sock")
    assert resolved() == ("unix:///run/user/1000/docker.sock", False)


def test_a_context_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "missing")
    with pytest.raises(ConfigError, match="missing"):
        endpoint.resolve()


def test_a_scheme_that_docker_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "/var/run/docker.sock")
    with pytest.raises(ConfigError, match="no engine address"):
        endpoint.resolve()


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        endpoint.dial(Endpoint(f"unix://{tmp_path}/none.sock"))
    assert caught.value.exit_code == 69
    assert caught.value.hint == "ddd engine.up"


def test_an_engine_that_is_silent_is_given_up_and_no_other_socket_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_ANSWER", 0.1)
    of_others = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{tmp_path}/silent.sock")
        server.listen()

        def take() -> None:
            connection, _ = server.accept()
            of_others.append(socket.getdefaulttimeout())
            while connection.recv(65536):  # until the client has given up
                pass
            connection.close()

        thread = threading.Thread(target=take)
        thread.start()
        assert not lifecycle.answers(f"unix://{tmp_path}/silent.sock")
        thread.join()
    assert of_others == [None]
