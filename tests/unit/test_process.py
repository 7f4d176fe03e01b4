"""Programs: statuses, dry run, echo, redaction, bytes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from ddd_tasks import process
from ddd_tasks.errors import CommandError, ConfigError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(("returncode", "status"), [(0, 0), (5, 5), (-2, 130), (-9, 137), (-15, 143)])
def test_a_death_by_signal_is_128_plus_its_number(returncode: int, status: int) -> None:
    assert process.exit_status(returncode) == status


def test_run_returns_the_programs_status() -> None:
    assert process.run(python("raise SystemExit(7)"), check=False) == 7
    assert process.run(python("import os; os.kill(os.getpid(), 9)"), check=False) == 137


def test_a_failed_program_is_an_error_with_its_status() -> None:
    with pytest.raises(CommandError, match="ended with status 3") as caught:
        process.run(python("raise SystemExit(3)"))
    assert caught.value.exit_code == 3


def test_a_failed_question_tells_what_the_program_said() -> None:
    with pytest.raises(CommandError) as caught:
        process.capture(python("import sys; print('out'); sys.exit('no such thing')"))
    assert caught.value.exit_code == 1
    assert caught.value.cause == "no such thing"


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="'no-such-program'") as caught:
        process.run(["no-such-program", "--flag"])
    assert "No such file" in caught.value.cause


def test_output_goes_where_it_belongs(capfd: pytest.CaptureFixture[str]) -> None:
    process.run(python("print('result')"))
    assert capfd.readouterr() == ("result\n", "")
    process.run(python("print('result')"), quiet=True)
    assert capfd.readouterr() == ("", "result\n")


def test_directory_and_environment_are_the_given_ones(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ.get('WORD'), os.environ.get('HOME'))"
    done = process.capture(python(code), cwd=tmp_path, env={"WORD": "a b"})
    assert done.stdout.split("\n")[0] == f"{tmp_path.resolve()} a b None"


@pytest.mark.parametrize("given", ["text: é", b"text: \xc3\xa9"])
def test_capture_feeds_stdin(given: str | bytes) -> None:
    done = process.capture(python("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"), stdin=given)
    assert done.stdout == "text: é"


def test_capture_without_stdin_reads_nothing_of_ours() -> None:
    assert process.capture(python("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_bytes_that_are_no_text_do_not_break_capture() -> None:
    done = process.capture(python("import sys; sys.stdout.buffer.write(bytes([255, 65]))"))
    assert done.stdout == "\ufffdA"


def test_a_dry_run_prints_the_command_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "made it"
    with process.mode(dry=True):
        assert process.is_dry()
        assert process.run(["touch", str(made)]) == 0
    assert not process.is_dry()
    assert not made.exists()
    assert capsys.readouterr().err == f"touch '{made}'\n"


def test_a_dry_run_still_answers_questions() -> None:
    with process.mode(dry=True):
        assert process.capture(["echo", "asked"]).stdout == "asked\n"


def test_echo_prints_a_command_that_can_be_pasted_and_runs_it(capfd: pytest.CaptureFixture[str]) -> None:
    with process.mode(echo=True):
        process.run(["echo", "a b", "$HOME"])
    assert capfd.readouterr() == ("a b $HOME\n", "echo 'a b' '$HOME'\n")


def test_nothing_is_echoed_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    process.run(["true"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl --header token:abc", "curl --header token:***"),
        ("-e DB_PASSWORD=hunter2 -e DEBUG=1", "-e DB_PASSWORD=*** -e DEBUG=1"),
        ("API_KEY=k apikey=k api-secret=k", "API_KEY=*** apikey=*** api-secret=***"),
        ("https://me:hunter2@index.example/simple", "https://me:***@index.example/simple"),
        ("http://localhost:8000/a@b", "http://localhost:8000/a@b"),
        ("docker compose up --detach", "docker compose up --detach"),
    ],
)
def test_secrets_are_not_shown(text: str, shown: str) -> None:
    assert process.redact(text) == shown


def test_the_message_of_a_failure_shows_no_secret() -> None:
    with pytest.raises(CommandError) as caught:
        process.capture([sys.executable, "-c", "raise SystemExit(1)", "PASSWORD=hunter2"])
    assert "hunter2" not in caught.value.render()
    assert "PASSWORD=***" in caught.value.render()


SLEEPER = """\
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(42))
print("ready", flush=True)
time.sleep(30)
"""
RUNNER = (
    "import sys; from ddd_tasks import process; print('status', process.run({argv!r}, check=False, foreground={fg}))"
)


@pytest.mark.parametrize("foreground", [True, False])
def test_ctrl_c_that_only_we_got_ends_the_program_and_then_us(foreground: bool) -> None:
    """A program in the foreground decides how it ends; after any other, we are the ones that were interrupted."""
    runner = RUNNER.format(argv=python(SLEEPER), fg=foreground)
    with process.start(python(runner), cwd=Path(__file__).parents[2]) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    if foreground:
        assert out == b"status 42\n"
    else:
        assert out == b""
        assert b"KeyboardInterrupt" in err


def test_a_started_program_is_in_a_session_of_its_own() -> None:
    with process.start(python("import os; print(os.getsid(0))")) as child:
        out, _ = child.communicate(timeout=10)
    assert int(out) == child.pid != os.getsid(0)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("serve", "--password", "hunter2", "--port", "1"), ["serve", "--password", "***", "--port", "1"]),
        (("serve", "--api-key=x", "-v"), ["serve", "--api-key=***", "-v"]),
        (("--token",), ["--token"]),
        ((), []),
    ],
)
def test_the_word_after_one_that_asks_for_a_secret_is_hidden(words: tuple[str, ...], shown: list[str]) -> None:
    assert process.redacted(words) == shown
