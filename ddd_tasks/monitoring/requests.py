"""The first row of an HTTP service: how many requests, how many fail, how long they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ddd_tasks.monitoring import panels, units
from ddd_tasks.monitoring.families import Family, label, selector
from ddd_tasks.monitoring.panels import RATE_RANGE, Panel, Query, about

STATUS = ("status", "status_code", "http_status", "http_status_code", "http_response_status_code", "code",
          "http.response.status_code")  # fmt: skip
"""Labels that hold the status of an answer; the first one that is there holds. The alert rules have them as well."""
OTHERS = {"client", "size", "bytes", "exception", "exceptions", "in", "active", "created", "inprogress"}
"""Words in the names of what is not about requests that the service answers."""
TIMES = {"seconds", "milliseconds", "duration", "latency"}
"""Words in the names of how long they take."""
_FAILED = '=~"5.."'


def row(families: Sequence[Family]) -> tuple[tuple[Panel, ...], set[str]]:
    """The panels, none for a service without HTTP, and the families that need no panel elsewhere."""
    counter = _shortest(one for one in families if one.kind == "counter" and _is_of_http(one, {"request", "requests"}))
    timing = _shortest(one for one in families if one.kind in ("histogram", "summary") and _is_of_http(one, TIMES))
    made: list[Panel] = []
    # A native histogram has no series that counts.
    counted = [one for one in (counter, timing) if one and not one.is_native]
    if counted:
        made += _rate_and_errors(counted)
    if timing:
        made += panels.panels_of(timing)
    return tuple(made), {timing.name} if timing else set()


def _is_of_http(family: Family, words: set[str]) -> bool:
    has = set(family.words)
    return bool(has & {"http", "https"} and has & words and not has & OTHERS)


def _shortest(found: Iterable[Family]) -> Family | None:
    """The most general one: the shortest name, of several the first."""
    return min(found, key=lambda one: (len(one.name), one.name), default=None)


def _rate_and_errors(counted: Sequence[Family]) -> list[Panel]:
    """How many requests, from the counter or from what times them, whichever knows the status of the answers."""
    chosen = next((one for one in counted if _status(one)), counted[0])
    name = chosen.name if chosen.kind == "counter" else f"{chosen.name}_count"
    status = _status(chosen)
    by = f"by ({label(status)}) " if status else ""
    query = Query(f"sum {by}(irate({selector(name)}[{RATE_RANGE}]))", f"{{{{{status}}}}}" if status else "all")
    text = about(chosen, f"By {status}." if status else "")
    made = [Panel("Requests per second", text, "timeseries", "reqps", (query,), (chosen.name,))]
    if status:
        failed, every = (f"sum (rate({series}[{RATE_RANGE}]))" for series in _failed_and_all(name, status))
        # Without `or vector(0)`, there would be no line until the first failure.
        query = Query(f"({failed} or vector(0)) / {every}", "5xx")
        text = f"Share of requests that were answered with a {status} of 500 to 599."
        made.append(Panel("Errors", text, "timeseries", units.SHARE, (query,), (chosen.name,)))
    return made


def _failed_and_all(name: str, status: str) -> tuple[str, str]:
    return selector(name, f"{label(status)}{_FAILED}"), selector(name)


def _status(family: Family) -> str:
    """The label that holds the status of an answer, or ""."""
    labels = {name for sample in family.main[:1] for name in sample.labels}
    return next((name for name in STATUS if name in labels), "")
