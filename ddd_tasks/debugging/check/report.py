"""What a check found out, and its refusal: which link between the user's line and the running program is broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ddd_tasks.debugging.check.expectation import Outcome
from ddd_tasks.debugging.check.place import Place, short
from ddd_tasks.debugging.clients.base import Stop
from ddd_tasks.errors import DddError, ExitCode

# The links, in the order in which they are tried.
LISTENING, ATTACH, MAPPING, LINE, HIT, EXPECTATION = ("listening", "attach", "mapping", "line", "hit", "expectation")
_WIDEST = 200
_TALLEST = 12


@dataclass
class Report:
    """What was found so far. service: its name; notes: what happened beside it, for people."""

    service: str
    place: Place
    stop: Stop | None = None
    variables: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The fields of debug.check --json; link is None unless one is broken."""
        frames = self.stop.frames if self.stop else ()
        return {
            "service": self.service,
            "file": str(self.place.file),
            "line": self.place.line,
            "hit": self.stop is not None,
            "stack": [{"name": one.name, "path": one.path, "line": one.line} for one in frames],
            "locals": {name: cut(value) for name, value in self.variables.items()},
            "expectations": [_as_dict(one) for one in self.outcomes],
            "link": None,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        frames = self.stop.frames if self.stop else ()
        rows = [f"hit {self.place.shown}" if self.stop else f"{self.place.shown} was not hit"]
        rows += ["stack", *(f"  {one.name}  {short(one.path)}:{one.line}" for one in frames[:_TALLEST])]
        rows += [f"  and {len(frames) - _TALLEST} more"] if len(frames) > _TALLEST else []
        rows += ["locals", *(f"  {name} = {cut(value)}" for name, value in self.variables.items())]
        rows += ["expectations"] if self.outcomes else []
        return rows + [f"  {'true ' if one.is_true else 'false'} {_shown(one)}" for one in self.outcomes]


class CheckError(DddError):
    """The breakpoint is not what the user wants of it. link: the one that is broken; report: what was found so far."""

    exit_code = ExitCode.FAILURE

    def __init__(self, link: str, report: Report, what: str, *, cause: str, hint: str) -> None:
        super().__init__(what, cause=cause, hint=hint)
        self.link = link
        self.report = report

    def as_dict(self) -> dict[str, Any]:
        """The refusal's fields and those of the report."""
        return {**super().as_dict(), **self.report.as_dict(), "link": self.link}

    def render(self) -> str:
        """The message, with the link after its first line."""
        first, *rest = super().render().split("\n")
        return "\n".join([first, f"broken link: {self.link}", *rest])


class NoDebuggerError(CheckError):
    """No debugger gets to the service: what debug.attach refuses, with its exit code, as the broken link."""

    def __init__(self, report: Report, refusal: DddError) -> None:
        super().__init__(ATTACH, report, refusal.what, cause=refusal.cause, hint=refusal.hint)
        self.given, self.valid, self.exit_code = refusal.given, refusal.valid, refusal.exit_code


def cut(value: str) -> str:
    """A value on one line of bearable length."""
    line = " ".join(value.split("\n"))
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}... ({len(line)} characters)"


def _as_dict(one: Outcome) -> dict[str, Any]:
    wanted = {"expression": one.expectation.expression, "wanted": one.expectation.value}
    return {**wanted, "got": None if one.cause else one.got, "is_true": one.is_true}


def _shown(one: Outcome) -> str:
    wanted = f"{one.expectation.expression} == {one.expectation.value}"
    return wanted if one.is_true else f"{wanted} ({one.cause or f'it is {cut(one.got)}'})"
