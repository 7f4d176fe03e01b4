"""What every client of a debugger can do, whatever the protocol: paths are those of the host on both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Breakpoint(NamedTuple):
    """What the debugger says of a breakpoint.

    is_verified: it stands on code, at line (which may be further down than the wanted one). A debugger that learns of
    the code only later says no first. message: the debugger's own words.
    """

    path: str
    line: int
    is_verified: bool
    message: str = ""


class Frame(NamedTuple):
    """A frame of the stack. path: of the host where a mapping holds it, otherwise the debugger's own."""

    name: str
    path: str
    line: int
    id: str


class Stop(NamedTuple):
    """The program has stopped. reason: breakpoint, entry, exception ...; frames: the innermost first."""

    reason: str
    frames: tuple[Frame, ...]
    thread: str

    @property
    def place(self) -> tuple[str, int]:
        """Path and line of the innermost frame."""
        return self.frames[0].path, self.frames[0].line


class Client(Protocol):
    """An attached debugger. Errors: clients.errors; every call has a time limit."""

    def set_breakpoints(self, path: str, lines: Mapping[int, str]) -> list[Breakpoint]:
        """Replace the breakpoints of a host file: line -> condition, "" for none."""
        ...

    def wait_for_stop(self, seconds: float) -> Stop | None:
        """The next stop, or None when the time is over."""
        ...

    def variables(self, frame: Frame) -> dict[str, str]:
        """The local variables of a frame as the debugger shows them."""
        ...

    def evaluate(self, expression: str, frame: Frame) -> str:
        """The value of an expression in a frame. Raises EvaluationError with the debugger's words."""
        ...

    def resume(self, stop: Stop) -> None:
        """Let the program go on."""
        ...

    def sources(self) -> list[str]:
        """The paths of source files that the debugger knows, in its own words; [] where it does not tell."""
        ...

    def close(self) -> None:
        """Detach: the program goes on, without breakpoints. A second call does nothing."""
        ...
