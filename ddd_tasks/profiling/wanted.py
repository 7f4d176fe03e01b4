"""How long and how often to sample."""

from __future__ import annotations

from typing import NamedTuple

from ddd_tasks.errors import ConfigError

SECONDS, RATE = 10, 100
FASTEST = 1000
_LONGEST = 3600


class Wanted(NamedTuple):
    """seconds: how long; rate: samples a second; native: with the stacks of C code, where the profiler can."""

    seconds: int = SECONDS
    rate: int = RATE
    native: bool = False


def checked(seconds: int, rate: int, *, native: bool, task: str = "profile.cpu") -> Wanted:
    """What was asked for. Raises ConfigError for what no profiler can do."""
    if not 1 <= seconds <= _LONGEST:
        cause = f"it has to be a number of seconds from 1 to {_LONGEST}"
        raise ConfigError(f"--seconds was given {seconds}", cause=cause, hint=f"ddd {task} --seconds {SECONDS}")
    if not 1 <= rate <= FASTEST:
        cause = f"it has to be a number of samples a second from 1 to {FASTEST}"
        raise ConfigError(f"--rate was given {rate}", cause=cause, hint=f"ddd {task} --rate {RATE}")
    return Wanted(seconds, rate, native)
