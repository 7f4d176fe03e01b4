"""What a report hides of a Compose configuration and of other words, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import masking
from ddd_tasks.projectsecrets import Source

HIDDEN = [f"x{number}-canary" for number in range(1, 16)]
X = dict(enumerate(HIDDEN, 1))
CONFIG = {
    "name": "shop",
    "services": {
        "api": {
            "build": {
                "context": f"https://{X[8]}@host/repo.git",
                "args": {"TOKEN": X[1]},
                "secrets": [{"source": X[2]}],
            },
            "command": ["serve", "--key", X[3]],
            "entrypoint": None,
            "environment": {"A": X[4], "B": None, "image": X[12], "BASE64": f"{X[15]}=="},
            "healthcheck": {"test": ["CMD", "curl", X[5]], "interval": "1s"},
            "image": f"https://me:{X[9]}@registry/api",
            "labels": [f"owner={X[6]}"],
            "logging": {"driver": "splunk", "options": {"splunk-token": X[10]}},
            "ports": [{"target": 80}],
            "what_comes_next": {"a": [{"b": X[11]}]},
        }
    },
    "volumes": {"data": {"driver": "local", "driver_opts": {"o": f"password={X[13]}"}}},
    "secrets": {"key": {"environment": X[7]}},
    "x-ours": X[14],
}


def test_no_value_that_people_choose_is_left() -> None:
    said = str(masking.configuration(CONFIG))
    assert [name for name in HIDDEN if name in said] == []


def test_names_and_what_the_engine_is_told_are_left() -> None:
    found = masking.configuration(CONFIG)
    api = found["services"]["api"]
    assert api["environment"] == {"A": "***", "B": None, "image": "***", "BASE64": "***"}
    assert (api["command"], api["labels"], api["entrypoint"]) == (["serve", "***", "***"], ["***"], None)
    assert (api["ports"], api["healthcheck"]["interval"]) == ([{"target": 80}], "1s")
    assert (found["name"], found["volumes"]["data"]["driver"]) == ("shop", "local")


def test_hidden_values_are_known_and_those_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("line one\nline two\n\n")
    monkeypatch.setenv("PIN", "1234")
    sources = [
        Source(tmp_path / "key"),
        Source(variable="PIN"),
        Source(tmp_path / "missing"),
        Source(command=("true",)),
    ]
    found = masking.values(CONFIG, sources)
    assert {X[1], X[3], X[4], X[5], X[6], "line one", "line two", "1234"} <= found
    assert masking.text(f"it said {X[4]} and 1234", found) == "it said *** and ***"


def test_each_line_of_a_value_is_known() -> None:
    environment = {"PEM": "-----BEGIN-----\nhunter22\n-----END-----\n"}
    found = masking.values({"services": {"api": {"environment": environment}}}, ())
    assert "hunter22" not in masking.text("in a line of its own: hunter22", found)


def test_what_each_log_is_full_of_is_no_known_value() -> None:
    environment = {"PORT": "8000", "HOME": "/home/someone", "DEBUG_TOKENS": "true", "API_KEY": "k3y4"}
    assert masking.values({"services": {"api": {"environment": environment}}}, ()) == {"k3y4"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('invalid interpolation format for services.a.environment.X: "${oops"', "***"),
        ("yaml: unmarshal errors:\n  cannot unmarshal !!str `hunter2` into int", "***"),
        ("services.a.X.\nYou may need to escape any $ with another $.\n${oops", "***"),
        ('failed to read /srv/.env: line 2: unterminated quoted value "hunter2 correct', "line 2: unterminated"),
        ('unexpected character "+" in variable name "my-pw+x=hunter2"', "in variable name"),
        ('Invalid template: "${hunter2"', "Invalid template"),
        ("git fetch https://u:p@tok3n/w@host/x?sig=hunter2 failed", "https://***@host/x?*** failed"),
        ('service "a" depends on undefined service "b"', '"b"'),
        ("git fetch https://tok3n@host/x failed", "https://***@host/x"),
    ],
)
def test_a_refusal_does_not_quote_values(said: str, expected: str) -> None:
    found = masking.message(said)
    assert expected in found
    assert [word for word in ("oops", "hunter2", "tok3n") if word in found] == []


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (["uvicorn", "app:app"], "uvicorn"),
        (["/usr/bin/env", "x"], "/usr/bin/env"),
        (["--requirepass=hunter2hunter2"], "***"),
        (["PGPASSWORD=hunter2 psql -h db"], "***"),
    ],
)
def test_of_a_command_line_the_program_is_shown(command: list[str], first: str) -> None:
    found = masking.configuration({"services": {"api": {"command": command, "entrypoint": command}}})
    assert found["services"]["api"]["command"] == [first, *("***" for _ in command[1:])]
    assert "hunter2" not in str(found)


def test_what_people_choose_is_hidden_below_what_is_shown() -> None:
    service = {
        "build": {"context": "https://example.com/ctx.tar.gz?Signature=hunter2"},
        "volumes": [{"type": "bind", "source": "/srv", "x-token": "hunter2"}],
        "networks": {"default": {"x-tok": "hunter2"}},
        "image": "https://u:hunter2/w@registry/x",
    }
    found = masking.configuration({"services": {"api": service}})["services"]["api"]
    assert "hunter2" not in str(found)
    assert found["build"]["context"] == "https://example.com/ctx.tar.gz?***"
    assert found["volumes"][0]["source"] == "/srv"


def test_the_user_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USER", "ada")
    said = "/home/ada/shop, /data/ada/x, adamant, /home/adamant"
    assert masking.without_user(said) == "~/shop, /data/<user>/x, adamant, /home/adamant"
