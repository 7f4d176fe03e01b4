"""What to send while a service is profiled."""

from __future__ import annotations

from typing import NamedTuple

from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling.load import address

RPS = 20
_MOST = 1000  # one Python program sends no more evenly


class Load(NamedTuple):
    """text: a path of the service or a URL, as it was given; rps: requests a second."""

    text: str
    rps: int = RPS


def checked(text: str | None, rps: str | None, task: str = "profile.cpu") -> Load | None:
    """What --load and --rps ask for; None without both. Raises ConfigError."""
    if text is None and rps is None:
        return None
    if text is None:
        cause = "it is the rate of the requests of --load, which was not given"
        raise ConfigError(f"--rps was given {rps}", cause=cause, hint=f"ddd {task} --load / --rps {rps}")
    if rps is not None and not (rps.isdecimal() and 1 <= int(rps) <= _MOST):
        cause = f"it has to be a number of requests a second from 1 to {_MOST}"
        raise ConfigError(f"--rps was given {rps}", cause=cause, hint=f"ddd {task} --load / --rps {RPS}")
    address.split(text)
    return Load(text, int(rps) if rps else RPS)
