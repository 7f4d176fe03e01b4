"""The client that speaks the protocol of a service's debugger."""

from __future__ import annotations

from collections.abc import Sequence

from ddd_tasks.debugging.attachment import Attachment
from ddd_tasks.debugging.clients import cdp, dap
from ddd_tasks.debugging.clients.base import Client
from ddd_tasks.debugging.clients.mapped import MappedClient
from ddd_tasks.debugging.clients.transport import Program
from ddd_tasks.errors import UnsupportedError
from ddd_tasks.language import PathMapping


def connect(attachment: Attachment, mappings: Sequence[PathMapping] | None = None, *, timeout: float = 10.0) -> Client:
    """Attach as an editor would. mappings: others than those that were found; timeout: seconds for each answer.

    Raises NotListeningError, AttachError, and UnsupportedError for a language without a debugger.
    """
    debug = attachment.language.debug
    if debug is None:
        raise UnsupportedError(
            f"no client of ours can debug {attachment.language.name}", cause="it has no debugger", hint="ddd languages"
        )
    known = attachment.mappings if mappings is None else tuple(mappings)
    if debug.port is None:
        return _through_streams(attachment, known, timeout)
    arguments = debug.arguments(attachment.host, attachment.port, known)
    if debug.protocol == "cdp":
        return cdp.connect(attachment.host, attachment.port, arguments, known, timeout=timeout)
    return dap.connect(attachment.host, attachment.port, arguments, known, timeout=timeout)


def command(attachment: Attachment) -> list[str]:
    """What starts the debugger that is a program of the container, and talks through its standard streams."""
    assert attachment.language.debug is not None
    _, path = attachment.language.debug.debuggers[0]
    return ["docker", "exec", "-i", attachment.host, path, "--interpreter=vscode"]


def _through_streams(attachment: Attachment, mappings: Sequence[PathMapping], timeout: float) -> Client:
    """Not verified with netcoredbg, which could not be had; that it does not map paths is from its documentation.

    The same transport is tested with debugpy's adapter in a container.
    """
    # An editor's own entry lets its user pick the process.
    arguments = {"processId": attachment.pid, "justMyCode": False}
    return MappedClient(dap.attach(lambda: Program(command(attachment)), arguments, timeout=timeout), mappings)
