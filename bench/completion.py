"""What the Tab key waits for: completion by `ddd` and `inv` beside Invoke's own. `python bench/completion.py`"""

from __future__ import annotations

from contextlib import ExitStack

import yaml

from bench import harness, report
from bench.harness import Bench, Limit
from tests import support

# What Invoke itself has for the shell in a project of three tasks.
PLAIN = "from invoke import task\n\n\n@task\ndef a(c):\n    pass\n\n\n@task\ndef b(c):\n    pass\n"


def main() -> None:
    """Complete a task and a service in a project of ours, and a task in one of Invoke alone."""
    options = harness.arguments(__doc__, rounds=10)
    services = {name: {"image": support.base("python:3.13-slim-trixie")} for name in ("api", "worker", "mailer")}
    files = {"compose.yaml": yaml.safe_dump({"services": services}), "tasks.py": "from ddd_tasks import ns\n"}
    with ExitStack() as stack:
        plain = stack.enter_context(harness.project({"tasks.py": PLAIN}, "-plain"))
        ours = stack.enter_context(harness.project(files, "-ours"))
        bench = Bench("completion")
        machine = report.Machine()
        table = bench.section("What the Tab key waits for", ours.directory)
        own = table.program("inv, three tasks of Invoke alone", "inv", "--complete", "--", "inv a", cwd=plain.directory)
        for program in ("ddd", "inv"):
            task = table.program(f"{program}, a task", program, "--complete", "--", f"{program} dev.")
            words = f"{program} dev.exec --service "
            service = table.program(f"{program}, a service", program, "--complete", "--", words)
            bench.limits += [Limit(f"{one.name}, beyond Invoke's own", one, 0.15, own) for one in (task, service)]
        bench.measure(options.rounds, options.runs)
    report.publish(bench, machine)


if __name__ == "__main__":
    main()
