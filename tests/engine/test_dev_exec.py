"""`dev.exec`, `dev.run` and `dev.shell` in a real container: statuses, signals, bytes, terminals, directories."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pexpect
import pytest

from tests.support import COMPOSE, DOCKERFILE, Stack, ddd_argv, end_of, make_stack, wait_until

FILES = {"compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE, "sub/deep/file": "", "a b/ü/file": ""}
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]


Make = Callable[[Mapping[str, str]], Stack]


@pytest.fixture(scope="module")
def api(bases: None) -> Iterator[Stack]:
    """A running service that mounts its project."""
    stack = make_stack(FILES)
    try:
        stack.ddd("dev.up").ok()
        yield stack
    finally:
        stack.down()


def processes(stack: Stack) -> str:
    """The command lines of what runs in the container."""
    script = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null"
    return stack.ddd("dev.exec", "--", "sh", "-c", script).ok().out


def exec_sleeping(stack: Stack, seconds: str, *words: str) -> subprocess.Popen[bytes]:
    """Start `dev.exec -- sleep` and wait until it runs inside; a number of seconds that nobody else uses marks it."""
    process = stack.popen(*ddd_argv("dev.exec", "--", *(words or ("sleep", seconds))))
    wait_until(lambda: f"sleep {seconds}" in processes(stack), what=f"sleep {seconds} inside")
    return process


class TestStatus:
    @pytest.mark.parametrize("status", [0, 1, 7, 255])
    def test_the_commands_status_comes_out_unchanged(self, api: Stack, status: int) -> None:
        assert api.ddd("dev.exec", "--", "sh", "-c", f"exit {status}").status == status

    def test_death_by_a_signal_inside_is_128_plus_its_number(self, api: Stack) -> None:
        assert api.ddd("dev.exec", "--", "sh", "-c", "kill -KILL $$").status == 137

    def test_a_program_that_is_not_there_is_127_and_one_that_cannot_run_126(self, api: Stack) -> None:
        absent = api.ddd("dev.exec", "--", "no-such-program")
        assert (absent.status, absent.out) == (127, "")
        assert "'no-such-program' was not found" in absent.err
        assert api.ddd("dev.exec", "--", "/etc").status == 126


class TestWords:
    def test_arrive_exactly_as_typed(self, api: Stack) -> None:
        words = ["a or b", "", "--service", "$HOME", "*", "'", '"', "\\", "ü", "--", "-x"]
        script = "import sys; print(ascii(sys.argv[1:]))"
        assert api.ddd("dev.exec", "--", "python3", "-c", script, *words).ok().out.strip() == ascii(words)

    def test_none_at_all_is_refused_with_an_example(self, api: Stack) -> None:
        ran = api.ddd("dev.exec")
        assert ran.status == 78
        assert "try: ddd dev.exec -- pwd" in ran.err


class TestBytes:
    def test_a_megabyte_of_random_bytes_comes_back_identical(self, api: Stack) -> None:
        data = os.urandom(1_000_000)
        assert api.ddd("dev.exec", "--", "cat", stdin=data).ok().stdout == data

    def test_stdout_and_stderr_stay_apart(self, api: Stack) -> None:
        ran = api.ddd("dev.exec", "--", "sh", "-c", "echo one; echo two >&2").ok()
        assert (ran.out, ran.err) == ("one\n", "two\n")

    def test_a_reader_that_leaves_ends_the_command(self, api: Stack) -> None:
        argv = " ".join(ddd_argv("dev.exec", "--", "yes", "left-behind"))
        ran = api.run("bash", "-c", f"{argv} | head -n 1; echo ${{PIPESTATUS[0]}}").ok()
        assert ran.out == "left-behind\n141\n"
        assert "yes left-behind" not in processes(api)

    def test_a_reader_that_leaves_ends_a_command_that_ignores_sigpipe(self, api: Stack) -> None:
        argv = " ".join(ddd_argv("dev.exec", "--", "python3", "-c", "'while True: print(3010)'"))
        ran = api.run("bash", "-c", f"{argv} | head -n 1; echo ${{PIPESTATUS[0]}}").ok()
        assert ran.out == "3010\n141\n"
        assert "print(3010)" not in processes(api)

    def test_output_that_cannot_be_written_ends_the_command(self, api: Stack) -> None:
        argv = " ".join(ddd_argv("dev.exec", "--", "sh", "-c", "'echo x; sleep 3011'"))
        ran = api.run("sh", "-c", f"{argv} >/dev/full")
        assert ran.status == 1
        assert "cause: [Errno 28]" in ran.err
        assert "sleep 3011" not in processes(api)

    def test_closed_stdin_is_an_empty_one(self, api: Stack) -> None:
        argv = " ".join(ddd_argv("dev.exec", "--", "cat"))
        assert api.run("bash", "-c", f"{argv} <&-").ok().stdout == b""


class TestSignals:
    @pytest.mark.parametrize(("number", "status"), SIGNALS)
    def test_reach_the_process_inside_and_nothing_is_left(self, api: Stack, number: int, status: int) -> None:
        seconds = f"10{number}"
        process = exec_sleeping(api, seconds)
        process.send_signal(number)
        assert end_of(process) == status
        assert f"sleep {seconds}" not in processes(api)

    def test_reach_grandchildren_too(self, api: Stack) -> None:
        process = exec_sleeping(api, "2001", "sh", "-c", "sleep 2001 & sleep 2001; true")
        process.send_signal(signal.SIGTERM)
        end_of(process)
        assert "sleep 2001" not in processes(api)

    def test_a_command_that_ignores_ctrl_c_is_killed_by_the_third(self, api: Stack) -> None:
        process = exec_sleeping(api, "2002", "sh", "-c", "trap '' INT; sleep 2002; sleep 2002")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert end_of(process) == 137
        assert "sleep 2002" not in processes(api)

    def test_early_ones_do_not_leave_a_process(self, api: Stack) -> None:
        """At any moment of the start: before, while and just after the process appears inside."""
        for delay in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55):
            process = api.popen(*ddd_argv("dev.exec", "--", "sleep", "2003"))
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            assert end_of(process) != 0
        assert "sleep 2003" not in processes(api)


class TestTerminal:
    def test_there_is_one_exactly_when_we_have_one(self, api: Stack) -> None:
        assert "not a tty" in api.ddd("dev.exec", "--", "tty").out
        inside = api.spawn(*ddd_argv("dev.exec", "--", "tty"))
        inside.expect("/dev/pts/")
        inside.expect(pexpect.EOF)
        inside.close()
        assert inside.exitstatus == 0

    def test_size_resize_and_type(self, api: Stack) -> None:
        script = "stty size; echo $TERM; read _; stty size"
        shell = api.spawn(*ddd_argv("dev.exec", "--", "sh", "-c", script), size=(33, 101))
        shell.expect("33 101\r\nxterm\r\n")
        shell.setwinsize(20, 60)
        time.sleep(0.5)
        shell.sendline("")
        shell.expect("20 60\r\n")
        shell.expect(pexpect.EOF)

    def test_ctrl_c_interrupts_the_program_and_not_the_repl_around_it(self, api: Stack) -> None:
        repl = api.spawn(*ddd_argv("dev.exec", "--", "python3", "-q"))
        repl.expect(">>> ")
        repl.sendline("import time; time.sleep(600)")
        time.sleep(1)
        repl.sendintr()
        repl.expect("KeyboardInterrupt")
        repl.sendline("print(6 * 7); exit(5)")
        repl.expect("42")
        repl.expect(pexpect.EOF)
        repl.close()
        assert repl.exitstatus == 5

    def test_the_terminal_is_as_before_afterwards(self, api: Stack) -> None:
        argv = " ".join(ddd_argv("dev.exec", "--", "true"))
        shell = api.spawn("sh", "-c", f"stty -g; {argv}; stty -g")
        shell.expect(pexpect.EOF)
        before, after = (shell.before or "").split()
        assert before == after

    def test_shell_is_one_in_the_matching_directory(self, api: Stack) -> None:
        shell = api.spawn(*ddd_argv("dev.shell"), cwd="sub/deep")
        shell.sendline("pwd; exit 3")
        shell.expect("/app/sub/deep\r\n")
        shell.expect(pexpect.EOF)
        shell.close()
        assert shell.exitstatus == 3


class TestDirectory:
    @pytest.mark.parametrize(("here", "inside"), [("", "/app"), ("sub/deep", "/app/sub/deep"), ("a b/ü", "/app/a b/ü")])
    def test_the_matching_one(self, api: Stack, here: str, inside: str) -> None:
        assert api.ddd("dev.exec", "--", "pwd", cwd=here).ok().out.strip() == inside

    def test_a_folder_that_is_not_mounted_is_refused(self, api: Stack, tmp_path: Path) -> None:
        ran = api.ddd("dev.exec", "--", "pwd", cwd=str(tmp_path), env={"COMPOSE_FILE": f"{api.directory}/compose.yaml"})
        assert ran.status == 78
        assert f"{api.directory} (as /app)" in ran.err


class TestInside:
    def test_the_same_line_runs_directly(self, api: Stack) -> None:
        ran = api.ddd(
            "dev.exec", "--", "sh", "-c", "exit 9", env={"DDD_SERVICE": "api", "DOCKER_HOST": "tcp://127.0.0.1:9"}
        )
        assert ran.status == 9

    def test_another_service_cannot_be_reached(self, api: Stack) -> None:
        ran = api.ddd("dev.exec", "--service", "redis", "--", "true", env={"DDD_SERVICE": "api"})
        assert ran.status == 78
        assert "from inside service 'api'" in ran.err


class TestEcho:
    def test_echo_prints_a_line_to_paste_and_runs(self, api: Stack) -> None:
        ran = api.ddd("-e", "dev.exec", "--", "echo", "a b").ok()
        assert ran.out == "a b\n"
        assert f"docker compose --project-name {api.name} exec --no-TTY --workdir /app api echo 'a b'" in ran.err

    def test_dry_prints_it_and_runs_nothing(self, api: Stack) -> None:
        ran = api.ddd("--dry", "dev.exec", "--", "touch", "made").ok()
        assert "touch made" in ran.err
        assert not (api.directory / "made").exists()


class TestRun:
    def test_a_container_of_its_own_that_is_gone_afterwards(self, api: Stack) -> None:
        one = api.ddd("dev.run", "--", "hostname").ok().out
        other = api.ddd("dev.exec", "--", "hostname").ok().out
        assert one != other
        assert api.run("docker", "ps", "-aq", "--filter", f"name={api.name}-api-run").out == ""

    def test_status_directory_and_bytes_as_in_exec(self, api: Stack) -> None:
        data = os.urandom(100_000)
        ran = api.ddd("dev.run", "--", "sh", "-c", "pwd >&2; cat; exit 7", cwd="sub", stdin=data)
        assert (ran.status, ran.stdout) == (7, data)
        assert "/app/sub" in ran.err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_no_container_is_left_however_the_client_dies(self, api: Stack, number: int) -> None:
        process = api.popen(*ddd_argv("dev.run", "--", "sleep", "3001"))
        listed = ["docker", "ps", "-q", "--filter", f"name={api.name}-api-run"]
        wait_until(lambda: "sleep 3001" in api.run("sh", "-c", f"docker top $({' '.join(listed)}) -o pid,args").out)
        process.send_signal(number)
        assert end_of(process) != 0
        wait_until(lambda: api.run("docker", "ps", "-aq", "--filter", f"name={api.name}-api-run").out == "")


class TestServicesOwnCommand:
    @pytest.mark.usefixtures("bases")
    def test_run_without_words_is_the_services_command(self, stack: Make) -> None:
        compose = COMPOSE.rstrip() + '\n    command: [echo, "of the service"]\n'
        ran = stack({**FILES, "compose.yaml": compose}).ddd("dev.run").ok()
        assert ran.out.splitlines()[-1] == "of the service"

    @pytest.mark.usefixtures("bases")
    def test_an_entrypoint_comes_before_the_words(self, stack: Make) -> None:
        compose = COMPOSE.rstrip() + "\n    entrypoint: [echo, first]\n    command: [ignored]\n"
        ran = stack({**FILES, "compose.yaml": compose}).ddd("dev.run", "--", "second").ok()
        assert ran.out.splitlines()[-1] == "first second"

    def test_tasks_of_one_line_all_run(self, api: Stack) -> None:
        ran = api.ddd("dev.exec", "dev.ps", "--", "echo", "inside").ok()
        assert "inside\n" in ran.out
        assert "SERVICE" in ran.out


class TestWithoutInvoke:
    """`ddd exec` and `ddd run`: the same promises, and what it remembers never outlives what it came from."""

    def test_status_words_bytes_and_directory(self, api: Stack) -> None:
        data = os.urandom(1_000_000)
        for _ in range(2):  # found out, and remembered
            assert api.ddd("exec", "--", "sh", "-c", "exit 7").status == 7
            assert api.ddd("exec", "--", "cat", stdin=data).ok().stdout == data
            assert api.ddd("exec", "--", "pwd", cwd="a b/ü").ok().out == "/app/a b/ü\n"
            assert api.ddd("exec", "--", "printf", "%s|", "a or b", "", "--").ok().out == "a or b||--|"
            assert api.ddd("exec", "--", "no-such-program").status == 127

    @pytest.mark.parametrize(("number", "status"), SIGNALS)
    def test_signals(self, api: Stack, number: int, status: int) -> None:
        process = api.popen(*ddd_argv("exec", "--", "sleep", f"40{number}"))
        wait_until(lambda: f"sleep 40{number}" in processes(api))
        process.send_signal(number)
        assert end_of(process) == status
        assert f"sleep 40{number}" not in processes(api)

    def test_a_terminal(self, api: Stack) -> None:
        inside = api.spawn(*ddd_argv("exec", "--", "stty", "size"), size=(33, 101))
        inside.expect("33 101\r\n")
        inside.expect(pexpect.EOF)

    def test_run(self, api: Stack) -> None:
        ran = api.ddd("run", "--", "sh", "-c", "pwd; exit 9", cwd="sub")
        assert (ran.status, ran.out.splitlines()[-1]) == (9, "/app/sub")

    def test_refusals(self, api: Stack) -> None:
        assert "did you mean: api" in api.ddd("exec", "--service", "apo", "--", "true").err
        assert api.ddd("exec", "--service", "apo", "--", "true").status == 78
        assert api.ddd("exec").status == 78
        assert api.ddd("exec", "--help").ok().out.startswith("Usage: ddd exec")

    @pytest.mark.usefixtures("bases")
    def test_a_recreated_container_and_a_changed_file_are_noticed(self, stack: Make) -> None:
        api = stack(FILES)
        api.ddd("dev.up").ok()
        before = api.ddd("exec", "--", "hostname").ok().out
        api.run("docker", "compose", "up", "--detach", "--no-build", "--force-recreate", "--timeout", "1").ok()
        after = api.ddd("exec", "--", "hostname").ok().out
        assert before != after
        api.write({"compose.override.yaml": "services: {api: {volumes: ['./sub:/other']}}\n"})
        api.ddd("dev.up").ok()
        assert api.ddd("exec", "--", "pwd", cwd="sub").ok().out == "/other\n"

    @pytest.mark.usefixtures("bases")
    def test_a_stopped_service_is_refused_although_it_is_remembered(self, stack: Make) -> None:
        api = stack(FILES)
        api.ddd("dev.up").ok()
        api.ddd("exec", "--", "true").ok()
        api.run("docker", "compose", "stop", "--timeout", "1").ok()
        assert api.ddd("exec", "--", "true").status == 75
