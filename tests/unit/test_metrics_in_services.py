"""Metrics of services: the examples and the page that tells what to add say the same, and a dashboard is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from ddd_tasks.monitoring import board, rows
from ddd_tasks.monitoring.check.schema import DASHBOARD
from ddd_tasks.monitoring.exposition import read
from ddd_tasks.monitoring.lint import lint
from tests.metrics_pages import page
from tests.support import REPO

BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
EXAMPLES = ["python/app/metrics.py", "node/src/metrics.js", "go/metrics.go", "csharp/Metrics.cs"]
DOCUMENT = "docs/metrics-in-your-service.md"
# Written by the Go program of DOCUMENT with client_golang 1.21.1 (Debian trixie) and Go 1.27, after seven requests; the
# families of the runtime were cut down to some of each kind.
CAPTURED = Path(__file__).parent / "pages" / "client_golang.txt"


def bucket_lists(text: str) -> list[list[float]]:
    """The lists of numbers that follow a word for buckets."""
    found = re.findall(
        r"(?:buckets|Bounds)\b[^({\[\n]*[({\[](?:\]float64\{|\] \{)?([\d., ]+)[)}\]]", text, re.IGNORECASE
    )
    return [[float(number) for number in one.split(",")] for one in found if "," in one]


@pytest.mark.parametrize("file", EXAMPLES)
def test_each_example_has_the_same_buckets(file: str) -> None:
    assert bucket_lists((REPO / "examples" / file).read_text()) == [BUCKETS]


def test_the_document_has_them_in_all_languages() -> None:
    assert bucket_lists((REPO / DOCUMENT).read_text()) == [BUCKETS] * 4


def test_the_document_shows_the_file_of_the_example() -> None:
    assert f"```js\n{(REPO / 'examples/node/src/metrics.js').read_text()}```" in (REPO / DOCUMENT).read_text()


def test_a_dashboard_of_what_client_golang_writes() -> None:
    families = read(page(CAPTURED.read_text()))
    value = board.board("api", rows.arrange(families))
    assert lint(value) == []
    jsonschema.validate(value, DASHBOARD, cls=jsonschema.Draft7Validator)
    expressions = [target["expr"] for panel in board.panels(value) for target in panel.get("targets", ())]
    assert [one.name for one in families if one.name not in "\n".join(expressions)] == []
    first = expressions[:6]
    assert any("http_requests_total" in one and 'status=~"5.."' in one for one in first)
    assert any("http_request_duration_seconds_sum" in one for one in first)
    assert not any("promhttp_" in one for one in first)  # the scrapes are not the service's requests
