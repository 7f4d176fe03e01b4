"""Prometheus' HTTP API, as far as it is asked: https://prometheus.io/docs/prometheus/latest/querying/api/."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ddd_tasks.errors import ConfigError, NotRunningError

SECONDS = 20.0
"""The longest that an answer may take."""

_POSITION = re.compile(r"\b(\d+):(\d+): ")
_PREFIX = re.compile(r'^invalid parameter "(query|match\[\])": ')


class Series(NamedTuple):
    """One series of an answer. labels: with __name__ where it has one; points: time (seconds since 1970) and value.

    Of a native histogram, the value is how many observations it has.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Answer(NamedTuple):
    """What an expression gave. kind: vector, matrix, scalar or string; text: of a string only, which has no series."""

    kind: str
    series: tuple[Series, ...]
    text: str = ""


class Target(NamedTuple):
    """A scrape target. health: up, down, or unknown before the first scrape; error: why the last scrape failed."""

    job: str
    instance: str
    health: str
    error: str
    url: str
    last_scrape: str
    seconds: float


class Described(NamedTuple):
    """What a target says of a metric. name: as on the page, so without _bucket, and in OpenMetrics without _total."""

    job: str
    instance: str
    name: str
    kind: str
    help: str
    unit: str


class Rule(NamedTuple):
    """A rule. kind: alerting or recording; health: ok, err or unknown; state: inactive, pending or firing."""

    group: str
    name: str
    kind: str
    query: str
    health: str
    error: str
    state: str


class Alert(NamedTuple):
    """An alert that is pending or firing."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: str


class Prometheus:
    """A running Prometheus; may be asked from several threads. url: without the path, as in http://127.0.0.1:9090.

    Every method raises NotRunningError where none answers, ConfigError where it refuses what is asked.
    """

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def query(self, expression: str, *, at: float | None = None) -> Answer:
        """What an expression gives now, or at a time. Raises ConfigError with the position for one that is broken."""
        moment = [] if at is None else [("time", f"{at:.3f}")]
        return _answer(self._post("query", [("query", expression), *moment], expression))

    def query_range(self, expression: str, start: float, end: float, step: float) -> Answer:
        """The same at each step between two times; all in seconds."""
        times = [("start", f"{start:.3f}"), ("end", f"{end:.3f}"), ("step", f"{step:g}")]
        return _answer(self._post("query_range", [("query", expression), *times], expression))

    def parse(self, expression: str) -> dict[str, Any]:
        """The syntax tree of an expression, as Prometheus' own parser has it. Raises ConfigError with the position."""
        tree: dict[str, Any] = self._post("parse_query", [("query", expression)], expression)
        return tree

    def series(self, selectors: Iterable[str], seconds: float, *, limit: int = 0) -> list[dict[str, str]]:
        """The label sets that match one of the selectors in the last seconds. limit: at most so many, 0 for all."""
        asked = [*_since(seconds), *(("match[]", one) for one in selectors), ("limit", str(limit))]
        found: list[dict[str, str]] = self._post("series", asked, asked[2][1])
        return found

    def label_names(self, selector: str, seconds: float) -> list[str]:
        """The names of the labels that series of a selector have had in the last seconds."""
        found: list[str] = self._post("labels", [*_since(seconds), ("match[]", selector)], selector)
        return found

    def label_values(self, label: str, seconds: float, selector: str = "") -> list[str]:
        """The values of a label in the last seconds; of __name__ they are the metrics."""
        asked = [*_since(seconds), *([("match[]", selector)] if selector else [])]
        found: list[str] = self._get(f"label/{urllib.parse.quote(label)}/values", asked)
        return found

    def metadata(self) -> list[Described]:
        """What the targets say of their metrics, whether or not these have a series yet."""
        return [
            Described(
                one["target"].get("job", ""),
                one["target"].get("instance", ""),
                one["metric"],
                one["type"],
                one["help"],
                one["unit"],
            )
            for one in self._get("targets/metadata")
        ]

    def targets(self) -> list[Target]:
        """What is scraped, by job and instance."""
        found = [
            Target(
                one["labels"].get("job", ""),
                one["labels"].get("instance", ""),
                one["health"],
                one["lastError"],
                one["scrapeUrl"],
                one["lastScrape"],
                float(one["lastScrapeDuration"]),
            )
            for one in self._get("targets", [("state", "active")])["activeTargets"]
        ]
        return sorted(found)

    def rules(self) -> list[Rule]:
        """The rules that it has loaded."""
        return [
            Rule(
                group["name"],
                one["name"],
                one["type"],
                one["query"],
                one["health"],
                one.get("lastError", ""),
                one.get("state", ""),
            )
            for group in self._get("rules")["groups"]
            for one in group["rules"]
        ]

    def alerts(self) -> list[Alert]:
        """The alerts that are pending or firing."""
        return [
            Alert(one["labels"].get("alertname", ""), one["state"], one["labels"], one["annotations"], one["activeAt"])
            for one in self._get("alerts")["alerts"]
        ]

    def _get(self, path: str, fields: Iterable[tuple[str, str]] = ()) -> Any:
        asked = urllib.parse.urlencode(list(fields))
        return self._ask(urllib.request.Request(f"{self.url}/api/v1/{path}?{asked}"), None)

    def _post(self, path: str, fields: Iterable[tuple[str, str]], asked: str) -> Any:
        """As a form: an expression may be longer than a URL. asked: what a refusal is about."""
        body = urllib.parse.urlencode(list(fields)).encode()
        return self._ask(urllib.request.Request(f"{self.url}/api/v1/{path}", body), asked)

    def _ask(self, request: urllib.request.Request, asked: str | None) -> Any:
        try:
            with self._opener.open(request, timeout=self._seconds) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read()
                if error.code >= 500:  # overloaded, or still reading what it had stored
                    raise self._silent(f"status {error.code}: {said.decode(errors='replace').strip()}") from error
                raise _refused(self.url, asked, error.code, said) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(getattr(error, "reason", None) or error) from error
        try:
            return json.loads(content)["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._silent("what answers there is no Prometheus") from error

    def _silent(self, why: object) -> NotRunningError:
        cause = f"no answer in {self._seconds:g} s" if isinstance(why, TimeoutError) else str(why)
        return NotRunningError(f"Prometheus at {self.url} does not answer", cause=cause, hint="ddd monitor.up")


def words(error: ConfigError) -> str:
    """What Prometheus has said of a broken expression, in one line."""
    return error.cause.partition("\n")[0]


def _since(seconds: float) -> list[tuple[str, str]]:
    now = time.time()
    # Its clock may differ from ours, and a series is older than its last sample.
    return [("start", f"{now - seconds:.3f}"), ("end", f"{now + 60:.3f}")]


def _refused(url: str, asked: str | None, status: int, content: bytes) -> ConfigError:
    try:
        said = str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        said = f"status {status} {http.client.responses.get(status, '')}".strip()
    what = f"Prometheus at {url} refuses what was asked" if asked is None else f"Prometheus refuses {asked!r}"
    return ConfigError(what, cause=_pointed(_PREFIX.sub("", said), asked or ""), hint="ddd monitor.query up")


def _pointed(said: str, expression: str) -> str:
    """The words, and below them the line of the expression with a mark where they say that it is wrong."""
    found = _POSITION.search(said)
    lines = expression.splitlines()
    if not found or int(found[1]) > len(lines):
        return said
    line = lines[int(found[1]) - 1]
    before = line.encode()[: int(found[2]) - 1].decode(errors="ignore")  # it counts bytes
    return f"{said}\n{line}\n{' ' * len(before)}^"


def _answer(data: Mapping[str, Any]) -> Answer:
    kind, found = str(data["resultType"]), data["result"]
    if kind == "string":
        return Answer(kind, (), str(found[1]))
    if kind == "scalar":
        return Answer(kind, (Series({}, (_point(found),)),))
    return Answer(kind, tuple(_series(one) for one in found))


def _series(found: Mapping[str, Any]) -> Series:
    raw = found.get("values") or found.get("histograms") or [found.get("value") or found.get("histogram")]
    return Series(found["metric"], tuple(map(_point, raw)))


def _point(raw: Any) -> tuple[float, float]:
    moment, value = raw
    return float(moment), float(value["count"] if isinstance(value, dict) else value)
