"""What the events of a traced .NET runtime say: samples of threads, allocations, and which code is at an address."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ddd_tasks.profiling.nettrace import Event, Trace, text
from ddd_tasks.profiling.stacks import Frame

Lines: TypeAlias = Callable[[str, int, int], "tuple[str, int] | None"]
"""Path of an assembly, token of a method, offset in its intermediate code -> source file and line, where known."""

_SAMPLER = "Microsoft-DotNETCore-SampleProfiler"
_RUNTIME = ("Microsoft-Windows-DotNETRuntime", "Microsoft-Windows-DotNETRuntimeRundown")
_PIPE = "Microsoft-DotNETCore-EventPipe"
_MANAGED = 2  # at work in code of .NET, 1: in a system call or a library in C, which is how threads wait
_ALLOCATION = 10
_METHODS, _MAPS = (143, 144), (150, 190)
_MAP_AT_END = 150  # it comes before its method, one of a method that is compiled meanwhile after it
_MODULES = ((_RUNTIME[0], 152), (_RUNTIME[1], 153), (_RUNTIME[1], 154))
_METHOD = struct.Struct("<QQQIII")  # id, module, address, size, token, flags
_ASYNC = re.compile(r"[+.]<(\w+)>d__\d+(?:`\d+)?(?:\[[^\]]*\])?\.MoveNext$")
_LAMBDA = re.compile(r"[+.]<>c(?:__DisplayClass\d+_\d+)?(?:`\d+)?(?:\[[^\]]*\])?\.<([.\w]+)>b__[\d_]+$")
_LOCAL = re.compile(r"\.<(\w+)>g__(\w+)\|[\d_]+$")
UNKNOWN = "?"


class Sample(NamedTuple):
    """What a thread did at a time, in ticks. stack: addresses, the innermost first."""

    thread: int
    time: int
    is_at_work: bool
    stack: tuple[int, ...]


class Allocation(NamedTuple):
    """So many bytes that were allocated since the allocation before it, the last of them for a value of this type."""

    bytes: int
    type: str
    stack: tuple[int, ...]


class Method(NamedTuple):
    """Compiled code. token: its number in the assembly whose path is in modules under this number."""

    start: int
    size: int
    id: int
    module: int
    token: int
    name: str


_Map: TypeAlias = list[tuple[int, int]]


@dataclass
class Seen:
    """All that counts of a trace. maps: start of a method -> offsets in compiled and in intermediate code."""

    began: int
    frequency: int
    samples: list[Sample] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    modules: dict[int, str] = field(default_factory=dict)
    maps: dict[int, _Map] = field(default_factory=dict)
    commands: list[tuple[int, int]] = field(default_factory=list)
    lost: int = 0

    def without_commands(self, content: bytes) -> bytes:
        """The file without the command line of the process, which may hold a password: blanks are in its place."""
        changed = bytearray(content)
        for at, size in self.commands:
            changed[at : at + size] = b" \0" * (size // 2)
        return bytes(changed)


def seen(content: bytes) -> Seen:
    """What a trace says. Raises ValueError where it cannot be read."""
    trace = Trace(content)
    found = Seen(trace.began, trace.frequency)
    pending: dict[int, _Map] = {}
    try:
        for event in trace.events():
            _add(found, event, trace.pointer)
            if event.kind.provider in _RUNTIME:
                _add_code(found, event, pending)
    except struct.error as error:
        raise ValueError(f"an event has another form than is known: {error}") from error
    found.lost = trace.lost
    return found


def _add(found: Seen, event: Event, pointer: int) -> None:
    provider, number, version = event.kind
    if provider == _SAMPLER:
        at_work = struct.unpack_from("<I", event.payload)[0] == _MANAGED
        found.samples.append(Sample(event.thread, event.time, at_work, event.stack))
    elif provider == _RUNTIME[0] and number == _ALLOCATION and version >= 2:
        found.allocations.append(_allocation(event, pointer))
    elif provider == _PIPE and event.payload:
        found.commands.append((event.at, text(event.payload, 0)[1] - 2))


def _add_code(found: Seen, event: Event, pending: dict[int, _Map]) -> None:
    """Assemblies, methods and where their parts came from. A method is compiled several times, each has a map."""
    provider, number, _ = event.kind
    if number in _METHODS:
        method = _method(event.payload)
        found.methods.append(method)
        if method.id in pending:
            found.maps[method.start] = pending.pop(method.id)
    elif (provider, number) in _MODULES:
        found.modules[struct.unpack_from("<Q", event.payload)[0]] = text(event.payload, 24)[0]
    elif number in _MAPS:
        identifier, offsets = _map(event.payload)
        if number == _MAP_AT_END:
            pending[identifier] = offsets
        elif found.methods and found.methods[-1].id == identifier:
            found.maps[found.methods[-1].start] = offsets


def _method(payload: bytes) -> Method:
    identifier, module, start, size, token, _ = _METHOD.unpack_from(payload)
    space, at = text(payload, _METHOD.size)
    name, _ = text(payload, at)
    return Method(start, size, identifier, module, token, f"{space}.{name}" if space else name)


def _map(payload: bytes) -> tuple[int, _Map]:
    """A method, and where its parts came from; negative offsets are of code before and behind its body."""
    identifier, _, _, count = struct.unpack_from("<QQBH", payload)
    offsets = struct.unpack_from(f"<{count}i{count}I", payload, 19)
    return identifier, sorted(zip(offsets[count:], offsets[:count], strict=True))


def _allocation(event: Event, pointer: int) -> Allocation:
    small, _, _, large = struct.unpack_from("<IIHQ", event.payload)
    name, _ = text(event.payload, 18 + pointer)
    return Allocation(large or small, name, event.stack)


class Code:
    """Frames of addresses. lines tells where a method is in its source."""

    def __init__(self, found: Seen, lines: Lines = lambda *_: None) -> None:
        self._methods = sorted(found.methods)
        self._starts = [one.start for one in self._methods]
        self._modules, self._maps, self._lines = found.modules, found.maps, lines
        self._known: dict[int, Frame] = {}

    def stack(self, addresses: Iterable[int]) -> tuple[Frame, ...]:
        """The frames, root first, of a stack whose innermost address is first. Others are where a call returns to."""
        frames = [self.frame(address - (1 if depth else 0)) for depth, address in enumerate(addresses)]
        return tuple(reversed(frames))

    def frame(self, address: int) -> Frame:
        """The method at an address, and its line."""
        if address not in self._known:
            method = self.method(address)
            self._known[address] = self._frame(method, address) if method else Frame(UNKNOWN)
        return self._known[address]

    def method(self, address: int) -> Method | None:
        """The method whose code is there."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._methods[index].start + self._methods[index].size:
            return self._methods[index]
        return None

    def assemblies(self, stacks: Iterable[tuple[int, ...]]) -> set[str]:
        """The paths of the assemblies that these stacks lead through."""
        methods = {self.method(address) for stack in set(stacks) for address in stack}
        return {self._modules[one.module] for one in methods if one and one.module in self._modules}

    def _frame(self, method: Method, address: int) -> Frame:
        name = readable(method.name)
        place = self._lines(self._modules.get(method.module, ""), method.token, self._offset(method, address))
        return Frame(name, *place) if place else Frame(name)

    def _offset(self, method: Method, address: int) -> int:
        """Where in its intermediate code it is, 0 for its begin."""
        known = self._maps.get(method.start, ())
        before = [il for native, il in known if native <= address - method.start and il >= 0]
        return before[-1] if before else 0


def readable(name: str) -> str:
    """The name of a method as its source has it: that of an async method or of a lambda is made up by the compiler."""
    name = _ASYNC.sub(r".\1", name)
    name = _LAMBDA.sub(r".\1 (lambda)", name)
    return _LOCAL.sub(r".\1.\2", name)


def thinned(samples: Iterable[Sample], began: int, step: float) -> Iterator[Sample]:
    """For each thread at most one sample, the first, of each step of so many ticks."""
    last: dict[int, int] = {}
    for one in samples:
        turn = int((one.time - began) / step)
        if turn > last.get(one.thread, -1):
            last[one.thread] = turn
            yield one


def missed(samples: Iterable[Sample], began: int, step: float, seconds: float, frequency: int) -> int:
    """In how many steps of these seconds no thread was sampled."""
    wanted = int(seconds * frequency / step)
    return max(0, wanted - len({int((one.time - began) / step) for one in samples}))


def at_work(code: Code, samples: Iterable[Sample]) -> dict[tuple[Frame, ...], int]:
    """How often each stack was seen at work. A stack without an address is left out."""
    counted = Counter(one.stack for one in samples if one.is_at_work and one.stack)
    return _framed(code, counted)


def allocated(code: Code, found: Iterable[Allocation]) -> dict[tuple[Frame, ...], int]:
    """The bytes of each stack, and below it, as a frame of its own, the type of what was allocated."""
    seen_: Counter[tuple[Frame, ...]] = Counter()
    for one in found:
        stack = (*code.stack(one.stack), Frame(one.type or UNKNOWN))
        seen_[stack] += one.bytes
    return dict(seen_)


def _framed(code: Code, counted: Counter[tuple[int, ...]]) -> dict[tuple[Frame, ...], int]:
    framed: Counter[tuple[Frame, ...]] = Counter()
    for stack, count in counted.items():
        framed[code.stack(stack)] += count
    return dict(framed)
