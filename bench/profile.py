"""What a profiler costs a service's requests, and what profile.cpu and profile.dump take. `python bench/profile.py`"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr
from typing import Any, NamedTuple

from bench import harness, report
from bench.debug import HARDENED, safely, timed
from bench.harness import Bench, Goal, Section, Variant
from ddd_tasks import languages
from ddd_tasks import project as projects
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import DddError, NotRunningError
from ddd_tasks.language import Language
from ddd_tasks.profiling import sampled, sampling
from ddd_tasks.profiling.load import address, traffic
from ddd_tasks.profiling.load.traffic import Traffic
from ddd_tasks.profiling.samplers import subject as subjects
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project
from tests import examples, monitoring, support
from tests.examples import Example

SECONDS, RATE = 4, 100
RPS = 100  # enough for a program in Go to be seen at work
WARM_UP, PAUSE = 3.0, 0.5
QUANTILES = {"p50": "median", "p90": "90th percentile", "p99": "99th percentile"}
NONE, OURS, BLOCKING = "no profiler", "ddd profile.cpu", "py-spy record in a sidecar, blocking"
NOWHERE = "between"
Way = Callable[[Traffic, str], None]


class Subject(NamedTuple):
    """An example that runs in production."""

    example: Example
    language: Language
    project: Project

    def words(self, *argv: str) -> None:
        """`ddd WORDS` in its folder. Raises RuntimeError."""
        ran = self.example.stack.ddd(*argv, timeout=300)
        if ran.status:
            lines = ran.err.strip().splitlines()
            raise RuntimeError(next((line for line in lines if line.startswith("error")), lines[-1]))


def main() -> None:
    """Run each language's example, measure in turns, and remove all of it."""
    options = harness.arguments(__doc__, rounds=5, names=[language.name for language in languages.LANGUAGES])
    bench = Bench("profile")
    machine = report.Machine()
    for name in options.names:
        with running(languages.get(name)) as subject:
            requests(bench, subject, options.rounds)
            tasks(bench, subject, max(1, options.rounds // 2))
    report.publish(bench, machine)


def requests(bench: Bench, subject: Subject, rounds: int) -> None:
    """What requests take in each way, in turns; each round begins with another one."""
    name = subject.language.name
    with ExitStack() as stack:
        ways = _ways(stack, subject)
        failed: dict[str, str] = {}
        sent = stack.enter_context(requested(subject))
        time.sleep(WARM_UP)
        for number in range(rounds):
            order = list(ways)
            for way in order[number % len(order) :] + order[: number % len(order)]:
                if way not in failed:
                    failed |= _tried(way, ways[way], sent, f"{way} {number}")
        phases = sent.end()
    for quantile, words in QUANTILES.items():
        section = bench.section(f"{name}: {words} of the requests, {RPS} a second", subject.example.stack.directory)
        plain, ours, *_ = [_variant(section, way, failed.get(way, ""), phases, quantile) for way in ways]
        if quantile == "p50":
            bench.goals.append(Goal(f"{name}: {words} of requests with the profiler / without", ours, plain, 1.1))


def tasks(bench: Bench, subject: Subject, runs: int) -> None:
    """What the tasks take beyond the seconds that were asked for."""
    title = f"{subject.language.name}: profile.cpu --seconds {SECONDS} beyond these, and profile.dump"
    section = Section(title, subject.project.directory, [])
    if subject.language.name == "python":
        section.floor("docker run py-spy record, beyond these", safely(lambda: _by_hand(subject)))

    def record(*, restarted: bool) -> float:
        if restarted:
            subject.words("dev.restart")
            subject.example.wait_for(examples.SERVICE)
        return timed(lambda: subject.words("profile.cpu", "--seconds", str(SECONDS))) - SECONDS

    section.floor("profile.cpu", safely(lambda: record(restarted=False)))
    section.floor("profile.cpu, the service just restarted", safely(lambda: record(restarted=True)))
    section.floor("profile.dump", safely(lambda: timed(lambda: subject.words("profile.dump", "--json"))))
    with monitoring.steady(subject.example.url, RPS):
        Bench("tasks", [section]).measure(1, runs)
    bench.sections.append(section)


def _by_hand(subject: Subject) -> float:
    """The same in a container that is made for it, with the image at hand."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, subject.project, subject.project.service(examples.SERVICE))
        user = "{}:{}".format(*rights.of(engine, found, subject.language.debug).user)
        image = toolbox.ensure(engine, subject.project, "python", toolbox.python_of(found, subject.language))
    options = ("--rm", "--pid", f"container:{found.id}", "--user", user, "--entrypoint", "py-spy", image)
    argv = ("docker", "run", *options, *_record(found, subject.language), "--nonblocking")
    return timed(lambda: support.run(*argv, timeout=60).ok()) - SECONDS


def _record(found: target.Target, language: Language) -> tuple[str, ...]:
    """py-spy's arguments, as people give them."""
    what = ("record", "--pid", str(subjects.pid(found, language)), "--subprocesses", "--output", "/tmp/flames.svg")
    return (*what, "--duration", str(SECONDS), "--rate", str(RATE))


@contextmanager
def requested(subject: Subject) -> Iterator[Traffic]:
    """Steady requests to GET /, from the service's own network."""
    with closing(Engine.connect()) as engine:
        found = target.find(engine, subject.project, subject.project.service(examples.SERVICE))
        stage, python = traffic.image(found, subject.language)
        image = toolbox.ensure(engine, subject.project, stage, python)
        place = address.of(engine, subject.project, found, "/")
        with traffic.running(engine, subject.project, found, image, place, RPS) as sent:
            yield sent


def _ways(stack: ExitStack, subject: Subject) -> dict[str, Way]:
    """What may go on while requests are sent; the first two are compared for the goal."""
    ways: dict[str, Way] = {NONE: _nothing, OURS: lambda sent, phase: _ours(subject, sent, phase)}
    if subject.language.name == "python":
        ways[BLOCKING] = _blocking(stack, subject)
    return ways


def _nothing(sent: Traffic, phase: str) -> None:
    sent.begin(phase)
    time.sleep(SECONDS)


def _ours(subject: Subject, sent: Traffic, phase: str) -> None:
    service = subject.project.service(examples.SERVICE)
    with (
        sampled.listened(lambda is_open: sent.begin(phase if is_open else NOWHERE)),
        redirect_stderr(io.StringIO()),
    ):
        try:
            sampling.record(subject.project, service, sampling.CPU, Wanted(SECONDS, RATE))
        except NotRunningError as error:
            if "idle" not in error.what:  # it was sampled all the same
                raise


def _blocking(stack: ExitStack, subject: Subject) -> Way:
    """As people run it: the process stands still for each sample. The container is there before the clock starts."""
    engine = stack.enter_context(closing(Engine.connect()))
    found = target.find(engine, subject.project, subject.project.service(examples.SERVICE))
    image = toolbox.ensure(engine, subject.project, "python", toolbox.python_of(found, subject.language))
    allowed = rights.of(engine, found, subject.language.debug)
    container = stack.enter_context(shell.container(engine, subject.project, found, allowed, image))
    argv = ["py-spy", *_record(found, subject.language)]

    def record(sent: Traffic, phase: str) -> None:
        sent.begin(phase)
        ran = execs.capture(engine, container, argv)
        sent.begin(NOWHERE)
        if ran.status:
            raise RuntimeError(ran.stderr.decode(errors="replace").strip())

    return record


def _tried(name: str, way: Way, sent: Traffic, phase: str) -> dict[str, str]:
    """Go this way; why it cannot be gone, where it cannot."""
    time.sleep(PAUSE)  # what the one before it has held up is not this one's
    try:
        way(sent, phase)
    except (DddError, RuntimeError) as error:
        return {name: error.what if isinstance(error, DddError) else str(error)}
    finally:
        sent.begin(NOWHERE)
    return {}


def _variant(section: Section, way: str, missing: str, phases: dict[str, Any], quantile: str) -> Variant:
    """A row with the quantile of each round, in seconds."""
    variant = Variant(way, missing=missing)
    found = [one for phase, one in phases.items() if phase.rpartition(" ")[0] == way]
    if not missing:
        variant.rounds = [[one[quantile] / 1000] for one in found]
        if failures := sum(sum(one["failed"].values()) for one in found):
            variant.name += f" ({failures} requests failed)"
    section.variants.append(variant)
    return variant


@contextmanager
def running(language: Language) -> Iterator[Subject]:
    """The example in its prod stage, without rights and without a mount of its source."""
    with (
        harness.project({}, f"-profile-{language.name}") as project,
        examples.example_of(language, project, mount=False) as example,
    ):
        compose = project.directory / "compose.yaml"
        # The check of the dev stage needs a shell; that of the Dockerfile holds.
        head, _, _ = compose.read_text().replace("target: dev", "target: prod").partition("    healthcheck:")
        compose.write_text(head + HARDENED)
        example.stack.ddd("dev.up", timeout=900).ok()
        example.wait_for(examples.SERVICE)
        yield Subject(example, language, projects.load(project.directory))


if __name__ == "__main__":
    main()
