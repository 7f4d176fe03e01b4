"""What requests took without the profiler and with it, as a table and as the fields of meta.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ddd_tasks.profiling.load.client import CONNECTIONS, NO_ANSWER, NO_CONNECTION, NOT_SENT

WITHOUT, WITH = "without", "with"
QUANTILES = ("p50", "p90", "p99", "max")
COLUMNS = ("requests", "sent", "failed", *(f"{name} ms" for name in QUANTILES))
_WORTH_A_WORD = 0.01
_LATE = 50  # milliseconds, of the median
_UNANSWERED = (NO_ANSWER, NO_CONNECTION, NOT_SENT)


def fields(url: str, rps: int, phases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is kept of both phases; ratio: with / without, None where one of them has nothing."""
    without, with_ = phases.get(WITHOUT, {}), phases.get(WITH, {})
    ratio = {name: _ratio(with_.get(name), without.get(name)) for name in QUANTILES}
    return {"url": url, "rps": rps, WITHOUT: dict(without), WITH: dict(with_), "ratio": ratio}


def rows(load: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of the table: both phases, and their ratio."""
    ratio = {"requests": "ratio", **{f"{name} ms": _number(load["ratio"][name]) for name in QUANTILES}}
    return [_row(f"{phase} profiler", load[phase]) for phase in (WITHOUT, WITH)] + [ratio]


def remarks(load: Mapping[str, Any]) -> Iterator[str]:
    """What to tell of requests that were not answered as they should be."""
    for phase in (WITHOUT, WITH):
        one = load[phase]
        failed, sent = one.get("failed") or {}, one.get("requests") or 0
        if failed.get(NOT_SENT) or (one.get("late") or 0) > _LATE:
            late = f"{one['late'] / 1000:.1f} s late" if one.get("late") is not None else "late or not at all"
            yield (
                f"{phase} the profiler the service did not keep up with {load['rps']} requests a second:"
                f" they left {late}, when one of {CONNECTIONS} others was answered"
            )
        if sent and sum(failed.values()) > _WORTH_A_WORD * sent:
            yield f"{phase} the profiler {sum(failed.values())} of {sent} requests failed: {_reasons(failed)}"


def _reasons(failed: Mapping[str, int]) -> str:
    named = sorted(failed.items(), key=lambda one: -one[1])
    return ", ".join(f"{count} {what if what in _UNANSWERED else f'answered {what}'}" for what, count in named)


def _row(name: str, one: Mapping[str, Any]) -> dict[str, str]:
    counts = {"sent": str(one.get("requests", 0)), "failed": str(sum((one.get("failed") or {}).values()))}
    return {"requests": name, **counts, **{f"{quantile} ms": _number(one.get(quantile)) for quantile in QUANTILES}}


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 3) if ours is not None and theirs else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
