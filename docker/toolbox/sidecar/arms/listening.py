"""A debugger that listens already: nothing to bring, nothing to take away."""

from __future__ import annotations

import socket

from sidecar import proc
from sidecar.arms import Armed, ArmError, Options
from sidecar.proc import Process


def arm(process: Process, options: Options) -> Armed:
    """The debugger on this port of the service. Raises ArmError when nothing listens there."""
    if options.port not in {listener.port for listener in proc.listeners()}:
        raise ArmError("failed", f"nothing listens on port {options.port} of the service")
    return Armed(("tcp", options.port), process.pid)


def connect(armed: Armed) -> socket.socket:
    """A connection to it."""
    try:
        return armed.dial()
    except OSError as error:
        raise ArmError("gone", f"port {armed.endpoint[1]} of the service: {error}") from error


def disarm(armed: Armed) -> None:
    """Nothing: it was there before."""
