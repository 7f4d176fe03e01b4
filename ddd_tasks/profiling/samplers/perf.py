"""perf beside a service: what its process does on the CPU, without its help; it may sample, and trace nothing."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Any, NamedTuple

from ddd_tasks import console, process
from ddd_tasks.debugging import rights, shell, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.exec import Captured
from ddd_tasks.errors import DddError, EngineError, UnsupportedError
from ddd_tasks.language import Language
from ddd_tasks.profiling import gosymbols
from ddd_tasks.profiling.gosymbols import Symbols
from ddd_tasks.profiling.samplers import endpoint, perfscript, program, subject
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import Wanted
from ddd_tasks.project import Project

CAPABILITY = "PERFMON"
_STAGE = "perf"
_PERF = "/opt/ddd/perf"
_FILE = "/tmp/perf.data"
_BLOCK = 1 << 18  # bytes
_NOTHING_NEW = "no-new-privileges"
_DENIED = re.compile(r"permission|not permitted|perf_event_paranoid|access to performance monitoring", re.IGNORECASE)


class Sampling(Rights):
    """Rights with the capability to sample. Only perf, which has it as a file, uses it, and so may get a privilege."""

    @property
    def host(self) -> dict[str, Any]:
        """The entries of a create call's HostConfig."""
        given = super().host
        security = [one for one in given["SecurityOpt"] if one != _NOTHING_NEW]
        return given | {"CapAdd": [*given["CapAdd"], CAPABILITY], "SecurityOpt": security}


class Seen(NamedTuple):
    """What perf saw: its own file, the words of `perf script`, how long, and the names behind addresses."""

    data: bytes
    text: str
    seconds: float
    symbols: Symbols | None
    shift: int

    def named(self, address: int) -> tuple[Frame, ...]:
        """The frames of an address, () where it is not the program's."""
        return self.symbols.frames(address - self.shift) if self.symbols else ()


def record(
    engine: Engine, project: Project, found: Target, language: Language, wanted: Wanted, pid: int
) -> tuple[Profile, bytes] | None:
    """What the process and its threads did on the CPU, and perf's own file; None in a dry run.

    Raises NotRunningError where the service ended or was idle, UnsupportedError where the kernel does not let perf
    sample, EngineError.
    """
    allowed = Sampling(*rights.of(engine, found, language.debug).without_tracing())
    if process.is_dry():
        subject.announce(project, found, toolbox.image(_STAGE), allowed, argv(pid, wanted))
        return None
    image = toolbox.ensure(engine, project, _STAGE)
    console.note(f"perf runs beside service {found.service.name!r} with the capability {CAPABILITY}: it may sample")
    try:
        with shell.container(engine, project, found, allowed, image) as container:
            seen = _seen(engine, found, container, wanted, pid)
    except DddError as error:
        raise target.gone(engine, found, program.MEANWHILE) or error from error
    stacks = perfscript.stacks(seen.text, seen.named, with_kernel=wanted.native)
    if not stacks:
        raise subject.idle(found, wanted, seen.seconds, "none of its threads was at work on the CPU")
    lost = perfscript.lost(seen.text)
    return Profile(language.name, SAMPLES, wanted.rate, seen.seconds, lost, stacks), seen.data


def argv(pid: int, wanted: Wanted) -> list[str]:
    """The command that samples the process for so long. The clock, since virtual machines have no counters."""
    how = ("-e", "cpu-clock", "--call-graph", "fp", "-F", str(wanted.rate), "-o", _FILE)
    return [_PERF, "record", "-p", str(pid), *how, "--", "sleep", str(wanted.seconds)]


def _seen(engine: Engine, found: Target, container: str, wanted: Wanted, pid: int) -> Seen:
    # Before it ends, which is when its file cannot be read any more.
    symbols, shift = _symbols(engine, found, container, pid)
    what = f"sample {found.service.name}, {wanted.seconds} s at {wanted.rate} Hz, by perf"
    began = time.monotonic()
    ran = program.run(engine, found, container, argv(pid, wanted), what, wanted.seconds)
    seconds = min(time.monotonic() - began, wanted.seconds)
    data = program.ask(engine, found, container, ["cat", _FILE])
    # An early end has perf end as its signal does, with its file written.
    if data.status or not data.stdout:
        raise _refusal(engine, found, container, ran)
    if seconds < wanted.seconds - 1:
        console.note(program.EARLY)
    script = ["perf", "script", "-i", _FILE, "-F", "tid,ip,sym,dso", "--no-inline", "--show-lost-events"]
    said = program.ask(engine, found, container, script)
    if said.status:
        raise _refusal(engine, found, container, said)
    return Seen(data.stdout, said.stdout.decode(errors="replace"), seconds, symbols, shift)


def _symbols(engine: Engine, found: Target, container: str, pid: int) -> tuple[Symbols | None, int]:
    """The program's names, and how far from its file's addresses it was loaded. Raises UnsupportedError."""

    @lru_cache
    def block(offset: int, size: int) -> bytes:
        words = ["dd", f"if=/proc/{pid}/exe", "bs=1M", "iflag=skip_bytes,count_bytes", "status=none"]
        ran = program.ask(engine, found, container, [*words, f"skip={offset}", f"count={size}"])
        if ran.status:
            raise UnsupportedError(
                f"the program of service {found.service.name!r} may not be read",
                cause=ran.stderr.decode(errors="replace"),
                hint=f"ddd debug.doctor --service {found.service.name}",
            )
        return ran.stdout

    def read(offset: int, size: int) -> bytes:
        if size >= _BLOCK:
            return block(offset, size)
        # Small pieces lie side by side, and each look costs more than what lies around it.
        start = offset - offset % _BLOCK
        return block(start, 2 * _BLOCK)[offset - start :][:size]

    headers = gosymbols.program(read)
    if headers is None:
        return None, 0
    if headers.is_fixed:
        return gosymbols.symbols(read), 0
    name = program.ask(engine, found, container, ["readlink", f"/proc/{pid}/exe"]).stdout.decode(errors="replace")
    loaded = perfscript.loaded(_text(engine, found, container, f"/proc/{pid}/maps"), name.rstrip("\n"))
    return gosymbols.symbols(read), loaded - headers.start


def _text(engine: Engine, found: Target, container: str, path: str) -> str:
    return program.ask(engine, found, container, ["cat", path]).stdout.decode(errors="replace")


def _refusal(engine: Engine, found: Target, container: str, ran: Captured) -> DddError:
    name, said = found.service.name, ran.stderr.decode(errors="replace").strip()
    if gone := target.gone(engine, found, program.MEANWHILE):
        return gone
    if not _DENIED.search(said):
        hint = f"ddd debug.doctor --service {name}"
        return EngineError(f"perf could not sample service {name!r}", cause=said or f"status {ran.status}", hint=hint)
    paranoid = _text(engine, found, container, "/proc/sys/kernel/perf_event_paranoid").strip() or "unknown"
    return UnsupportedError(
        f"perf may not sample the process of service {name!r}",
        cause=f"{said[:500]}\n"
        f"kernel.perf_event_paranoid is {paranoid}: above 1, it takes the capability {CAPABILITY}, which it has; "
        "Linux has it since 5.8, and the engine's seccomp profile has to let perf_event_open through\n"
        f"a pprof endpoint takes nothing of that: {endpoint.LINES}",
        hint="sysctl kernel.perf_event_paranoid",
    )
