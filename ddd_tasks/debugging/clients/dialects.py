"""In what debuggers of the Debug Adapter Protocol differ, where the protocol leaves it to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Dialect(NamedTuple):
    """field: of attach's arguments, which only this debugger takes.

    sources: what to evaluate, without a frame, to be told the source files, one a line, or "". answers_running: whether
    it does so while the program runs. values: the context in which evaluate gives whole values, and refuses
    what has none. pause: seconds after the end of a session until the next one may begin.
    """

    field: str
    sources: str
    answers_running: bool
    values: str
    pause: float = 0.0


_FILES = (
    "'\\n'.join(str(one.__file__) for one in [*__import__('sys').modules.values()] if getattr(one, '__file__', None))"
)
_DIALECTS = (
    # Asked for the clipboard, debugpy answers with the exception as if it were the value. To each client that connects
    # it writes to its oldest session first; where that has just ended, this fails, and nobody is let in ever after.
    Dialect("pathMappings", _FILES, answers_running=True, values="watch", pause=0.2),
    # Asked for a watch, Delve cuts strings.
    Dialect("substitutePath", "dlv sources", answers_running=False, values="clipboard"),
)
_OTHER = Dialect("", "", answers_running=False, values="watch")


def spoken(arguments: Mapping[str, Any]) -> Dialect:
    """The dialect of the debugger that takes these arguments."""
    return next((one for one in _DIALECTS if one.field in arguments), _OTHER)
