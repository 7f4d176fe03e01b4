"""The only place that starts programs: argv lists, echo, dry run, redaction, and 128+n for a death by signal n."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ddd_tasks import console
from ddd_tasks.errors import CommandError, ConfigError

Process: TypeAlias = "subprocess.Popen[bytes]"


@dataclass(frozen=True)
class Mode:
    """What the caller asked of every program: echo prints it first, dry prints it instead."""

    echo: bool = False
    dry: bool = False


_MOMENT = 0.5  # seconds
_DEFAULT = Mode()
_mode: ContextVar[Mode] = ContextVar("mode", default=_DEFAULT)

_SECRET_WORD = r"[\w.-]*(?:passw(?:or)?d|secret|token|api[_-]?key|credential|auth)[\w.-]*"
_ASKS = re.compile(rf"(?i)--?{_SECRET_WORD}")
_REDACTIONS = (
    (re.compile(rf"(?i)\b({_SECRET_WORD})([=:])\S+"), r"\1\2***"),
    (re.compile(r"(://[^/\s:@]+):[^/\s@]+@"), r"\1:***@"),
)


@contextmanager
def mode(*, echo: bool = False, dry: bool = False) -> Iterator[None]:
    """Within the block, programs are echoed or, with dry, only echoed."""
    token = _mode.set(Mode(echo=echo or dry, dry=dry))
    try:
        yield
    finally:
        _mode.reset(token)


def is_dry() -> bool:
    """Whether programs are printed instead of started."""
    return _mode.get().dry


def redact(text: str) -> str:
    """The text with the values of secret-looking assignments and the passwords of URLs replaced by ***."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def redacted(words: Sequence[str]) -> list[str]:
    """The words of a command line, each redacted; what follows one such as --password is hidden as a whole."""
    before = ["", *words]
    return ["***" if _ASKS.fullmatch(last) else redact(word) for last, word in zip(before, words, strict=False)]


def announce(argv: Sequence[str]) -> None:
    """Print the command so that it can be pasted, when echo or dry run is on."""
    if _mode.get().echo:
        console.echo(redact(shlex.join(argv)))


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit status (128+n for signal n) and what it wrote, decoded as UTF-8."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


def exit_status(returncode: int) -> int:
    """A subprocess returncode as a shell would show it: death by signal n becomes 128+n."""
    return 128 - returncode if returncode < 0 else returncode


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    quiet: bool = False,
    foreground: bool = False,
) -> int:
    """Run a program on our own stdin, stdout and stderr and return its exit status.

    quiet keeps its stdout away from ours (it goes to our stderr). foreground: it is what the user runs, and its status
    answers Ctrl-C; otherwise KeyboardInterrupt is raised once it has ended. Raises CommandError when check is set and
    it fails, ConfigError when it does not exist. In a dry run it is only printed.
    """
    announce(argv)
    if is_dry():
        return 0
    with _found(argv):
        process = subprocess.Popen(list(argv), cwd=cwd, env=env, stdout=console.STDERR_FILENO if quiet else None)
    status = _wait(process, foreground=foreground)
    if check and status != 0:
        raise CommandError(f"{argv[0]} ended with status {status}: {redact(shlex.join(argv))}", status)
    return status


def capture(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    stdin: str | bytes | None = None,
) -> Completed:
    """Run a program that only answers a question and return what it wrote; a dry run asks all the same.

    Raises CommandError, with what it wrote on stderr as the cause, when check is set and it fails.
    """
    with _found(argv):
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env=env,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
        )
    status = exit_status(done.returncode)
    completed = Completed(
        tuple(argv), status, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and status != 0:
        said = completed.stderr.strip() or completed.stdout.strip()
        raise CommandError(f"{argv[0]} ended with status {status}: {redact(shlex.join(argv))}", status, cause=said)
    return completed


def start(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = subprocess.PIPE,
    stdout: int | None = subprocess.PIPE,
    stderr: int | None = subprocess.PIPE,
    own_session: bool = True,
) -> Process:
    """Start a program that goes on while we do; own_session keeps the terminal's Ctrl-C away from it."""
    announce(argv)
    with _found(argv):
        return subprocess.Popen(
            list(argv), cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=own_session
        )


def _wait(process: Process, *, foreground: bool) -> int:
    """Wait for the end of a program also through Ctrl-C; then the interruption goes on, unless it was foreground."""
    interruption: KeyboardInterrupt | None = None
    while True:
        try:
            status = exit_status(process.wait())
        except KeyboardInterrupt as caught:
            interruption = caught
            _pass_on(process, getattr(caught, "number", signal.SIGINT))
            continue
        if interruption and not foreground:
            raise interruption
        return status


def _pass_on(process: Process, number: int) -> None:
    """A terminal sends Ctrl-C to the program as well; a signal that came to us alone is passed on after a moment."""
    try:
        process.wait(_MOMENT)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.send_signal(number)


@contextmanager
def _found(argv: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError(f"the program {argv[0]!r} was not found", cause=str(error), hint="ddd engine.info") from error
