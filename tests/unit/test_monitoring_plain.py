"""The words for why a scrape failed; that Prometheus really says what they are for is tested on the engine."""

from __future__ import annotations

import re

import pytest

from ddd_tasks.monitoring.plain import REASONS, plain

URL = "http://shop-api-1:8000/stats?x=1"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (f'Get "{URL}": dial tcp 10.0.0.1:8000: connect: connection refused', "nothing listens on port 8000 of shop-"),
        (f'Get "{URL}": dial tcp: lookup shop-api-1: no such host', "no running container is named shop-api-1"),
        (f'Get "{URL}": context deadline exceeded', "within 5 s"),
        ("server returned HTTP status 401 Unauthorized", "status 401: /stats is behind a login"),
        ("server returned HTTP status 503 Service Unavailable", "answered 503 Service Unavailable"),
        ("server returned HTTP status 418 I'm a teapot", "answered 418 I'm a teapot instead"),
        (f'Get "{URL}": EOF', "closed the connection"),
        ("unexpected EOF", "cut off"),
        ("data does not end with # EOF", "the line # EOF, which is missing"),
        (f'Get "{URL}": remote error: tls: handshake failure', "comes about: remote error: tls: handshake failure"),
        (f'Get "{URL}": net/http: HTTP/1.x transport connection broken: malformed HTTP status code "x"', "speak HTTP"),
    ],
)
def test_each_says_what_it_means_here(error: str, words: str) -> None:
    assert words in plain(error, URL, "api")


def test_the_service_is_named_in_what_to_do() -> None:
    assert "`ddd dev.logs --service api`" in plain("unexpected EOF", URL, "api")


def test_what_a_service_says_is_put_in_as_it_is() -> None:
    error = 'expected label value, got "{host}" ("INVALID") while parsing: "a{b={host}"'
    assert "at a{b={host}: expected label value" in plain(error, URL, "api")


def test_what_is_not_known_is_unchanged() -> None:
    assert plain("the moon is in the way", URL, "api") == "the moon is in the way"
    assert plain("") == ""


def test_the_page_can_use_the_patterns_as_well() -> None:
    """They are handed to JavaScript, which has no inline flags, named groups of Python or \\A and \\Z."""
    for reason in REASONS:
        assert not re.search(r"\(\?[^:]|\\[AZ]", reason.pattern)
        groups = re.compile(reason.pattern).groups
        assert {int(number) for number in re.findall(r"\{(\d)\}", reason.words)} <= set(range(1, groups + 1))
