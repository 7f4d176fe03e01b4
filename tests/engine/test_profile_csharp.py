"""Profiles of a .NET service as it runs in production: by its runtime's own events, without rights."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.languages.csharp import CSHARP
from ddd_tasks.profiling.samplers import eventpipe
from tests import dotnet_files, profiling, speedscope_schema, support
from tests.examples import example_of
from tests.support import Stack

# Of the loops, Hot has three quarters.
WORK = """\
using System.Runtime.CompilerServices;
using System.Threading;

namespace Planted
{
    public static class Work
    {
        public static object Kept;
        private static long sum;

        public static void Start() { new Thread(Loop) { IsBackground = true }.Start(); }

        private static void Loop()
        {
            while (true) { Hot(); Mild(); Kept = Buffer(); }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static byte[] Buffer() { return new byte[50000]; }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Hot()
        {
            for (var i = 0; i < 3000000; i++) { sum = sum * 31 + i; } // the planted line
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Mild()
        {
            for (var i = 0; i < 1000000; i++) { sum = sum * 31 + i; }
        }
    }
}
"""
PLANTED, LINE = 0.75, 24
HOT = "Planted.Work.Hot"
STARTS = "Console.WriteLine($"
SECRET = "hunter2"
HARDENED = {
    **profiling.HARDENED,
    "tmpfs": ["/tmp"],
    "cpus": 0.3,
    "environment": {"WORK": "1"},
    "command": ["dotnet", "service.dll", f"--password={SECRET}"],
}
SERVICES = {
    "api": HARDENED,
    # The compiler of the stand-in writes no PDB: the test makes one.
    "lined": {**HARDENED, "volumes": ["./service.pdb:/app/service.pdb:ro"]},
    "idle": {**HARDENED, "environment": {"TMPDIR": "/run/dotnet"}, "tmpfs": ["/run/dotnet:mode=1777"]},
    "off": {**HARDENED, "environment": {"COMPlus_EnableDiagnostics": "0"}},
    "brief": {**HARDENED, "environment": {}},
}


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    with example_of(CSHARP, mount=False) as example:
        made = example.stack
        program = (made.directory / "Program.cs").read_text()
        assert STARTS in program
        start = 'if (Environment.GetEnvironmentVariable("WORK") != null) { Planted.Work.Start(); }'
        made.write(
            {
                "Work.cs": WORK,
                "Program.cs": program.replace(STARTS, f"{start}\n{STARTS}"),
                "service.pdb": "",
                "compose.yaml": json.dumps({"services": SERVICES}),
            }
        )
        made.ddd("dev.up", timeout=600).ok()
        # The toolbox is built before something is waited for with a clock.
        made.ddd("profile.dump", "--service", "idle", timeout=600).ok()
        yield made


def record(stack: Stack, task: str, service: str, *words: str) -> dict[str, Any]:
    ran = stack.ddd(task, "--service", service, *words, "--json", timeout=60).ok()
    return dict(json.loads(ran.out))


def threads(stack: Stack, service: str) -> int:
    """How many threads the runtime has, in the process below init."""
    script = "for one in /proc/[0-9]*; do [ $(cat $one/comm) = dotnet ] && ls $one/task; done"
    return len(stack.run("docker", "exec", f"{stack.name}-{service}-1", "bash", "-c", script).out.split())


def test_the_planted_method_comes_first_and_the_trace_can_be_read_again(stack: Stack, engine: Engine) -> None:
    before = profiling.state(stack, engine)
    said = record(stack, "profile.cpu", "api", "--seconds", "4")
    first = said["hottest"][0]
    assert first["function"] == HOT, said
    assert abs(first["total"] - PLANTED) < 0.1, said
    assert profiling.state(stack, engine) == before
    assert profiling.beside(stack) == []
    folder = Path(said["folder"])
    speedscope_schema.check(json.loads((folder / "speedscope.json").read_text()))
    names = {"trace.nettrace", "speedscope.json", "folded.txt", "flamegraph.html", "meta.json"}
    assert {file.name for file in folder.iterdir()} == names
    content = (folder / "trace.nettrace").read_bytes()
    assert not any(SECRET.encode(encoding) in content for encoding in ("ascii", "utf-16-le"))
    assert SECRET not in "".join(file.read_text() for file in folder.iterdir() if file.suffix != ".nettrace")
    seen = eventpipe.seen(content)
    taken = list(eventpipe.thinned(seen.samples, seen.began, seen.frequency / said["rate"]))
    at_work = eventpipe.at_work(eventpipe.Code(seen), taken)
    assert sum(at_work.values()) == said["weight"] > 50
    assert len(seen.samples) > len(taken)


def test_a_pdb_in_the_image_gives_files_and_lines_of_this_machine(stack: Stack) -> None:
    ran = stack.ddd("profile.cpu", "--service", "lined", "--seconds", "1", timeout=60).ok()
    assert "/app/service.pdb is not read" in ran.err
    (folder,) = profiling.folders(stack, "lined")
    found = eventpipe.seen((folder / "trace.nettrace").read_bytes())
    token = next(one.token for one in found.methods if one.name == HOT) - 0x06000000
    pdb = dotnet_files.pdb("/app/Work.cs", {token: [(0, LINE - 1), (1, LINE)]})
    (stack.directory / "service.pdb").write_bytes(pdb)  # in place: the container has this file
    first = record(stack, "profile.cpu", "lined", "--seconds", "2")["hottest"][0]
    assert (first["function"], first["line"]) == (HOT, LINE)
    assert first["path"] == str(stack.directory / "Work.cs")


def test_what_is_allocated_is_told_by_method_and_type(stack: Stack) -> None:
    said = record(stack, "profile.memory", "api", "--seconds", "3")
    rows = {row["function"]: row for row in said["hottest"]}
    assert (said["unit"], said["hottest"][0]["function"]) == ("bytes", "System.Byte[]")
    assert rows["System.Byte[]"]["self"] > 0.8
    assert "Planted.Work.Buffer;System.Byte[] " in (Path(said["folder"]) / "folded.txt").read_text()


def test_all_threads_are_dumped(stack: Stack) -> None:
    ran = stack.ddd("profile.dump", "--service", "api", "--locals", timeout=60).ok()
    assert "at work\n  Planted.Work." in ran.out
    assert "waits\n  System.Threading.Thread.Sleep\n  Visits.Program.Main" in ran.out
    assert "no local variables" in ran.err


def test_ctrl_c_keeps_what_was_sampled_while_another_profile_goes_on(stack: Stack) -> None:
    before = profiling.folders(stack, "api")
    other = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "4", "--rate", "50"))
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "api", "--seconds", "120"))
    support.wait_until(lambda: len(profiling.beside(stack)) == 2, what="two profilers")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, support.end_of(other)) == (0, 0), err
    assert b"ended early" in err
    made = set(profiling.folders(stack, "api")) - set(before)
    told = [json.loads((folder / "meta.json").read_text()) for folder in made]
    assert sorted(one["rate"] for one in told) == [50, 100]
    assert all(0 < one["seconds"] <= 6 and one["weight"] > 5 for one in told), told
    assert profiling.beside(stack) == []


def test_sigterm_leaves_nothing_and_ends_the_session_in_the_runtime(stack: Stack) -> None:
    before, usual = profiling.folders(stack, "idle"), threads(stack, "idle")
    process = stack.popen(*support.ddd_argv("profile.cpu", "--service", "idle", "--seconds", "120"))
    support.wait_until(lambda: threads(stack, "idle") > usual, what="the session")
    process.terminate()
    assert support.end_of(process) == 128 + 15
    assert profiling.folders(stack, "idle") == before
    support.wait_until(lambda: not profiling.beside(stack), what="the end of its container")
    support.wait_until(lambda: threads(stack, "idle") <= usual, what="the end of the session")


def test_an_idle_service_is_said_to_be_idle(stack: Stack) -> None:
    ran = stack.ddd("profile.cpu", "--service", "idle", "--seconds", "1")
    assert (ran.status, profiling.folders(stack, "idle")) == (75, [])
    assert "nothing was sampled: service 'idle'" in ran.err


def test_a_runtime_without_a_socket_is_refused_with_the_setting_that_is_needed(stack: Stack) -> None:
    ran = stack.ddd("profile.cpu", "--service", "off", "--seconds", "1")
    assert (ran.status, profiling.folders(stack, "off")) == (65, [])
    assert "has no diagnostics socket" in ran.err
    assert "COMPlus_EnableDiagnostics=0" in ran.err


def test_a_service_that_ends_meanwhile_leaves_no_folder(stack: Stack) -> None:
    profiling.ends_meanwhile(stack, "brief")
