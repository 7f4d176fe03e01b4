"""Traces of .NET: what is read from streams of events, and which lines of source a PDB gives to them."""

from __future__ import annotations

import pytest

from ddd_tasks.profiling.nettrace import Event, Kind, Trace
from ddd_tasks.profiling.portablepdb import Pdb
from ddd_tasks.profiling.samplers import eventpipe
from ddd_tasks.profiling.samplers.eventpipe import Code, Sample
from ddd_tasks.profiling.stacks import Frame
from tests import dotnet_files as files
from tests.dotnet_files import BEGAN, FREQUENCY, PIPE, RUNDOWN, RUNTIME, SAMPLER, Stream

SAMPLES, METHODS, MAPS, MODULES, ALLOCATIONS, PROCESS = range(1, 7)
WORKING, WAITING = files.sample(at_work=True), files.sample(at_work=False)


def stream(version: int = 4, pointer: int = 8) -> Stream:
    return Stream(version, pointer).kinds(
        (SAMPLER, 0, 0), (RUNDOWN, 144, 1), (RUNDOWN, 150, 0), (RUNDOWN, 154, 2), (RUNTIME, 10, 3), (PIPE, 1, 0)
    )


def events(content: bytes) -> list[Event]:
    return list(Trace(content).events())


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("form", [Stream.compressed, Stream.plain])
def test_both_forms_of_events_say_the_same(form: type, version: int) -> None:
    rows = [(SAMPLES, 300, 12, 1, 6000, WORKING), (SAMPLES, 16, 12, 2, 6200, b"odd")]
    content = form(stream(version).stacks(1, (0x7F00_0000_1000, 20), ()), *rows).end()
    found = [(one.kind, one.thread, one.time, one.stack, one.payload) for one in events(content)]
    kind = Kind(SAMPLER, 0, 0)
    assert found == [
        (kind, 300, 6000, (0x7F00_0000_1000, 20), WORKING),
        (kind, 16, 6200, (), b"odd"),
    ]
    assert [content[one.at :][: len(one.payload)] for one in events(content)] == [WORKING, b"odd"]


def test_what_an_event_does_not_say_is_as_in_the_one_before_it() -> None:
    content = stream().stacks(1, (10,)).same(SAMPLES, 3, 1, [100, 250, 251], WORKING).end()
    found = events(content)
    assert [one.time for one in found] == [100, 250, 251]
    assert {(one.kind.provider, one.thread, one.stack, one.payload) for one in found} == {(SAMPLER, 3, (10,), WORKING)}


def test_addresses_of_32_bits_and_stacks_that_get_another_number() -> None:
    row = (SAMPLES, 3, 3, 1, 100, WORKING)
    content = stream(pointer=4).stacks(1, (10, 20)).compressed(row).sequence_point().stacks(1, (30,)).plain(row).end()
    assert [one.stack for one in events(content)] == [(10, 20), (30,)]


def test_dropped_events_are_counted() -> None:
    row = (SAMPLES, 3, 3, 0, 100, WORKING)
    for skipped in (0, 5):
        trace = Trace(stream().compressed(row, row, row, skipped=skipped).end())
        assert len(list(trace.events())) == 3
        assert trace.lost == skipped


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "begins with b''"),
        (b"!<arch>\n" + bytes(99), "begins with"),
        (Stream(3).end(), "version 3"),
        (stream().stacks(1, (1, 2, 3)).end()[:-9], "cut off"),
        (stream().end()[:-1], "cut off"),
        (stream().end()[:-2] + b"\7\7", "where the tag"),
    ],
)
def test_what_is_no_trace_or_only_a_part_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        events(content)


def test_any_part_of_a_trace_is_refused_and_never_an_error_of_ours() -> None:
    whole = stream().stacks(1, (10,)).same(SAMPLES, 3, 1, [100, 250], WORKING).end()
    for size in range(len(whole)):
        with pytest.raises(ValueError):  # noqa: PT011 - many messages
            events(whole[:size])


def profile() -> bytes:
    """Hot at work twice, called by Loop, and a thread that waits."""
    made = stream().stacks(1, (120, 1050), (2000,))
    made.compressed(
        (SAMPLES, 5, 9, 1, BEGAN, WORKING),
        (SAMPLES, 6, 9, 2, BEGAN, WAITING),
        (SAMPLES, 5, 9, 1, BEGAN + 20, WORKING),
        (ALLOCATIONS, 5, 5, 1, BEGAN + 30, files.allocation(100_000, "System.Byte[]")),
        (ALLOCATIONS, 5, 5, 1, BEGAN + 40, files.allocation(150_000, "System.Byte[]")),
        (MODULES, 1, 1, 0, BEGAN + 50, files.module("/app/service.dll")),
        # The same method as it was compiled first and again: each has a map of its own, before it.
        (MAPS, 1, 1, 0, BEGAN + 51, files.offsets([(-2, 0), (0, 5), (40, 15)], identifier=1)),
        (METHODS, 1, 1, 0, BEGAN + 52, files.method(100, 50, "Planted.Work", "Hot", identifier=1, token=2)),
        (MAPS, 1, 1, 0, BEGAN + 53, files.offsets([(0, 0)], identifier=1)),
        (METHODS, 1, 1, 0, BEGAN + 54, files.method(500, 50, "Planted.Work", "Hot", identifier=1, token=2)),
        (METHODS, 1, 1, 0, BEGAN + 55, files.method(1000, 50, "Planted.Work", "Loop", identifier=2, token=1)),
        (PROCESS, 1, 1, 0, BEGAN + 56, files.text("dotnet a.dll --password hunter2")),
    )
    return made.end()


def test_samples_and_allocations_have_the_names_of_methods() -> None:
    found = eventpipe.seen(profile())
    code = Code(found)
    stack = (Frame("Planted.Work.Loop"), Frame("Planted.Work.Hot"))
    assert eventpipe.at_work(code, found.samples) == {stack: 2}
    assert eventpipe.allocated(code, found.allocations) == {(*stack, Frame("System.Byte[]")): 250_000}
    assert code.frame(3000) == Frame("?")
    assert code.frame(150) == Frame("?")  # the end is not part of it


def test_lines_come_from_the_map_of_what_was_compiled_and_the_pdb() -> None:
    pdb = Pdb(files.pdb("/app/Work.cs", {1: [(0, 7)], 2: [(0, 19), (3, 0), (30, 21), (200, 300)]}))
    asked = []

    def lines(assembly: str, token: int, offset: int) -> tuple[str, int] | None:
        asked.append((assembly, token, offset))
        return pdb.place(token, offset)

    found = eventpipe.seen(profile())
    code = Code(found, lines)
    assert code.assemblies(one.stack for one in found.samples) == {"/app/service.dll"}
    # 1050 is where the call returns to, behind the end of Loop.
    assert code.stack((120, 1050)) == (
        Frame("Planted.Work.Loop", "/app/Work.cs", 7),
        Frame("Planted.Work.Hot", "/app/Work.cs", 21),
    )
    assert code.frame(505).line == 19
    assert asked == [
        ("/app/service.dll", 0x06000002, 40),
        ("/app/service.dll", 0x06000001, 0),
        ("/app/service.dll", 0x06000002, 0),
    ]


def test_the_command_line_is_taken_out_of_the_file() -> None:
    content = profile()
    password = "hunter2".encode("utf-16-le")
    without = eventpipe.seen(content).without_commands(content)
    assert password in content
    assert password not in without
    assert len(without) == len(content)
    assert eventpipe.seen(without).samples == eventpipe.seen(content).samples


def test_samples_are_thinned_evenly_and_steps_without_one_are_counted() -> None:
    each = [Sample(thread, BEGAN + tick, True, (1,)) for tick in range(100) for thread in (1, 2) if not 40 <= tick < 60]
    step = FREQUENCY / 100  # of 10 ticks
    taken = list(eventpipe.thinned(each, BEGAN, step))
    assert [one.time - BEGAN for one in taken if one.thread == 2] == [0, 10, 20, 30, 60, 70, 80, 90]
    assert len(taken) == 16
    assert eventpipe.missed(taken, BEGAN, step, 0.1, FREQUENCY) == 2
    assert list(eventpipe.thinned(each, BEGAN, 1.0)) == each


@pytest.mark.parametrize(
    ("compiled", "source"),
    [
        ("Visits.Server+<Serve>d__8.MoveNext", "Visits.Server.Serve"),
        ("Visits.Server+<Serve>d__8`1[System.__Canon].MoveNext", "Visits.Server.Serve"),
        ("Visits.Server+<>c__DisplayClass8_0.<Serve>b__0", "Visits.Server.Serve (lambda)"),
        ("Visits.Server+<>c.<.ctor>b__2_0", "Visits.Server..ctor (lambda)"),
        ("Visits.Server.<Answer>g__Body|3_0", "Visits.Server.Answer.Body"),
        ("Visits.Server.Answer", "Visits.Server.Answer"),
        (
            "System.Collections.Generic.List`1[System.Int32].MoveNext",
            "System.Collections.Generic.List`1[System.Int32].MoveNext",
        ),
    ],
)
def test_names_are_those_of_the_source(compiled: str, source: str) -> None:
    assert eventpipe.readable(compiled) == source


def test_a_pdb_has_lines_that_go_back_and_code_without_source() -> None:
    points = [(0, 70), (5, 0), (200, 3), (20_000, 9000), (20_001, 8999)]
    pdb = Pdb(files.pdb("C:/src/Größe.cs", {3: points}))
    assert [(one.offset, one.line) for one in pdb.points(0x06000003)] == points
    assert pdb.place(0x06000003, 6) == ("C:/src/Größe.cs", 70)
    assert pdb.place(0x06000003, 19_999) == ("C:/src/Größe.cs", 3)
    assert pdb.place(0x06000001, 0) is None
    assert pdb.place(0x06000099, 0) is None


@pytest.mark.parametrize("content", [b"", b"Microsoft C/C++ MSF 7.00\r\n", files.pdb("/a.cs", {1: [(0, 1)]})[:60]])
def test_what_is_no_portable_pdb_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        Pdb(content)
