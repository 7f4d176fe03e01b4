"""What is put in place of a session's body: only the sessions it queued, or the body with its success remembered.

Nox's own objects come in as they are and are given back as they were; nothing of Nox is imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ddd_tasks import console
from ddd_tasks.sessions import contents, results
from ddd_tasks.sessions.results import Inputs, Success
from ddd_tasks.sessions.session import Prepared

_SHOWN = 3


def success(runner: Any, inputs: Inputs, found: Success) -> None:
    """Let the session end as the success that it was, and say so."""

    def body(*_: Any, **__: Any) -> None:
        for name, arguments in found.queued:
            runner.manifest.notify(name, arguments)

    console.note(
        f"{runner.friendly_name} is unchanged and was successful at {results.clock(found.when)}, "
        f"in {found.seconds:.1f} s: it does not run again\n"
        f"compared: {inputs.compared}\n"
        f"to run it all the same: {results.OVERRIDE}=1, or nox --reuse-venv=never"
    )
    _replace(runner, lambda _: body)


def recording(runner: Any, prepared: Prepared, inputs: Inputs) -> None:
    """Let the session run as it is, and remember its success if nothing changed under it."""
    began = time.time()

    def record(original: Callable[..., Any]) -> Callable[..., Any]:
        def body(*words: Any, **parameters: Any) -> None:
            manifest = _Manifest(runner.manifest)
            runner.manifest = manifest
            try:
                original(*words, **parameters)
            finally:
                runner.manifest = manifest.original
            _remember(prepared, inputs, Success(began, time.time() - began, manifest.queued))

        return body

    _replace(runner, record)


def _remember(prepared: Prepared, inputs: Inputs, found: Success) -> None:
    """Remember it, unless files are not what they were: nobody knows which of them it was a success of."""
    changed = contents.differences(inputs.files, results.look(prepared))
    if not changed:
        inputs.remember(found)
        return
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    console.note(
        f"this success is not remembered: while it ran, files changed that git does not ignore: "
        f"{', '.join(changed[:_SHOWN])}{more}"
    )


class _Manifest:
    """Nox's manifest with a list of what a session has queued."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.queued: list[tuple[str, Sequence[str] | None]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def notify(self, session: Any, posargs: Any = None) -> Any:
        """Queue a session, by its name or as Nox's own object."""
        arguments = None if posargs is None else [str(word) for word in posargs]
        self.queued.append((getattr(session, "friendly_name", session), arguments))
        return self.original.notify(session, posargs)


def _replace(runner: Any, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put another body into the session for one call; other sessions may share what holds the body."""
    holder = runner.func
    original = holder.func
    body = make(original)

    def once(*words: Any, **parameters: Any) -> None:
        holder.func = original
        body(*words, **parameters)

    holder.func = once
