"""What is seen of a build while it runs: read from BuildKit's plain lines."""

from __future__ import annotations

import pytest

from ddd_tasks.sessions import buildview
from ddd_tasks.stages import progress

# As Buildx 0.13 wrote it, of a build by Compose: the service's name comes first.
SAID = """\
#5 [api base 1/2] FROM docker.io/library/python:3.13
#5 CACHED

#8 [api base 2/2] RUN echo one && sleep 1
#8 0.389 one
#8 DONE 1.5s

#10 [api dev 2/2] RUN for i in 1 2 3; do echo line $i; done
#10 0.329 line 1
#10 0.835 line 2
#10 ...

#11 [worker other 1/1] RUN echo two
#11 DONE 1.4s

#10 [api dev 2/2] RUN for i in 1 2 3; do echo line $i; done
#10 1.337 line 3
"""


@pytest.fixture
def reader() -> progress.Reader:
    made = progress.Reader()
    for line in SAID.splitlines():
        made.take(line)
    return made


def test_steps_that_run_are_shown_with_their_last_words(reader: progress.Reader) -> None:
    first, step, words = buildview.lines(reader, "stage dev", 3.25)
    assert first == "stage dev: 3 of 5 steps, 1 cached, 3.2 s"
    assert step.endswith("[api dev 2/2] RUN for i in 1 2 3; do echo line $i; done")
    assert words.strip() == "line 3"


def test_a_step_that_comes_back_goes_on_since_its_beginning(reader: progress.Reader) -> None:
    (running,) = reader.running.values()
    reader.take("#10 [api dev 2/2] RUN for i in 1 2 3; do echo line $i; done")
    assert reader.running["10"].began == running.began


def test_a_step_that_has_ended_runs_no_more(reader: progress.Reader) -> None:
    reader.take("#10 DONE 1.9s")
    assert reader.running == {}
    assert reader.ended["dev 2"] == progress.Ran(progress.BUILT, 1.9, "RUN")
