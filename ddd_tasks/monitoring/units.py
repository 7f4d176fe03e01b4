"""Units of Grafana, by the words at the end of a metric's name.

The words are those of Prometheus' naming rules, https://prometheus.io/docs/practices/naming/; the units those of
Grafana's packages/grafana-data/src/valueFormats/categories.ts.
"""

from __future__ import annotations

from ddd_tasks.monitoring.families import Family

_UNITS = {
    "seconds": "s",
    "milliseconds": "ms",
    "nanoseconds": "ns",
    "bytes": "bytes",
    "bits": "bits",
    "ratio": "percentunit",
    "percent": "percent",
    "celsius": "celsius",
    "volts": "volt",
    "amperes": "amp",
    "joules": "joule",
    "watts": "watt",
    "meters": "lengthm",
    "grams": "massg",
    "hertz": "hertz",
}
_RATES = {"bytes": "Bps", "bits": "bps", "seconds": "percentunit", "joules": "watt"}
_REQUESTS = {"request", "requests"}

PLAIN = "short"
SHARE = "percentunit"
USED = frozenset({*_UNITS.values(), *_RATES.values(), "reqps", "cps", PLAIN, SHARE})
"""Every unit that a generated panel may have."""


def of(family: Family) -> str:
    """The unit of the family's values."""
    return next((_UNITS[word] for word in _words(family) if word in _UNITS), PLAIN)


def per_second(family: Family) -> str:
    """The unit of how fast a counter grows; seconds a second are a share of the time."""
    words = _words(family)
    if any(word in _RATES for word in words):
        return next(_RATES[word] for word in words if word in _RATES)
    return "reqps" if _REQUESTS.intersection(family.words) else "cps"


def _words(family: Family) -> list[str]:
    """The words that may name the unit: what the page declares, else the end of the name."""
    words = [word for word in family.words if word not in ("total", "info")]
    return [family.unit] if family.unit else words[-1:]
