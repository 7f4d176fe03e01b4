"""From attach to the hit, debug.attach itself, and what an idle debugger costs. `python bench/debug.py`"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import harness, report
from bench.harness import Bench, Goal, Limit, Section, Variant
from ddd_tasks import languages
from ddd_tasks.debugging.clients.base import Client
from ddd_tasks.errors import DddError
from ddd_tasks.language import Language
from tests import debugging, examples, support
from tests.examples import Example

# Each runs once for every request of /.
LINES = {
    "python": ("app/main.py", 'return {"service": "visits"'),
    "node": ("src/app.js", "sendJson(response, 200, { service,"),
    "go": ("main.go", 'answer(w, map[string]any{"service"'),
}
# Another line of that file, which no request reaches.
ELSEWHERE = {"python": "url = os.environ.get", "node": 'const service = "visits"', "go": "_ = server.Close()"}
HARDENED = "    read_only: true\n    cap_drop: [ALL]\n    security_opt: ['no-new-privileges:true']\n    tmpfs: [/tmp]\n"
LIVE_SECONDS = {"python": 3.0, "node": 1.5, "go": 1.5}  # Python 3.13 by gdb
REQUESTS = 200


class Subject(NamedTuple):
    """An example that runs, and where its breakpoint is."""

    example: Example
    language: str
    file: Path
    line: int

    def words(self, *argv: str) -> None:
        """`ddd WORDS` in its folder. Raises RuntimeError."""
        ran = self.example.stack.ddd(*argv, timeout=300)
        if ran.status:
            raise RuntimeError(f"ddd {' '.join(argv)}: {ran.err.strip().splitlines()[-1]}")

    def attach(self) -> dict[str, Any]:
        """What debug.attach --json says."""
        return debugging.attach(self.example.stack)

    def hit(self, said: dict[str, Any]) -> float:
        """Connect, set the breakpoint, ask, and wait until it is hit: the seconds until then."""
        began = time.perf_counter()
        with debugging.visitors(self.example.url), debugging.client(said) as client:
            client.set_breakpoints(str(self.file), {self.line: ""})
            stop = debugging.stop_of(client)
            seconds = time.perf_counter() - began
            if stop.place != (str(self.file), self.line):
                raise RuntimeError(f"stopped at {stop.place}, not at {self.file}:{self.line}")
            client.set_breakpoints(str(self.file), {})
            client.resume(stop)
        return seconds


def main() -> None:
    """Run each language's example in two ways, measure in turns, and remove all of it."""
    options = harness.arguments(__doc__, rounds=2, names=list(LINES))
    bench = Bench("debug")
    machine = report.Machine()
    for name in options.names:
        with ExitStack() as stack:
            part = described(stack, languages.get(name))
            part.measure(options.rounds, 1)
        bench.sections += part.sections
        bench.goals += part.goals
        bench.limits += part.limits
    report.publish(bench, machine)


def described(stack: ExitStack, language: Language) -> Bench:
    """The tables of one language, its services running."""
    name = language.name
    bench = Bench(f"debug of {name}")
    prod = stack.enter_context(running(language, "prod", HARDENED))
    debug = stack.enter_context(running(language, "debug", ""))
    listening = debug.attach()

    hits = bench.section(f"{name}: from nothing to the first hit", prod.example.stack.directory)
    hits.floor("one request, no debugger", safely(lambda: ask(prod, 1)))
    ready = hits.floor("debug stage, its debugger listens", safely(lambda: debug.hit(listening)))
    live = hits.floor("prod, read-only, no debugger in it: debug.attach and hit", safely(lambda: live_hit(prod)))
    hits.floor("prod, attached before", safely(lambda: prod.hit(prod.attach())))
    hits.floor("instead: debug.up, which restarts it in its debug stage, and hit", safely(lambda: restarted_hit(prod)))
    bench.limits += [Limit(f"{name}: listening debugger", ready, 0.5), Limit(f"{name}: live", live, LIVE_SECONDS[name])]

    tasks(bench.section(f"{name}: ddd debug.attach alone (prod)", prod.example.stack.directory), prod)
    plain, idle = requests(
        bench.section(f"{name}: median of {REQUESTS} requests (prod)", prod.example.stack.directory), prod
    )
    bench.goals.append(Goal(f"{name}: a debugger attached but idle / none", idle, plain, 1.1))
    return bench


def tasks(table: Section, prod: Subject) -> None:
    """What debug.attach takes when there is nothing, and when there is everything."""
    container = f"{prod.example.stack.name}-{examples.SERVICE}-1"
    table.program("docker inspect, for scale", "docker", "inspect", container)
    table.floor("ddd debug.attach, after debug.detach", safely(lambda: timed(prod.attach, before=lambda: detach(prod))))
    table.floor("ddd debug.attach, attached already", safely(lambda: timed(prod.attach)))
    table.floor("ddd debug.detach", safely(lambda: timed(lambda: detach(prod), before=prod.attach)))


def requests(table: Section, prod: Subject) -> tuple[Variant, Variant]:
    """What requests take with and without a debugger; without one and with an idle one are returned."""
    plain = table.floor("no debugger", safely(lambda: without(prod)))
    idle = table.floor("attached, no breakpoint", safely(lambda: attached(prod, None)))
    elsewhere = debugging.line_of(prod.file, ELSEWHERE[prod.language])
    table.floor("attached, a breakpoint elsewhere in the file", safely(lambda: attached(prod, elsewhere)))
    return plain, idle


def live_hit(prod: Subject) -> float:
    """The whole way for a service that has no debugger and is not attached to."""
    detach(prod)
    began = time.perf_counter()
    said = prod.attach()
    return time.perf_counter() - began + prod.hit(said)


def restarted_hit(prod: Subject) -> float:
    """What people do without a live debugger: start the service anew in its debug stage, whose image is built."""
    detach(prod)
    try:
        began = time.perf_counter()
        said = debugging.attach(prod.example.stack, task="debug.up")
        return time.perf_counter() - began + prod.hit(said)
    finally:
        prod.words("debug.down")
        prod.example.wait_for(examples.SERVICE)


def without(prod: Subject) -> float:
    """The median of requests after every debugger has gone."""
    detach(prod)
    return ask(prod, REQUESTS)


def attached(prod: Subject, line: int | None) -> float:
    """The median of requests with a client attached, and with a breakpoint at this line, if any."""
    with debugging.client(prod.attach()) as client:
        set_aside(client, prod.file, line)
        return ask(prod, REQUESTS)


def set_aside(client: Client, file: Path, line: int | None) -> None:
    """Set a breakpoint that no request hits."""
    if line is not None:
        client.set_breakpoints(str(file), {line: ""})


def ask(prod: Subject, count: int) -> float:
    """The median of the times of so many requests, one after the other."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        with urllib.request.urlopen(prod.example.url, timeout=30) as response:
            response.read()
        times.append(time.perf_counter() - began)
    return median(times)


def detach(prod: Subject) -> None:
    prod.words("debug.detach")


def timed(call: Callable[[], object], *, before: Callable[[], object] = lambda: None) -> float:
    """The seconds of a call, after something that does not count."""
    before()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def safely(call: Callable[[], float]) -> Callable[[], float]:
    """The call, with what goes wrong as the harness wants it: then the row says why."""

    def guarded() -> float:
        try:
            return call()
        except (AssertionError, DddError, OSError, ValueError) as error:
            lines = [line for line in str(error).strip().splitlines() if line.strip()]
            why = [line for line in lines if "cause" in line] or lines
            raise RuntimeError(why[0]) from error

    return guarded


@contextmanager
def running(language: Language, stage: str, more: str) -> Iterator[Subject]:
    """The example in this stage, without a mount of its source, with more options in its Compose file."""
    with (
        harness.project({}, f"-{language.name}-{stage}") as project,
        examples.example_of(language, project, mount=False) as example,
    ):
        compose = project.directory / "compose.yaml"
        text = compose.read_text().replace("target: dev", f"target: {stage}")
        # A scratch image has no shell for the check of the dev stage; that of the Dockerfile holds.
        head, _, _ = text.partition("    healthcheck:")
        port = "" if stage == "prod" else f'      - "127.0.0.1:{support.free_port()}:{debug_port(language)}"\n'
        compose.write_text(head.replace("    ports:\n", f"    ports:\n{port}") + more)
        example.stack.ddd("dev.up", timeout=900).ok()
        example.wait_for(examples.SERVICE)
        name, text = LINES[language.name]
        file = project.directory / name
        with closing_debugger(example):
            yield Subject(example, language.name, file, debugging.line_of(file, text))


@contextmanager
def closing_debugger(example: Example) -> Iterator[None]:
    """Nothing of ours is left at the end."""
    try:
        yield
    finally:
        example.stack.ddd("debug.detach", timeout=60)


def debug_port(language: Language) -> int:
    assert language.debug
    assert language.debug.port
    return language.debug.port


if __name__ == "__main__":
    main()
