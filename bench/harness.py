"""Side-by-side timing: variants of one command, taken in turns for several rounds, and what came out as a table.

hyperfine (https://github.com/sharkdp/hyperfine) times every command; the rounds are ours, because it would run one
command to its end before the next one, and a machine's load changes in between.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from ddd_tasks.engine.api import Engine
from tests import support

_SECONDS_FOR_ONE = 120
# Where Python may not keep its bytecode, each start compiles Invoke anew: 0.2 s that nobody has who installed with pip.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": ""}


@dataclass(eq=False)
class Variant:
    """One way to do the thing: a program that hyperfine starts in cwd, or a call in this process.

    A call that prepares something before it begins returns the seconds that count; others are timed as a whole.
    repeat: how often a call is made for each run, where it takes a moment only.
    rounds: the seconds of each run, one list a round; cpu: what the program itself used of them, a mean for each round
    (the engine's work is not in it); missing: why there are none.
    """

    name: str
    argv: tuple[str, ...] = ()
    cwd: Path = Path()
    call: Callable[[], object] | None = None
    repeat: int = 1
    rounds: list[list[float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    missing: str = ""

    def check(self) -> None:
        """Run it once: this warms what it needs and finds out whether it works here."""
        try:
            if self.call:
                self.call()
            else:
                ran = support.run(*self.argv, cwd=self.cwd, env=_ENVIRONMENT, timeout=_SECONDS_FOR_ONE)
                if ran.status:
                    self.missing = f"status {ran.status}: {_error_in(ran.err + ran.out)}"
        except FileNotFoundError as error:
            self.missing = f"there is no {error.filename}"
        except RuntimeError as error:
            self.missing = str(error)
        except subprocess.TimeoutExpired:
            self.missing = f"not done after {_SECONDS_FOR_ONE} s"

    def measure(self, runs: int) -> None:
        """One round: a few runs, each timed. A run that fails ends the variant, and its row says so."""
        if self.missing:
            return
        try:
            if self.call:
                self.rounds.append(_timed_here(self.call, runs * self.repeat))
            else:
                result = _hyperfine(self.argv, self.cwd, runs)
                self.rounds.append(result["times"])
                self.cpu.append(result["user"] + result["system"])
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            self.missing = str(error)
            self.check()  # hyperfine does not show what a command says; does it fail again?
            self.missing = f"failed in round {len(self.rounds) + 1}: {self.missing}"


class Section(NamedTuple):
    """A table: variants of one thing to do. The first one is what the others' ratio is to."""

    title: str
    cwd: Path
    variants: list[Variant]

    def program(self, name: str, *argv: str, cwd: Path | None = None) -> Variant:
        """Add a program to the table."""
        self.variants.append(Variant(name, argv, cwd or self.cwd))
        return self.variants[-1]

    def floor(self, name: str, call: Callable[[], object]) -> Variant:
        """Add a call in this process to the table: what no program can be faster than."""
        self.variants.append(Variant(name, call=call))
        return self.variants[-1]


class Goal(NamedTuple):
    """variant takes at most limit times what other takes."""

    text: str
    variant: Variant
    other: Variant
    limit: float


class Limit(NamedTuple):
    """variant takes at most this many seconds on a quiet machine, or this many more than beyond."""

    text: str
    variant: Variant
    seconds: float
    beyond: Variant | None = None


class Share(NamedTuple):
    """How much of whole is part's: another tool's own start, for example."""

    text: str
    whole: Variant
    part: Variant


class Size(NamedTuple):
    """Bytes of one thing are at most limit times those of another; look returns both, once the times are taken."""

    text: str
    look: Callable[[], tuple[int, int]]
    limit: float


@dataclass
class Bench:
    """Everything that one benchmark measures in one run."""

    name: str
    sections: list[Section] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    def section(self, title: str, cwd: Path) -> Section:
        """Add a table, whose programs run in cwd unless they say otherwise."""
        self.sections.append(Section(title, cwd, []))
        return self.sections[-1]

    def measure(self, rounds: int, runs: int) -> None:
        """Check every variant, then take all of them in turns; each round begins with another one."""
        variants = [variant for section in self.sections for variant in section.variants]
        for variant in variants:
            if not variant.missing:
                variant.check()
        for number in range(rounds):
            _progress(f"{self.name}: round {number + 1} of {rounds}")
            first = number * len(variants) // rounds
            for variant in variants[first:] + variants[:first]:
                variant.measure(runs)
        _progress("")


def arguments(description: str | None, *, rounds: int = 10, names: Sequence[str] = ()) -> argparse.Namespace:
    """The command line that all benchmarks share: --rounds (with its default) and --runs. Makes sure of hyperfine.

    names: what may be chosen from, for a benchmark of several things; .names are the chosen ones, all without a word.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--rounds", type=int, default=rounds, help=f"how often all variants are taken in turns ({rounds})"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each variant in a round (3)")
    if names:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parsed = parser.parse_args()
    if names:
        parsed.names = parsed.names or list(names)
        if unknown := set(parsed.names) - set(names):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    _need_hyperfine()
    return parsed


@contextmanager
def project(files: Mapping[str, str], suffix: str = "") -> Iterator[support.Stack]:
    """A throw-away project in a folder ddd-bench-*; it and all that it put on the engine are removed at the end."""
    stack = support.Stack(Path(tempfile.gettempdir()).resolve() / f"ddd-bench-{token_hex(3)}{suffix}")
    try:
        stack.write({".ddd/bases.json": json.dumps(support.stand_ins()), **files})
        yield stack
    finally:
        stack.down()


def containers(stack: support.Stack) -> dict[str, str]:
    """The project's running containers: service -> id."""
    with closing(Engine.connect()) as engine:
        filters = {"label": [f"com.docker.compose.project={stack.name}"]}
        rows = engine.get("/containers/json", filters=filters)
    return {row["Labels"]["com.docker.compose.service"]: row["Id"] for row in rows}


def _hyperfine(argv: tuple[str, ...], cwd: Path, runs: int) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as export:
        options = ["--shell=none", "--style=none", f"--runs={runs}", f"--export-json={export.name}"]
        command = ("hyperfine", *options, shlex.join(argv))
        ran = support.run(*command, cwd=cwd, env=_ENVIRONMENT, timeout=runs * _SECONDS_FOR_ONE)
        if ran.status:
            raise RuntimeError(_error_in(ran.err + ran.out).partition(". Use ")[0])
        return dict(json.loads(Path(export.name).read_text())["results"][0])


def _timed_here(call: Callable[[], object], runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        measured = call()
        times.append(measured if isinstance(measured, float) else time.perf_counter() - began)
    return times


def _need_hyperfine() -> None:
    if shutil.which("hyperfine"):
        return
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        sys.exit("error: hyperfine is not installed\ntry: sudo apt-get install hyperfine   (or: brew, dnf, cargo)")
    subprocess.run(["apt-get", "install", "--yes", "--quiet=2", "hyperfine"], check=True, stdout=sys.stderr)


def _error_in(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[0].rstrip(".")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
