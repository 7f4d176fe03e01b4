"""Where our words go, and how they look off a terminal and on one."""

from __future__ import annotations

import io
import json

import pytest

from ddd_tasks import console
from ddd_tasks.errors import ConfigError

ROWS = [
    {"service": "api", "state": "running", "url": "http://127.0.0.1:8000"},
    {"service": "redis-cache", "state": "exited"},
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_results_go_to_stdout_and_our_words_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console.result("api")
    console.note("built")
    console.warning("old compose")
    assert capsys.readouterr() == ("api\n", "built\nwarning: old compose\n")


def test_json_is_read_back_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    value = [{"service": "café", "urls": []}]
    console.result_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert "café" in out


def test_an_error_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    console.error(ConfigError("no stage named 'x'", cause="words\nof the engine", hint="ddd dev.build"))
    assert capsys.readouterr().err == (
        "error: no stage named 'x'\ncause: words\n       of the engine\ntry: ddd dev.build\n"
    )


def test_a_step_says_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    with console.step("building api"):
        assert capsys.readouterr().err == "==> building api\n"
    assert capsys.readouterr().err == "    building api: 0.0 s\n"


def test_a_step_that_fails_claims_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError), console.step("building api"):
        raise ConfigError("no")
    assert capsys.readouterr().err == "==> building api\n"


def test_a_table_off_a_terminal_is_plain_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["service", "state", "url"], ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "SERVICE      STATE    URL",
        "api          running  http://127.0.0.1:8000",
        "redis-cache  exited",
    ]


def test_an_empty_table_has_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["service", "state"], [])
    assert capsys.readouterr().out == "SERVICE  STATE\n"


def test_a_table_on_a_terminal_shows_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    console.table(["service", "state", "url"], [*ROWS, {"service": "[red]odd[/]", "state": ""}], title="stack")
    for word in ("stack", "api", "running", "http://127.0.0.1:8000", "redis-cache", "[red]odd[/]"):
        assert word in terminal.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert console.colour("text", "red", stream) == ("\033[31mtext\033[0m" if coloured else "text")


def test_no_word_of_others_reaches_the_terminal_as_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("NO_COLOR", "1")
    hostile = "a\x1b]0;title\x07\x9b2Jz"
    console.result(hostile)
    console.table(("label",), [{"label": hostile}])
    console.note(hostile)
    console.warning(hostile)
    console.error(ConfigError(hostile, cause=hostile))
    said = out.getvalue() + err.getvalue()
    assert not {"\x07", "\x9b", "\x1b]"} & {*said, *(said[at : at + 2] for at in range(len(said)))}
    assert said.count("a\\x1b]0;title\\x07\\x9b2Jz") == 6


def test_a_cell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(("label",), [{"label": "one\ntwo"}])
    assert capsys.readouterr().out == "LABEL\none\\ntwo\n"
