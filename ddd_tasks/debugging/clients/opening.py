"""The client that speaks the protocol of a service's debugger."""

from __future__ import annotations

from collections.abc import Sequence

from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.clients import cdp, dap
from ddd_tasks.debugging.clients.base import Client
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import PathMapping


def connect(attachment: Attachment, mappings: Sequence[PathMapping] | None = None, *, timeout: float = 10.0) -> Client:
    """Attach as an editor would. mappings: others than those that were found; timeout: seconds for each answer.

    Raises NotListeningError, AttachError, and UnsupportedError for a language whose debugger listens on no port.
    """
    debug = attachment.language.debug
    if debug is None or debug.port is None:
        raise UnsupportedError(
            f"no client of ours can debug {attachment.language.name}",
            cause="its debugger listens on no port: an editor starts it in the container",
            hint="ddd debug.config",
        )
    known = attachment.mappings if mappings is None else tuple(mappings)
    arguments = debug.arguments(attachment.host, attachment.port, known)
    if debug.protocol == "cdp":
        return cdp.connect(attachment.host, attachment.port, arguments, known, timeout=timeout)
    return dap.connect(attachment.host, attachment.port, arguments, known, timeout=timeout)
