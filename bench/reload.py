"""From a save to the first answer of the new code: ours beside `docker compose watch`. `python bench/reload.py`"""

from __future__ import annotations

import itertools
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import harness, report
from bench.harness import Bench, Goal, Variant
from ddd_tasks import languages
from ddd_tasks.extension import WATCH_ACTIONS
from ddd_tasks.language import Language
from tests import examples, support
from tests.examples import Example


def main() -> None:
    """Serve each language's example in four ways, save in turns, measure, and remove all of it."""
    options = harness.arguments(__doc__, rounds=4, names=languages.names())
    bench = Bench("reload")
    machine = report.Machine()
    for name in options.names:
        with ExitStack() as stack:
            part = described(stack, languages.get(name))
            part.measure(options.rounds * options.runs, 1)
        bench.sections += part.sections
        bench.goals += part.goals
    report.publish(bench, machine)


def described(stack: ExitStack, language: Language) -> Bench:
    """The table of one language, its services running."""
    bench = Bench(f"reload of {language.name}")
    watched = {action: stack.enter_context(copied(language, action)) for action in WATCH_ACTIONS}
    ours = stack.enter_context(mounted(language))
    table = bench.section(f"{language.name}: {language.reload or 'its dev stage'}", ours.stack.directory)
    rows = {action: table.floor(f"docker compose watch, {action}", Saves(one)) for action, one in watched.items()}
    mine = table.floor("ddd dev.up, bind mount", Saves(ours))
    bench.goals.append(goal(language, mine, rows["sync"]))
    return bench


def goal(language: Language, ours: Variant, sync: Variant) -> Goal:
    """Half of the time that Compose's sync needs with the same program in the container."""
    return Goal(f"{language.name}: ddd dev.up / docker compose watch, sync", ours, sync, 0.5)


class Saves:
    """Each call saves another version and waits for its first answer."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.numbers = itertools.count()

    def __call__(self) -> None:
        name = f"v{next(self.numbers)}"
        examples.by_rename(self.example.source, self.example.named(name))
        self.example.wait_for(name)


@contextmanager
def mounted(language: Language) -> Iterator[Example]:
    """The example with its source mounted, as `ddd init` and dev.up have it."""
    with harness.project({}, f"-{language.name}-mount") as project, examples.example_of(language, project) as example:
        example.stack.ddd("dev.up", timeout=900).ok()
        example.wait_for(examples.SERVICE)
        yield example


@contextmanager
def copied(language: Language, action: str) -> Iterator[Example]:
    """The example without a mount, under Compose's own watch with this action for its source.

    dev.watch writes Compose's entries and starts it; no code of ours runs between a save and its answer.
    """
    suffix = f"-{language.name}-{action.replace('+', '-')}"
    with (
        harness.project({}, suffix) as project,
        examples.example_of(language, project, mount=False) as example,
    ):
        compose = project.directory / "compose.yaml"
        service = f"  {examples.SERVICE}:\n"
        compose.write_text(compose.read_text().replace(service, f"{service}    x-ddd: {{watch: {action}}}\n"))
        example.stack.ddd("dev.up", timeout=900).ok()
        process = project.popen(*support.ddd_argv("dev.watch"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            support.wait_until(lambda: examples.follows(process), seconds=120, what="Compose's watch")
            example.wait_for(examples.SERVICE)
            yield example
        finally:
            support.kill_group(process, signal.SIGKILL)
            process.communicate()


if __name__ == "__main__":
    main()
