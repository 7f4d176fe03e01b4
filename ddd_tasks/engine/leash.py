"""What ends a command when its client cannot: one that was killed with kill -9 passes no signal on.

A small watcher runs beside the command, in the same container and as the same user, and waits for the end of its
stdin, which is a connection that the client holds. A client that ends in order says so first, and nothing happens.
"""

from __future__ import annotations

from ddd_tasks.engine import signals
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.endpoint import SHUT_WR, Stream
from ddd_tasks.errors import EngineError

# Short commands pay nothing: the watcher comes when a command has run for this long.
SECONDS = 1.0
# After SIGTERM, before SIGKILL.
SECONDS_TO_LEAVE = 5

_SCRIPT = (
    signals.DELIVER
    + """\
read -r _ && exit
deliver "$1" TERM
for _ in TIMES; do
  [ "$count" = 0 ] && exit
  sleep 1
  deliver "$1" 0
done
deliver "$1" KILL
""".replace("TIMES", " ".join("." * SECONDS_TO_LEAVE))
)
_IN_ORDER = b"ended\n"


def attach(engine: Engine, container: str, user: str | None, token: str) -> Stream | None:
    """Start the watcher of the token's processes; None where it cannot be started. It goes when the socket closes."""
    body = {"Cmd": ["sh", "-c", _SCRIPT, "sh", token], "AttachStdin": True} | ({"User": user} if user else {})
    try:
        identifier = engine.post(f"/containers/{container}/exec", body)["Id"]
        return engine.stream(f"/exec/{identifier}/start", {"Detach": False, "Tty": False})
    except (EngineError, OSError):
        return None  # no protection is no reason to end a command that runs


def release(stream: Stream) -> None:
    """Tell the watcher that the command has ended as it should."""
    try:
        stream.sendall(_IN_ORDER)
        stream.shutdown(SHUT_WR)
    except OSError:
        return  # it has gone already: there was no sh to run it, or the container has stopped
