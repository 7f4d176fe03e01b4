"""Two profiles compared, function by function: which of them takes more than before, and how much."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling import stacks
from ddd_tasks.profiling.stacks import BYTES, Function, Profile, Total

_SIGMAS = 3  # with hundreds of functions, two would show several that have not changed
_NONE = Total("", "", 0, 0.0, 0.0)


@dataclass(frozen=True)
class Change:
    """A function in both profiles, before and after: by itself, and (total) with what it calls.

    All four are shares of the whole, 0 to 1; or, as they were asked for, seconds at work (bytes) in each second.
    line: that of the later profile, where it is in it. chance: as large a difference comes from sampling alone.
    """

    function: str
    file: str
    line: int
    self_before: float
    self_after: float
    total_before: float
    total_after: float
    chance: float = 0.0

    @property
    def is_chance(self) -> bool:
        """Whether its own part need not have changed at all."""
        return abs(self.self_change) <= self.chance

    @property
    def self_change(self) -> float:
        """How much its own part grew; below 0 where it shrank."""
        return self.self_after - self.self_before

    @property
    def total_change(self) -> float:
        """How much its part with all that it calls grew; below 0 where it shrank."""
        return self.total_after - self.total_before

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        changed = {"self_change": self.self_change, "total_change": self.total_change}
        numbers = {key: round(value, 6) for key, value in {**self.__dict__, **changed}.items() if type(value) is float}
        others = {"file": self.file or None, "line": self.line or None, "is_chance": self.is_chance}
        return {**self.__dict__, **others, **numbers}


def changes(before: Profile, after: Profile, *, absolute: bool = False) -> list[Change]:
    """Every function of either, what changed most first; what grew goes before what shrank not surely by more.

    Compared are shares of the whole, as most viewers do: two profiles seldom saw the same number of requests. With
    absolute it is what the function takes in each second, as `pprof -diff_base` subtracts: under the same load that
    tells what became slower from what only has a smaller share because of it. Raises ConfigError as check does.
    """
    check(before, after)
    bases = [per_second(one) if absolute else 1.0 for one in (before, after)]
    known = [{(one.function, one.file): one for one in stacks.totals(profile)} for profile in (before, after)]
    one_sample = [base / profile.weight for base, profile in zip(bases, (before, after), strict=True)]
    found = []
    for key in known[0].keys() | known[1].keys():
        was, now = (side.get(key, _NONE) for side in known)
        own = (was.own * bases[0], now.own * bases[1])
        # The variance of a count is about the count.
        spread = math.sqrt(sum(part * one for part, one in zip(own, one_sample, strict=True)))
        chance = 0.0 if after.unit == BYTES else _SIGMAS * spread
        whole = (was.whole * bases[0], now.whole * bases[1])
        found.append(Change(*key, _line(key, known[1], known[0]), *own, *whole, chance))
    return sorted(found, key=_order)


def check(before: Profile, after: Profile) -> None:
    """Raise ConfigError where a comparison would say nothing."""
    for word, one, other in (("counts", before.unit, after.unit), ("is of", before.language, after.language)):
        if one != other:
            what = f"the profiles cannot be compared: one {word} {one}, the other {other}"
            raise ConfigError(what, hint="ddd profile.list")
    for profile, which in ((before, "first"), (after, "second")):
        if not profile.weight:
            raise ConfigError(f"the {which} profile has no {profile.unit}", hint="ddd profile.list")


def per_second(profile: Profile) -> float:
    """What the whole profile took in each second: seconds at work in all threads, or bytes.

    Where samples were lost, what was at work then is taken to be as in the others.
    """
    taken = (profile.rate or 1) * (profile.seconds or 1)
    return profile.weight / max(taken - profile.lost, taken / 10)


def _line(key: Function, *known: Mapping[Function, Total]) -> int:
    return next((side[key].line for side in known if key in side and side[key].line), 0)


def _order(change: Change) -> tuple[float, float, float, str, str]:
    # Rounded: 0.9 - 0.4 and 0.6 - 0.1 are the same change.
    own, whole = round(change.self_change, 9), round(change.total_change, 9)
    surely = own if own > 0 else max(0.0, -own - change.chance)
    return -surely, -own, -abs(whole), change.function, change.file
