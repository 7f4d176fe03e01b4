"""The beginning of a session of the Debug Adapter Protocol, up to where breakpoints can be set."""

from __future__ import annotations

import time

from ddd_tasks.debugging.clients.dapsession import Pending, Session
from ddd_tasks.debugging.clients.errors import AttachError, DebuggerError, DebuggerTimeoutError, NotListeningError

_INITIALIZE = {
    "clientID": "ddd-tasks",
    "clientName": "ddd-tasks",
    "adapterID": "ddd-tasks",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
    "supportsVariableType": True,
    "supportsRunInTerminalRequest": False,
    "locale": "en",
}


def greet(session: Session, *, seconds: float) -> None:
    """Begin the protocol. Raises NotListeningError: whatever listens there, it is no debugger."""
    try:
        session.capabilities = session.request("initialize", dict(_INITIALIZE), seconds=seconds)
    except DebuggerError as error:
        raise NotListeningError("the debugger does not answer when greeted", cause=error.cause or error.what) from error


def wait_until_initialized(session: Session, attaching: Pending, *, seconds: float) -> None:
    """Until breakpoints can be set. Raises DebuggerError as soon as attach is refused."""
    deadline = time.monotonic() + seconds
    while not session.initialized.wait(0.02) and not attaching.is_refused:
        if time.monotonic() > deadline:
            raise DebuggerTimeoutError(f"the debugger did not attach within {seconds:g} s")
    if attaching.is_refused:
        session.answer(attaching, seconds=0)


def attach_error(error: DebuggerError) -> DebuggerError:
    """The error for a session that did not come about."""
    if isinstance(error, (NotListeningError, AttachError)):
        return error
    return AttachError("the debugger does not attach to the program", cause=error.cause or error.what)
