"""What can go wrong between a client and a debugger.

DebuggerError               1  the debugger refused, or ended
├── NotListeningError       1  no debugger answers at that address
├── AttachError             1  it answers, but does not attach to the program
├── EvaluationError         1  an expression has no value in that frame
└── DebuggerTimeoutError    1  it did not answer in time
"""

from __future__ import annotations

from ddd_tasks.errors import DddError, ExitCode


class DebuggerError(DddError):
    """The debugger refused a request, or its connection ended: cause holds its own words."""

    exit_code = ExitCode.FAILURE


class NotListeningError(DebuggerError):
    """No debugger answers at the address: refused, closed at once, or silent when greeted."""


class AttachError(DebuggerError):
    """A debugger answers, but does not attach to the program."""


class EvaluationError(DebuggerError):
    """An expression has no value in a frame: what names the expression, cause holds the debugger's words."""


class DebuggerTimeoutError(DebuggerError):
    """The debugger did not answer a request in time."""
