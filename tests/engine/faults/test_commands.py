"""Commands that behave badly, streams that are not there, and images without a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from ddd_tasks.engine.api import Engine
from tests.engine.faults import subjects, tiny
from tests.support import Stack, ddd_argv, end_of, environment, make_stack, wait_until

MEGABYTE = 1 << 10  # in the unit of ru_maxrss, which is KiB


def test_a_gigabyte_of_output_does_not_grow_our_memory(api: Stack) -> None:
    def peak(size: str) -> int:
        argv = ddd_argv("exec", "--", "head", "-c", size, "/dev/zero")
        client = subprocess.Popen(argv, cwd=api.directory, env=environment(), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        assert client.returncode == 0
        return usage.ru_maxrss

    assert peak("1G") < peak("1") + 8 * MEGABYTE


def test_zombies_neither_hang_it_nor_stay(engine: Engine, api: Stack) -> None:
    script = "import os, time\nfor _ in range(50):\n    if os.fork() == 0: os._exit(0)\ntime.sleep(0.5); print('done')"
    assert api.ddd("exec", "--", "python3", "-c", script).ok().out == "done\n"
    inside = subjects.container(engine, api)
    wait_until(lambda: not any("defunct" in line for line in subjects.processes(engine, inside)))


def test_stdin_that_the_command_closes_early_loses_no_output(api: Stack) -> None:
    argv = " ".join(ddd_argv("exec", "--", "sh", "-c", "'exec 0<&-; sleep 0.5; echo done; exit 7'"))
    ran = api.run("bash", "-c", f"head -c 50000000 /dev/zero | {argv}", timeout=30)
    assert (ran.status, ran.out) == (7, "done\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{ddd} </dev/null", "not a tty"),  # half: output only
        ("{ddd} | cat", "not a tty"),  # half: input only
        ("{ddd} 2>/dev/null", "/dev/pts"),
    ],
)
def test_half_a_terminal_is_none(api: Stack, line: str, said: str) -> None:
    ddd = " ".join(ddd_argv("exec", "--", "tty"))
    shell = api.spawn("sh", "-c", line.format(ddd=ddd))
    shell.expect(said)
    shell.wait()


def test_a_terminal_of_one_by_one(api: Stack) -> None:
    shell = api.spawn(*ddd_argv("exec", "--", "stty", "size"), size=(1, 1))
    shell.expect("1 1")
    shell.wait()
    assert shell.exitstatus == 0


@pytest.fixture(scope="module")
def bare(engine: Engine) -> Iterator[Stack]:
    """A running service whose image has sleep, echo and false, and nothing else."""
    image = tiny.make("sleep", "echo", "false")
    stack = make_stack({"compose.yaml": f"services: {{api: {{image: '{image}'}}}}\n"})
    try:
        stack.ddd("dev.up").ok()
        yield stack
    finally:
        stack.down()
        engine.delete(f"/images/{image}", force=1)


class TestWithoutShell:
    def test_status_and_output(self, bare: Stack) -> None:
        assert bare.ddd("exec", "--", "echo", "well").ok().out == "well\n"
        assert bare.ddd("exec", "--", "false").status == 1
        assert bare.ddd("exec", "--", "sleep", "1.5").ok().err == "", "no leash, and no word about it"

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
    def test_signals(self, engine: Engine, bare: Stack, number: signal.Signals) -> None:
        inside, mark = subjects.container(engine, bare), subjects.marker()
        client = bare.popen(*ddd_argv("exec", "--", "sleep", mark))
        wait_until(lambda: subjects.runs(engine, inside, mark))
        client.send_signal(number)
        assert end_of(client) == 128 + number
        assert not subjects.runs(engine, inside, mark)

    def test_shell_says_so(self, bare: Stack) -> None:
        ran = bare.ddd("dev.shell")
        assert ran.status == 65
        assert "has no shell" in ran.err
        assert "try: ddd dev.exec" in ran.err

    def test_run_says_so_and_leaves_nothing(self, engine: Engine, bare: Stack) -> None:
        ran = bare.ddd("run", "--", "echo", "well")
        assert ran.status == 65, ran.err
        assert "has no cat" in ran.err
        assert not engine.get("/containers/json", all=1, filters={"name": [f"{bare.name}-api-run-"]})
