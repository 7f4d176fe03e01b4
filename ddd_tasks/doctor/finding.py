"""What the doctor says about one thing that it looked at."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddd_tasks import process
from ddd_tasks.errors import DddError

OK, WARNING, PROBLEM = "ok", "warning", "problem"
COLUMNS = ("check", "state", "what")


class Finding(NamedTuple):
    """One thing that was looked at. state: OK, WARNING or PROBLEM.

    why: why it matters; fix: one command to paste; is_safe: whether --fix may run it: it takes nothing from anybody;
    applied: what --fix has run for this check.
    """

    check: str
    state: str
    what: str
    why: str = ""
    fix: str = ""
    is_safe: bool = False
    applied: tuple[str, ...] = ()

    @property
    def cells(self) -> dict[str, str]:
        """Its row of the table."""
        return {"check": self.check, "state": self.state, "what": self.what}

    def as_dict(self) -> dict[str, Any]:
        """The fields of doctor --json."""
        return {**self._asdict(), "why": self.why or None, "fix": self.fix or None, "applied": list(self.applied)}

    def lines(self) -> list[str]:
        """What to read about a warning or a problem, below the table."""
        said = [f"{self.check}: {self.what}"]
        said += [f"  why: {self.why}"] if self.why else []
        return [*said, f"  try: {self.fix}"] if self.fix else said

    def redacted(self) -> Finding:
        """The same without passwords, which words of other programs may have. A fix has none in the first place."""
        return self._replace(what=process.redact(self.what))


def of_error(check: str, error: DddError, why: str = "", *, state: str = PROBLEM) -> Finding:
    """A refusal as a finding: its cause in one line, its hint as the fix."""
    cause = " ".join(error.cause.split())
    what = f"{error.what}: {cause}" if cause else error.what
    if error.nearest:
        what += f" (did you mean {error.nearest}?)"
    return Finding(check, state, what, why, error.hint)
