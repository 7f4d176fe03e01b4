"""A profile of a service that is sent steady requests, and the same requests without the profiler before it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ddd_tasks import console, process
from ddd_tasks.debugging import beside, target, toolbox
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.language import Language
from ddd_tasks.profiling import sampled
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.load import address, latency, traffic
from ddd_tasks.profiling.load.traffic import Traffic
from ddd_tasks.profiling.load.wanted import Load
from ddd_tasks.project import Project

_WARM_UP = 2.0
_LONGEST = 30  # more requests say little more
_LOOK = 0.5


def measured(
    engine: Engine,
    project: Project,
    found: Target,
    language: Language,
    load: Load,
    seconds: int,
    sample: Callable[[], Recorded | None],
) -> Recorded | None:
    """What sample returns, with what requests took before it, for so many seconds but not too long, and meanwhile.

    None in a dry run. Ctrl-C ends it; while the profiler is at work it keeps what was seen so far. Raises what sample
    raises, ConfigError for a URL that the project does not have, NotRunningError where nothing answers there.
    """
    there = address.of(engine, project, found, load.text)
    stage, python = traffic.image(found, language)
    if process.is_dry():
        process.announce(beside.command(traffic.specification(project, found, toolbox.image(stage, python)), "-i"))
        return sample()
    # Built before the clock starts, as sample would.
    image = toolbox.ensure(engine, project, stage, python)
    with traffic.running(engine, project, found, image, there, load.rps) as requests:
        if requests.status >= 400:
            console.warning(f"{there.url} answers with status {requests.status}")
        asked = f"{load.rps} requests a second to {there.url}"
        _send(engine, found, requests, "warm-up", f"warm up, {_WARM_UP:.0f} s: {asked}", _WARM_UP)
        before = min(seconds, _LONGEST)
        what = f"without the profiler, {before} s: {asked}"
        _send(engine, found, requests, latency.WITHOUT, what, before)
        requests.begin("prepare")
        with sampled.listened(lambda is_open: requests.begin(latency.WITH if is_open else "write")):
            recorded = sample()
        phases = requests.end()
    return recorded and recorded._replace(load=latency.fields(there.url, load.rps, phases))


def _send(engine: Engine, found: Target, requests: Traffic, phase: str, what: str, seconds: float) -> None:
    """Let requests be sent for so long. Raises NotRunningError where the service ends meanwhile."""
    requests.begin(phase)
    ends = time.monotonic() + seconds
    with console.progress(what, seconds):
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
            if gone := target.gone(engine, found, traffic.MEANWHILE):
                raise gone
