"""Two profiles compared: which function's share of the whole changed, and by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddd_tasks.errors import ConfigError
from ddd_tasks.profiling.stacks import Profile

_Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """A function in both profiles. Shares are of the whole, 0 to 1. file: in the container; a line would move."""

    function: str
    file: str
    self_before: float
    self_after: float
    total_before: float
    total_after: float

    @property
    def self_change(self) -> float:
        """How much its own share grew; below 0 where it shrank."""
        return self.self_after - self.self_before

    @property
    def total_change(self) -> float:
        """How much its share with all that it calls grew; below 0 where it shrank."""
        return self.total_after - self.total_before

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {**self.__dict__, "self_change": self.self_change, "total_change": self.total_change}


def changes(before: Profile, after: Profile) -> list[Change]:
    """Every function of either, what changed most first; what grew goes before what shrank by as much.

    Raises ConfigError where the profiles count different things, or one of them is empty.
    """
    check(before, after)
    own_before, all_before = _shares(before)
    own_after, all_after = _shares(after)
    found = [
        Change(*key, own_before.get(key, 0), own_after.get(key, 0), all_before.get(key, 0), all_after.get(key, 0))
        for key in all_before.keys() | all_after.keys()
    ]
    return sorted(found, key=_order)


def check(before: Profile, after: Profile) -> None:
    """Raise ConfigError where a comparison would say nothing."""
    if before.unit != after.unit:
        what = f"the profiles cannot be compared: one counts {before.unit}, the other {after.unit}"
        raise ConfigError(what, hint="ddd profile.list")
    for profile, which in ((before, "first"), (after, "second")):
        if not sum(profile.stacks.values()):
            raise ConfigError(f"the {which} profile has no {profile.unit}", hint="ddd profile.list")


def _order(change: Change) -> tuple[float, float, float, str, str]:
    # Rounded: 0.9 - 0.4 and 0.6 - 0.1 are the same change.
    own, whole = round(change.self_change, 9), round(change.total_change, 9)
    return -abs(own), -own, -abs(whole), change.function, change.file


def _shares(profile: Profile) -> tuple[Mapping[_Key, float], Mapping[_Key, float]]:
    """Per function its own share, and its share with all that it calls; recursion is counted once."""
    own: Counter[_Key] = Counter()
    whole: Counter[_Key] = Counter()
    for stack, weight in profile.stacks.items():
        keys = [(frame.function, frame.file) for frame in stack]
        if keys:
            own[keys[-1]] += weight
        for key in set(keys):
            whole[key] += weight
    sum_of_all = sum(profile.stacks.values())
    return _divided(own, sum_of_all), _divided(whole, sum_of_all)


def _divided(counts: Mapping[_Key, int], by: float) -> dict[_Key, float]:
    return {key: count / by for key, count in counts.items()}
