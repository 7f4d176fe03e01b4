"""`ddd run` builds when something has changed, and says nothing of builds when nothing has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from ddd_tasks.engine.api import Engine
from tests.support import Stack, wait_until

pytestmark = pytest.mark.usefixtures("bases")

COMPOSE = """\
services:
  api:
    build: {context: ., target: dev, args: {COLOUR: "${COLOUR:-red}"}}
"""
DOCKERFILE = """\
FROM python:3.13-slim-trixie AS dev
ARG COLOUR
COPY text /text
RUN echo $COLOUR >> /text
"""


def test_it_builds_what_has_changed(engine: Engine, stack: Callable[[Mapping[str, str]], Stack]) -> None:
    project = stack({"compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE, "text": "one\n"})

    def ran(**env: str) -> tuple[str, bool]:
        """What it wrote, and whether nothing was built."""
        answer = project.ddd("run", "--", "cat", "/text", env=env).ok()
        return answer.out, answer.err == ""

    assert ran()[0] == "one\nred\n"
    wait_until(lambda: ran() == ("one\nred\n", True), what="a run that builds nothing")
    project.write({"text": "two\n"})
    assert ran() == ("two\nred\n", False)
    assert ran(COLOUR="blue") == ("two\nblue\n", False)
    wait_until(lambda: ran() == ("two\nred\n", True), what="a run that builds nothing")
    engine.delete(f"/images/{project.name}-api", force=1)
    assert ran() == ("two\nred\n", False)
    assert ran(DDD_ALWAYS_BUILD="1") == ("two\nred\n", False)
