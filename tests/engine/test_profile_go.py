"""Profiles of Go services as they run in production, on scratch and without rights: by pprof, or by perf."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.languages.go import GO
from tests import profiling, speedscope_schema, support
from tests.examples import example_of
from tests.support import Stack

# Of the loops, hot has three quarters.
PLANTED = """\
package main

import (
	"os"
	"time"
)

var (
	sum  int
	kept [][]byte
)

//go:noinline
func leak() { kept = append(kept, make([]byte, 1<<19)) }

func mixed(i int) int { return i*sum + i ^ 7 }

//go:noinline
func hot() {
	for i := 0; i < 3_000_000; i++ {
		sum += mixed(i) // the planted line
	}
}

//go:noinline
func mild() {
	for i := 0; i < 1_000_000; i++ {
		sum += i*sum + i ^ 7
	}
}

func init() {
	if os.Getenv("LEAK") != "" {
		go func() {
			for range time.Tick(50 * time.Millisecond) {
				leak()
			}
		}()
	}
	if os.Getenv("WORK") == "" {
		return
	}
	for range 20 {
		go func() { select {} }()
	}
	go func() {
		for {
			hot()
			mild()
		}
	}()
}
"""
SHARE = 0.75


def line_of(text: str) -> int:
    """The line of the planted file that has this."""
    return PLANTED[: PLANTED.index(text)].count("\n") + 1


LINES = tuple(line_of("func hot") + number for number in range(3))
# A line of the example, without which it has no endpoint.
ENDPOINT = "ListenAndServe(profiles"
HARDENED = {**profiling.HARDENED, "cpus": 0.5, "environment": {"WORK": "1"}}
STRIPPED = {**HARDENED, "build": {"context": ".", "dockerfile": "stripped.Dockerfile", "target": "prod"}}
SERVICES = {
    "api": HARDENED,
    "idle": {**HARDENED, "environment": {}},
    "bare": STRIPPED,
    "brief": {**STRIPPED, "cpus": 0.1},
    "leaky": {**HARDENED, "cpus": 0.2, "environment": {"LEAK": "1"}},
    "elsewhere": {**HARDENED, "environment": {}, "x-ddd": {"pprof": {"port": 8080}}},
}
FLAGS = '-trimpath -ldflags="-s -w"'


@pytest.fixture(scope="module")
def stack(bases: None) -> Iterator[Stack]:
    with example_of(GO, mount=False) as example:
        made, text = example.stack, (example.stack.directory / "Dockerfile").read_text()
        # The same program twice: the second without names, with the paths of its module, and without an endpoint.
        build = f"sed -i '/{ENDPOINT}/d' main.go && go build {FLAGS} -o /out/app"
        stripped = text.replace("go build -o /out/app", build)
        assert stripped != text
        assert ENDPOINT in example.text
        made.write(
            {
                "planted.go": PLANTED,
                "stripped.Dockerfile": stripped,
                "compose.yaml": json.dumps({"services": SERVICES}),
            }
        )
        made.ddd("dev.up", timeout=600).ok()
        # The toolboxes are built before something is waited for with a clock.
        made.ddd("profile.cpu", "--service", "api", "--seconds", "1", timeout=600).ok()
        ran = made.ddd("profile.cpu", "--service", "bare", "--seconds", "1", timeout=600)
        if ran.status == 65:
            pytest.skip(f"the kernel does not let perf sample: {ran.err}")
        ran.ok()
        yield made


@pytest.mark.parametrize(("service", "native"), [("api", "cpu.pb.gz"), ("bare", "perf.data")])
def test_the_planted_function_comes_first_with_its_line_here(
    stack: Stack, engine: Engine, service: str, native: str
) -> None:
    before = profiling.state(stack, engine, service)
    ran = stack.ddd("profile.cpu", "--service", service, "--seconds", "5", "--json", timeout=60).ok()
    said = json.loads(ran.out)
    ours, first = {row["function"]: row for row in said["hottest"]}, said["hottest"][0]
    assert first["function"] in ("main.hot", "main.mixed"), said
    assert first["path"] == str(stack.directory / "planted.go")
    assert first["line"] in (line_of("func mixed"), *LINES)
    assert abs(ours["main.hot"]["total"] - SHARE) < 0.1, said
    assert ours["main.hot"]["line"] in LINES
    assert profiling.state(stack, engine, service) == before
    assert profiling.beside(stack) == []
    speedscope_schema.check(json.loads((Path(said["folder"]) / "speedscope.json").read_text()))
    names = {native, "speedscope.json", "folded.txt", "flamegraph.html", "meta.json"}
    assert {file.name for file in Path(said["folder"]).iterdir()} == names
    assert ("PERFMON" in ran.err) == (native == "perf.data")


def test_native_is_perf_at_any_rate(stack: Stack) -> None:
    words = ("--service", "api", "--seconds", "1", "--rate", "400", "--native", "--json")
    said = json.loads(stack.ddd("profile.cpu", *words).ok().out)
    assert (said["native"], said["rate"]) == ("perf.data", 400)
    assert said["weight"] > 20
    assert said["hottest"][0]["path"] == str(stack.directory / "planted.go")


@pytest.mark.parametrize("service", ["api", "bare"])
def test_ctrl_c_ends_it_early_and_keeps_what_was_sampled(stack: Stack, service: str) -> None:
    before = profiling.folders(stack, service)
    words = support.ddd_argv("profile.cpu", "--service", service, "--seconds", "120")
    terminal = stack.spawn(*words, size=(24, 120))
    terminal.expect(f"sample {service}, 120 s at 100 Hz.*━")
    time.sleep(3)
    terminal.kill(signal.SIGINT)  # with the key, the terminal drops output amid the bytes of a letter
    terminal.expect("ended early")
    terminal.expect(r"main\.hot +planted\.go:(19|2[01])")
    terminal.wait()
    assert terminal.exitstatus == 0
    (made,) = set(profiling.folders(stack, service)) - set(before)
    assert 0 < json.loads((made / "meta.json").read_text())["seconds"] < 30
    assert profiling.beside(stack) == []


def test_one_profile_at_a_time_and_sigterm_leaves_nothing_of_it(stack: Stack) -> None:
    before, words = profiling.folders(stack, "api"), ("profile.cpu", "--service", "api", "--seconds")
    process = stack.popen(*support.ddd_argv(*words, "120"))
    try:
        assert process.stderr is not None
        while b"sample api, 120 s" not in (line := process.stderr.readline()):
            assert line, "it ended"
        refused = stack.ddd(*words, "1")
    finally:
        process.terminate()
        status = support.end_of(process)
    assert refused.status == 75
    assert "is profiled by somebody else already" in refused.err
    assert "try: ddd profile.cpu --service api --native" in refused.err
    assert status == 128 + 15
    support.wait_until(lambda: not profiling.beside(stack), what="the end of its container")
    assert profiling.folders(stack, "api") == before
    # Go's own profile has ended as well.
    stack.ddd(*words, "1").ok()


def test_an_idle_service_is_said_to_be_idle(stack: Stack) -> None:
    # Its runtime may be at work in the very moment of a sample.
    for _ in range(3):
        if (ran := stack.ddd("profile.cpu", "--service", "idle", "--seconds", "1")).status:
            break
    assert ran.status == 75
    assert "nothing was sampled: service 'idle' was idle" in ran.err


def test_a_service_that_ends_meanwhile_leaves_no_folder(stack: Stack) -> None:
    profiling.ends_meanwhile(stack, "brief")


def test_a_port_that_is_no_endpoint_is_refused(stack: Stack) -> None:
    ran = stack.ddd("profile.cpu", "--service", "elsewhere", "--seconds", "1")
    assert (ran.status, profiling.folders(stack, "elsewhere")) == (78, [])
    assert "says that pprof is on port 8080, and it is not" in ran.err
    assert "port 8080: status 404 at /debug/pprof/" in ran.err


def test_goroutines_are_dumped_with_paths_of_this_machine(stack: Stack) -> None:
    said = json.loads(stack.ddd("profile.dump", "--service", "api", "--json").ok().out)
    (work,) = [one for one in said if one["active"]]
    assert work["calls"][0]["path"] == str(stack.directory / "planted.go")
    assert any(one["thread"].endswith(" and 19 more like it [select (no cases)]") for one in said), said
    assert all("pprof" not in call["function"] for one in said for call in one["calls"])


def test_memory_is_where_it_was_allocated_and_kept(stack: Stack, engine: Engine) -> None:
    before = profiling.state(stack, engine, "leaky")
    said = json.loads(stack.ddd("profile.memory", "--service", "leaky", "--seconds", "2", "--json").ok().out)
    first = said["hottest"][0]
    assert (first["function"], first["path"]) == ("main.leak", str(stack.directory / "planted.go"))
    assert first["line"] == line_of("func leak")
    assert first["self"] > 0.8, said
    assert (said["native"], said["unit"]) == ("heap.pb.gz", "bytes")
    assert 2 << 20 < said["weight"] < 64 << 20  # ten MiB a second, where nothing else is at work
    assert profiling.state(stack, engine, "leaky") == before


def test_what_only_an_endpoint_can_tell_is_refused_with_the_lines_to_add(stack: Stack) -> None:
    for task in (("profile.dump",), ("profile.memory", "--seconds", "1")):
        ran = stack.ddd(*task, "--service", "bare")
        assert ran.status == 65
        assert "port 8080: status 404 at /debug/pprof/" in ran.err
        assert 'import _ "net/http/pprof"' in ran.err
