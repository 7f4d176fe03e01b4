"""The words of perf and of Go's runtime, as stacks and threads."""

from __future__ import annotations

from ddd_tasks.profiling.dumping import Call
from ddd_tasks.profiling.samplers import goroutines, perfscript
from ddd_tasks.profiling.stacks import Frame

SCRIPT = """\
      8 
\t          67982e [unknown] (/service)
\t          4513c7 [unknown] (/service)

      9 
\tffffffff81a01234 do_syscall_64 ([kernel.kallsyms])
\tffffffff81a00130 [unknown] ([unknown])
\tffffffff81a00120 [unknown] ([unknown])
\t          402000 [unknown] (/service)
\t    7f0000001000 malloc (/usr/lib/libc.so.6)
\t    7f0000002000 [unknown] (/usr/lib/libc.so.6)

      8  PERF_RECORD_LOST lost 5
      8 
\tffffffff81a01234 do_idle ([kernel.kallsyms])

"""  # noqa: W291 - as perf writes it
GOROUTINES = """\
goroutine 40 [running]:
runtime/pprof.writeGoroutineStacks({0x1, 0x2})
\t/usr/local/go/src/runtime/pprof/pprof.go:803 +0x6b
net/http.(*conn).serve(0xc000)
\t/usr/local/go/src/net/http/server.go:2000 +0x1

goroutine 41 [runnable]:
net/http.(*connReader).startBackgroundRead.gowrap2()
\t/usr/local/go/src/net/http/server.go:738 +0x1
created by net/http.(*connReader).startBackgroundRead in goroutine 40
\t/usr/local/go/src/net/http/server.go:738 +0x2

goroutine 1 [runnable]:
main.inner(...)
\t/app/main.go:13
main.(*Shop).hot(0xc000012345, {0x1, 0x2})
\t/app/main.go:18 +0x2e

goroutine 7 [chan receive, 3 minutes]:
main.wait(0x1)
\t/app/main.go:40 +0x2e
created by main.main in goroutine 1
\t/app/main.go:30 +0x1

goroutine 8 [chan receive, 2 minutes, locked to thread]:
main.wait(0x2)
\t/app/main.go:40 +0x2e
created by main.main in goroutine 1
\t/app/main.go:30 +0x1

goroutine 9 [select]:
main.wait(0x2)
\t/app/main.go:40 +0x2e
...additional frames elided...
"""


def named(address: int) -> tuple[Frame, ...]:
    known = {0x67982E: "main.inner", 0x4513C6: "runtime.main", 0x402000: "syscall.Syscall"}
    return (Frame(known[address], "/app/main.go", 1),) if address in known else ()


def test_stacks_of_perf_count_the_kernel_for_who_called_it() -> None:
    main, inner, syscall = (
        Frame(name, "/app/main.go", 1) for name in ("runtime.main", "main.inner", "syscall.Syscall")
    )
    c = (Frame("[libc.so.6]"), Frame("malloc"), syscall)
    seen = perfscript.stacks(SCRIPT, named, with_kernel=False)
    assert seen == {(main, inner): 1, c: 1, (Frame("do_idle"),): 1}
    kernel = (Frame("[kernel]"), Frame("do_syscall_64"))
    assert (*c, *kernel) in perfscript.stacks(SCRIPT, named, with_kernel=True)
    assert perfscript.lost(SCRIPT) == 5


def test_a_program_that_is_loaded_anywhere_is_found_among_what_is_mapped() -> None:
    maps = """\
c000000000-c000400000 rw-p 00000000 00:00 0 
55c625851000-55c625868000 r--p 00000000 00:109 6619771                   /my service (deleted)
55c625868000-55c6258d3000 r-xp 00017000 00:109 6619771                   /my service (deleted)
7f0000000000-7f0000001000 r--p 00000000 00:109 7                         /lib/libc.so.6
"""  # noqa: W291 - as the kernel writes it
    assert perfscript.loaded(maps, "/my service (deleted)") == 0x55C625851000
    assert perfscript.loaded(maps, "/my service") == 0


def test_nothing_of_perf_is_no_stack() -> None:
    assert perfscript.stacks("", named, with_kernel=True) == {}


def test_goroutines_that_are_alike_are_one_and_ours_is_none() -> None:
    work, waits, selects = goroutines.threads(GOROUTINES, 7)
    assert (work.name, work.is_active, work.process) == ("goroutine 1 [runnable]", True, 7)
    assert work.calls == [Call("main.inner", "/app/main.go", 13, {}), Call("main.(*Shop).hot", "/app/main.go", 18, {})]
    assert (waits.name, waits.is_active) == ("goroutine 7 and 1 more like it [chan receive]", False)
    assert waits.calls[-1] == Call("created by main.main in goroutine 1", "/app/main.go", 30, {})
    assert (selects.name, len(selects.calls)) == ("goroutine 9 [select]", 1)


def test_one_alone_keeps_how_long_it_waits() -> None:
    (only,) = goroutines.threads(GOROUTINES.split("\n\n")[3], 1)
    assert only.name == "goroutine 7 [chan receive, 3 minutes]"


def test_another_text_has_no_goroutines() -> None:
    assert goroutines.threads("<html>not found</html>", 1) == []
