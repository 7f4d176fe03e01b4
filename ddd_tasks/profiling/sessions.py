"""What the programs of a Nox session do on the CPU: sampled in the session's own container, which ends with it.

Python: py-spy, brought from the toolbox, looks at each program. Node.js: its own --cpu-prof. The programs run as they
always do, with their terminal, signals and exit status; how they are sampled is never a reason to fail.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ddd_tasks import console, languages
from ddd_tasks.debugging import toolbox
from ddd_tasks.engine import archive
from ddd_tasks.engine import exec as execs
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.archive import File
from ddd_tasks.errors import DddError, EngineError, UnsupportedError
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import artefacts, summary, v8
from ddd_tasks.profiling.artefacts import Recorded
from ddd_tasks.profiling.samplers import pyspy
from ddd_tasks.profiling.stacks import SAMPLES, Frame, Profile
from ddd_tasks.profiling.wanted import RATE
from ddd_tasks.project import Project
from ddd_tasks.sessions.session import Prepared, Session

FLAG = "--profile"
_Stacks = dict[tuple[Frame, ...], int]

_FOLDER = "/tmp/ddd-profile"
_SEEN = "/tmp/ddd-profile-seen"  # what the session's user writes
_PYSPY = "/opt/debugger/bin/py-spy"
_REFUSED = "refused"
_SECONDS_TO_WRITE = 20.0
# The program takes the place of this shell, and so keeps its number; the watcher is no child of it.
_RUN = f"""\
#!/bin/sh
(setsid {_FOLDER}/watch $$ </dev/null >/dev/null 2>&1 &)
exec "$@"
"""
# One that does not take the option from there would not start at all.
_RUN_NODE = f"""\
#!/bin/sh
with="--cpu-prof --cpu-prof-interval={1_000_000 // RATE} --cpu-prof-dir={_SEEN}"
if NODE_OPTIONS="$with" node --version >/dev/null 2>&1; then
  export NODE_OPTIONS="$NODE_OPTIONS $with"
else
  mkdir -p {_SEEN} && : > {_SEEN}/{_REFUSED}
fi
exec "$@"
"""
# A program is not Python from its first moment on: a shell may stand before it.
_WATCH = f"""\
#!/bin/sh
mkdir -p {_SEEN} && cd {_SEEN} && : > "$1.begun" || exit
tries=0
while kill -0 "$1" && [ "$tries" -lt 100 ]; do
  {_FOLDER}/py-spy record --pid "$1" --rate {RATE} --nonblocking --subprocesses --full-filenames \\
    --format speedscope --output "$1.json" >"$1.log" 2>&1 && break
  tries=$((tries + 1)); sleep 0.05
done
: > "$1.ended"
"""


class Seen(NamedTuple):
    """What the programs of a session did. native: the profilers' own files; lost: samples that could not be taken."""

    stacks: _Stacks
    seconds: float
    lost: int
    native: list[File]


def is_asked(arguments: list[str]) -> bool:
    """Whether the first of a session's arguments asks for a profile; it is taken away, the others are the program's."""
    if arguments[:1] == [FLAG]:
        del arguments[0]
        return True
    return False


def language_of(prepared: Prepared) -> str:
    """The language of a session's stage, by its code. Raises UnsupportedError where its programs cannot be sampled."""
    found = languages.detect(prepared.origin.context)
    if found and found.name in _READERS:
        return found.name
    raise UnsupportedError(
        f"{FLAG} is not supported for session {prepared.request.location.name!r}",
        cause=f"the code of its stage is {found.name if found else 'of no language that is known'}",
        valid=_READERS,
        hint="ddd profile.cpu",
    )


def begin(prepared: Prepared, session: Session, language: str) -> None:
    """Have the session's programs sampled, and their profile written and shown when the session ends.

    Raises DddError, when the profiler cannot be had; the session is closed then.
    """
    try:
        session.wrap([f"{_FOLDER}/run"])
        with closing(Engine.connect()) as engine:
            archive.write(engine, session.container, "/tmp", list(_programs(engine, prepared.origin.project, language)))
    except BaseException:
        session.close()
        raise
    session.at_end.append(lambda: _end(prepared, session, language))


def _programs(engine: Engine, project: Project, language: str) -> Iterator[File]:
    """What starts the profiler, and the profiler itself where the program is not its own."""
    folder = _FOLDER.rpartition("/")[2]
    contents = {"run": _RUN_NODE.encode()}  # Node.js writes at the end of each process that ends by itself
    if language == "python":
        contents = {"run": _RUN.encode(), "watch": _WATCH.encode(), "py-spy": _pyspy(engine, project)}
    for name, data in contents.items():
        yield File(f"{folder}/{name}", data, mode=0o755)


def _pyspy(engine: Engine, project: Project) -> bytes:
    """The program, out of the toolbox."""
    image = toolbox.ensure(engine, project, "python")
    made = str(engine.post("/containers/create", {"Image": image})["Id"])
    try:
        found = archive.read(engine, made, _PYSPY)
    finally:
        engine.delete(f"/containers/{made}", force=1, v=1)
    if not found:
        raise EngineError(f"{image} has no py-spy", cause=f"{_PYSPY} is not there", hint=f"docker image rm {image}")
    return found[0].data


def _end(prepared: Prepared, session: Session, language: str) -> None:
    """Write and show what was seen. What goes wrong is said, and changes nothing about the session's result."""
    try:
        with closing(Engine.connect()) as engine:
            _wait(engine, session.container)
            seen = _READERS[language](archive.read(engine, session.container, _SEEN))
        _write(prepared, language, seen)
    except DddError as error:
        console.warning(f"the session has no profile: {error.what}{f' ({error.cause})' if error.cause else ''}")
    except Exception as error:  # noqa: BLE001 - whatever it is, the session has its result
        console.warning(f"the session has no profile: {type(error).__name__}: {error}")


def _write(prepared: Prepared, language: str, seen: Seen) -> None:
    name = prepared.request.location.name
    if not seen.stacks:
        console.note(f"the session has no profile: none of its programs was at work in {language} for long enough")
        return
    profile = Profile(language, SAMPLES, RATE, seen.seconds, seen.lost, seen.stacks)
    known = [PathMapping(place, str(place)) for place in (prepared.origin.directory, Path.cwd())]
    native = _one(seen.native)
    recorded = Recorded(name, "cpu", profile, native, prepared.image, ("nox", "-s", name))
    made = artefacts.write(prepared.origin.project, recorded, summary.sources(prepared.origin.project, profile, known))
    console.table(summary.COLUMNS, [row.cells(Path.cwd()) for row in summary.rows(profile, known)])
    console.note(f"{profile.weight} samples in {profile.seconds:.1f} s: {made.folder / artefacts.FLAMEGRAPH}")


def _wait(engine: Engine, container: str) -> None:
    """Until each watcher has written."""
    deadline = time.monotonic() + _SECONDS_TO_WRITE
    while time.monotonic() < deadline:
        names = execs.capture(engine, container, ["ls", _SEEN]).stdout.decode().split()
        if {f"{name[:-6]}.ended" for name in names if name.endswith(".begun")} <= set(names):
            return
        time.sleep(0.1)


def _of_python(files: Sequence[File]) -> Seen:
    """Of each program its speedscope file, and its log, which tells what was lost."""
    by_name = {file.path: file for file in files}
    stacks: Counter[tuple[Frame, ...]] = Counter()
    native, lost = [], 0
    for file in files:
        if file.path.endswith(".json"):
            with suppress(ValueError, LookupError, TypeError):
                document = pyspy.without_commands(file.data)
                stacks.update(pyspy.stacks(document))
                native.append(file._replace(path=f"py-spy.{file.path}", data=json.dumps(document).encode()))
        elif file.path.endswith(".log"):
            lost += pyspy.lost(file.data.decode(errors="replace"))
    begun = {name[:-6]: file.mtime for name, file in by_name.items() if name.endswith(".begun")}
    ended = {name[:-6]: file.mtime for name, file in by_name.items() if name.endswith(".ended")}
    seconds = max(ended.values(), default=0) - min(begun.values(), default=0)
    return Seen(dict(stacks), max(0.0, seconds), lost, native)


def _of_node(files: Sequence[File]) -> Seen:
    """Of each process its .cpuprofile."""
    stacks: Counter[tuple[Frame, ...]] = Counter()
    native: list[File] = []
    times: list[float] = []  # all of one clock, in microseconds
    for file in files:
        if file.path == _REFUSED:
            console.note("the Node.js of this stage takes no --cpu-prof from NODE_OPTIONS: from 22.15 on, it does")
        with suppress(ValueError, LookupError, TypeError):
            document = json.loads(file.data)
            for stack, weight in v8.of_cpu(document).items():
                stacks[tuple(map(v8.frame, stack))] += weight
            times += (document["startTime"], document["endTime"])
            native.append(file)
    return Seen(dict(stacks), (max(times) - min(times)) / 1e6 if times else 0.0, 0, native)


def _one(native: Sequence[File]) -> tuple[str, bytes]:
    """The profilers' own files as one: as it is, or all in an archive."""
    if len(native) == 1:
        return native[0].path, native[0].data
    return "native.tar", archive.pack(native)


_READERS: dict[str, Callable[[Sequence[File]], Seen]] = {"node": _of_node, "python": _of_python}
