"""Reading a metrics page, in Prometheus' text format or OpenMetrics, into families.

The parsers are those of prometheus_client. Two things it does are undone here: it calls each counter _total, also one
that Prometheus stores under another name, and it does not say in which line a page is broken. Labels are as Prometheus
stores them: without those of no value, and with other names for those that it gives to each series itself.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ddd_tasks.monitoring.families import Family, Sample, merged
from ddd_tasks.monitoring.page import Page, unusable

if TYPE_CHECKING:
    from prometheus_client import Metric

_OPEN = "application/openmetrics-text"
_END = "# EOF"
_SHOWN = 120
_CLASH = "Clashing name: "
_OF_TARGET = ("job", "instance")


def read(page: Page) -> tuple[Family, ...]:
    """The families of a page, in its order. Raises UnsupportedError for one that is not a whole metrics page."""
    _check_type(page)
    is_open = page.content_type == _OPEN or page.text.rstrip().endswith(_END)
    if is_open and not page.text.rstrip().endswith(_END):
        cause = f"OpenMetrics ends with the line {_END}, which is missing"
        raise unusable(page.service, page.url, "it was cut off", cause)
    found = without_creation(merged(_parse(page, is_open=is_open)))
    if not found:
        cause = "it is empty" if not page.text.strip() else "it has comments only"
        raise unusable(page.service, page.url, "there is no metric on it", cause)
    return found


def _check_type(page: Page) -> None:
    start = page.text.lstrip()[:_SHOWN]
    if page.content_type == "text/html" or start[:1] == "<":
        cause = f"a page for browsers, such as a login or an error; it begins with {start[:40]!r}"
        raise unusable(page.service, page.url, "it is HTML", cause)
    if page.content_type == "application/json" or (start[:1] in ("{", "[") and _is_json(page.text)):
        raise unusable(page.service, page.url, "it is JSON", f"it begins with {start[:40]!r}")
    if page.content_type not in ("text/plain", _OPEN):
        cause = f"a metrics page is text/plain or {_OPEN}: Prometheus refuses other ones"
        why = f"its Content-Type is {page.content_type}" if page.content_type else "it has no Content-Type"
        raise unusable(page.service, page.url, why, cause)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class _Lines:
    """The lines of a page for a parser that takes one after the other. number: of the last one that it took."""

    def __init__(self, text: str) -> None:
        self._lines = text.removesuffix("\n").split("\n")
        self.number = 0
        self.is_done = False
        self.counters: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        for self.number, line in enumerate(self._lines, 1):  # noqa: B020 - it is the parser's place in the page
            words = line.split() if line.startswith("#") else []
            if words[1:2] == ["TYPE"] and words[3:] == ["counter"]:
                self.counters.add(words[2].strip('"'))
            yield line + "\n"
        self.is_done = True

    @property
    def last(self) -> str:
        return self._lines[self.number - 1][:_SHOWN]


def _parse(page: Page, *, is_open: bool) -> list[Family]:
    lines = _Lines(page.text)
    try:
        return [_family(metric, lines, is_open=is_open) for metric in _metrics(lines, is_open=is_open)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # what its parsers raise
        said = str(error) or "it cannot be read"
        if said.startswith(_CLASH):
            why = f"the name {said.removeprefix(_CLASH)} clashes"
            cause = "OpenMetrics has each metric in one place, and the series of a counter end with _total"
            raise unusable(page.service, page.url, why, cause) from error
        if lines.is_done:
            raise unusable(page.service, page.url, "it breaks the rules of its format", said) from error
        hint = f"{shlex.join(['curl', '--silent', page.url])} | sed -n {lines.number}p"
        cause = f"{lines.last!r}: {said}"
        raise unusable(page.service, page.url, f"line {lines.number} is broken", cause, hint=hint) from error


def _metrics(lines: Iterable[str], *, is_open: bool) -> Iterable[Metric]:
    if is_open:
        from prometheus_client.openmetrics.parser import text_fd_to_metric_families as parse_open

        return parse_open(lines)  # type: ignore[no-untyped-call,no-any-return]
    from prometheus_client.parser import text_fd_to_metric_families as parse

    return parse(lines)  # type: ignore[arg-type] # it takes lines of any source


def _family(metric: Metric, lines: _Lines, *, is_open: bool) -> Family:
    samples = [Sample(one.name, _stored(one.labels), one.value) for one in metric.samples]
    is_native = any(getattr(one, "native_histogram", None) is not None for one in metric.samples)
    name, kind = metric.name, metric.type
    if kind == "counter" and not is_open and name in lines.counters:
        samples = [one._replace(name=one.name.removesuffix("_total")) for one in samples]
    elif kind == "counter":
        name += "_total"
    elif kind == "info":
        name += "_info"
    samples = [one for one in samples if kind == "gauge" or not one.name.endswith("_created")]
    return Family(name, kind_of(name, kind), metric.documentation, metric.unit, tuple(samples), is_native)


def _stored(labels: Mapping[str, str]) -> Mapping[str, str]:
    """The labels as Prometheus stores them."""
    if all(labels.values()) and not any(name in labels for name in _OF_TARGET):
        return labels
    return {f"exported_{name}" if name in _OF_TARGET else name: value for name, value in labels.items() if value}


def kind_of(name: str, kind: str) -> str:
    """The kind, also where the page does not say it or has no word for it."""
    if kind == "gauge" and name.endswith("_info"):
        return "info"
    return "counter" if kind == "unknown" and name.endswith("_total") else kind


def without_creation(found: tuple[Family, ...]) -> tuple[Family, ...]:
    """Without the times at which other families' series were made, which the text format shows as gauges."""
    names = {one.name.removesuffix("_total") for one in found}
    return tuple(
        one for one in found if not (one.name.endswith("_created") and one.name.removesuffix("_created") in names)
    )
