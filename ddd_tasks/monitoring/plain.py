"""Why a scrape failed, in plain words: what Prometheus' own mean for the service, and what to do about it.

Prometheus says it as Go's libraries do. What is not known here is handed on unchanged.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ddd_tasks.monitoring.config import BODY_LIMIT, CONFIG_FILE, LABEL_VALUE_LIMIT, SAMPLE_LIMIT, SCRAPE_SECONDS

_LOGS = "`ddd dev.logs --service {service}` has more"
_LINE = "`ddd monitor.dashboard --diff --service {service}` names the line"
_LIMITED = f"set in {CONFIG_FILE}, the same for every service"


class Reason(NamedTuple):
    """pattern: what Prometheus says, somewhere in its words; words: what it means.

    In the words, {1} is the pattern's first group, {host}, {port} and {path} are parts of the URL, {service} is a name.
    """

    pattern: str
    words: str


REASONS = (
    Reason(
        r"connect: connection refused",
        "nothing listens on port {port} of {host}: the service is still starting, listens on 127.0.0.1 only instead of "
        "0.0.0.0, or has its metrics on another port, which `x-ddd: {metrics: {port: ...}}` says",
    ),
    Reason(
        r"no such host|server misbehaving",
        "no running container is named {host}: `ddd dev.up` starts it, `ddd monitor.targets` tells Prometheus",
    ),
    Reason(
        r"no route to host|network is unreachable", "Prometheus shares no network with {host}: try `ddd monitor.up`"
    ),
    Reason(
        r"context deadline exceeded|i/o timeout|Client\.Timeout",
        f"no whole page came within {SCRAPE_SECONDS} s, the longest that a scrape may take: the service hangs, or "
        "computes its metrics only when it is asked; " + _LOGS,
    ),
    Reason(
        r"returned HTTP status (401|403)\b",
        "status {1}: {path} is behind a login, and Prometheus has none: let it be read without one in development",
    ),
    Reason(
        r"returned HTTP status 404\b",
        "status 404: there is no page at {path}; where it is, `x-ddd: {metrics: {path: ...}}` of the service says",
    ),
    Reason(r"returned HTTP status (5\d\d.*)", "the service failed to make the page, and answered {1}; " + _LOGS),
    Reason(r"returned HTTP status (.*)", "the service answered {1} instead of a page"),
    Reason(
        r'Content-Type "text/html"',
        "{path} is HTML, a page for browsers such as a login or an error, and no metrics page; where that is, "
        "`x-ddd: {metrics: {path: ...}}` of the service says",
    ),
    Reason(
        r'Content-Type "([^"]*)"',
        "the Content-Type of {path} is {1}; a metrics page has text/plain or application/openmetrics-text",
    ),
    Reason(
        r"blank Content-Type",
        "{path} has no Content-Type; a metrics page has text/plain or application/openmetrics-text",
    ),
    Reason(
        r"sample limit exceeded",
        f"{{path}} has more than {SAMPLE_LIMIT} series, the sample_limit {_LIMITED}: a label has a value for each "
        "user, id or the like, and is to be left out",
    ),
    Reason(
        r"body size limit exceeded",
        f"{{path}} is larger than {BODY_LIMIT}, the body_size_limit {_LIMITED}: a label has a value for each user, id "
        "or the like, and is to be left out",
    ),
    Reason(
        r"label_value_length_limit exceeded \(metric: (.*?), label name: (.*?), .*length: (\d+)",
        f"label {{2}} of {{1}} has a value of {{3}} characters; {LABEL_VALUE_LIMIT} is the label_value_length_limit "
        f"{_LIMITED}",
    ),
    Reason(r"stopped after \d+ redirects", "{path} only leads on to other pages, and never to metrics"),
    Reason(
        r"first record does not look like a TLS handshake",
        "port {port} of {host} speaks http, not https: say so with `x-ddd: {metrics: {scheme: http}}`",
    ),
    Reason(r"((?:remote error: )?tls: .*|x509: .*)", "no TLS connection to port {port} of {host} comes about: {1}"),
    Reason(
        r"malformed HTTP",
        "what answers on port {port} of {host} does not speak HTTP: another port has the metrics, which "
        "`x-ddd: {metrics: {port: ...}}` says, or it is https, which `scheme: https` says",
    ),
    Reason(
        r"unexpected EOF",
        "{path} was cut off: the service ended, or was started anew, while it answered; " + _LOGS,
    ),
    Reason(
        r"(?:: EOF|connection reset by peer)$",
        "the service closed the connection without an answer: it crashes on {path}, or is started anew; " + _LOGS,
    ),
    Reason(
        r"data does not end with # EOF",
        "{path} was cut off: OpenMetrics ends with the line # EOF, which is missing",
    ),
    Reason(r"invalid UTF-8", "{path} is no text in UTF-8"),
    Reason(
        r'got "<" \("INVALID"\)',
        "{path} is HTML that calls itself text, such as an error or a login, and no metrics page",
    ),
    Reason(r'while parsing: "\{\\"', "{path} is JSON that calls itself text, and no metrics page"),
    Reason(r'^(.*) while parsing: "(.*)"$', "a line of {path} is broken, at {2}: {1}; " + _LINE),
)


def plain(error: str, url: str = "", service: str = "") -> str:
    """Why a scrape failed. error: Prometheus' lastError; url: of the page; service: whose it is. "" for no error."""
    for reason in REASONS:
        if found := re.search(reason.pattern, error, re.DOTALL):
            return _filled(reason.words, found, url, service)
    return error


def _filled(words: str, found: re.Match[str], url: str, service: str) -> str:
    parts = urlsplit(url)
    values = {
        "host": parts.hostname or "the service",
        "port": str(parts.port or {"https": 443}.get(parts.scheme, 80)),
        "path": parts.path or "the page",
        "service": service or "SERVICE",
    }
    values |= {str(number): text or "" for number, text in enumerate(found.groups(), 1)}
    # Not str.format: the words have braces of their own, and what a service says may have some.
    return re.sub(r"\{(\w+)\}", lambda one: values.get(one[1], one[0]), words)
