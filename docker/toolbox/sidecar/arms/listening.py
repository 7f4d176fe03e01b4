"""A debugger that listens already: nothing to bring, nothing to take away."""

from __future__ import annotations

import socket

from sidecar import proc
from sidecar.arms import Armed, ArmError, Options
from sidecar.proc import Process


def arm(process: Process, options: Options) -> Armed:
    """The debugger on this port of the service. Raises ArmError when nothing listens there."""
    if not proc.is_held(options.port):
        raise ArmError("failed", f"no process of the service listens on port {options.port}")
    return Armed(("tcp", options.port), process.pid)


def connect(armed: Armed) -> socket.socket:
    """A connection to it."""
    try:
        return armed.dial()
    except OSError as error:
        raise ArmError("gone", f"port {armed.endpoint[1]} of the service: {error}") from error


def disarm(armed: Armed) -> None:
    """Nothing: it was there before."""
