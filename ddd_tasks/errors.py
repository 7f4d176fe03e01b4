"""What can go wrong, as one tree, and the exit status of each kind.

DddError                    70  a bug of ours, or a kind without a place of its own
├── ConfigError             78  compose file, Dockerfile, x-ddd or arguments that cannot be used as they are
│   └── UnknownNameError    78  a service, stage, task or key that does not exist
├── EngineError             69  no engine answers, or it refused
├── NotRunningError         75  the service exists, but has no running container
├── StoppedError            75  the container was stopped while a command ran in it
├── PortTakenError          73  something else listens on a port that we have to publish
├── UnsupportedError        65  this language, image or system lacks what the task needs
└── CommandError             *  a program that we started failed: its own status comes out unchanged
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import would cost every exec 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class ExitCode:
    """Our own exit codes (sysexits.h where it has a word for it). Statuses of inner commands pass through unchanged."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    UNSUPPORTED = 65
    ENGINE = 69
    BUG = 70
    PORT_TAKEN = 73
    NOT_RUNNING = 75
    CONFIG = 78
    INTERRUPTED = 130


class DddError(Exception):
    """A refusal in the shape that every message has.

    what: one line, with the value that was given. cause: the engine's or tool's own words. given and valid: the name
    that was given and the names that exist; the nearest one is found from them. hint: one command to paste.
    """

    exit_code: int = ExitCode.BUG

    def __init__(
        self,
        what: str,
        *,
        cause: str = "",
        given: str | None = None,
        valid: Iterable[str] = (),
        hint: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause.strip()
        self.given = given
        self.valid = tuple(sorted(valid))
        self.hint = hint

    def __str__(self) -> str:
        """The whole message: a traceback or a failing test shows the cause, too."""
        return self.render()

    @property
    def nearest(self) -> str | None:
        """The valid name that looks most like the given one, or None."""
        if self.given is None or not self.valid:
            return None
        import difflib  # costs milliseconds and is needed only when something failed

        close = difflib.get_close_matches(self.given.lower(), [name.lower() for name in self.valid], n=1, cutoff=0.6)
        return next((name for name in self.valid if name.lower() == close[0]), None) if close else None

    def as_dict(self) -> dict[str, Any]:
        """The same fields for --json; empty ones are left out."""
        fields: dict[str, Any] = {
            "error": self.what,
            "cause": self.cause,
            "did_you_mean": self.nearest,
            "valid": list(self.valid),
            "try": self.hint,
        }
        return {key: value for key, value in fields.items() if value} | {"exit_code": int(self.exit_code)}

    def render(self) -> str:
        """The message as lines: error, cause, did you mean, valid, try."""
        lines = [f"error: {self.what}"]
        if self.cause:
            lines.append("cause: " + self.cause.replace("\n", "\n       "))
        if self.nearest:
            lines.append(f"did you mean: {self.nearest}")
        if self.valid:
            lines.append("valid: " + ", ".join(self.valid))
        if self.hint:
            lines.append(f"try: {self.hint}")
        return "\n".join(lines)


class ConfigError(DddError):
    """A compose file, Dockerfile, x-ddd entry or argument that cannot be used as it is."""

    exit_code = ExitCode.CONFIG


class UnknownNameError(ConfigError):
    """A name that does not exist: kind is the field's word for it, such as service or stage."""

    def __init__(self, kind: str, given: str, valid: Iterable[str], *, where: str = "", hint: str = "") -> None:
        place = f" in {where}" if where else ""
        names = tuple(valid)
        cause = "" if names else f"there is no {kind} at all{place}"
        super().__init__(f"no {kind} named {given!r}{place}", cause=cause, given=given, valid=names, hint=hint)


class EngineError(DddError):
    """No engine answers, or it refused what was asked."""

    exit_code = ExitCode.ENGINE


class NotRunningError(DddError):
    """The service exists, but has no running container."""

    exit_code = ExitCode.NOT_RUNNING


class StoppedError(DddError):
    """The container was stopped, restarted or removed while a command ran in it, which is not run again."""

    exit_code = ExitCode.NOT_RUNNING


class PortTakenError(DddError):
    """Something else already listens on a port that has to be published."""

    exit_code = ExitCode.PORT_TAKEN


class UnsupportedError(DddError):
    """This language, image or system lacks what the task needs."""

    exit_code = ExitCode.UNSUPPORTED


class CommandError(DddError):
    """A program that we started ended with a status other than 0; status is that status, 128+n for signal n."""

    def __init__(self, what: str, status: int, *, cause: str = "", hint: str = "") -> None:
        super().__init__(what, cause=cause, hint=hint)
        self.exit_code = status


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: they end a task as Ctrl-C does, with what has to be removed removed."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number
