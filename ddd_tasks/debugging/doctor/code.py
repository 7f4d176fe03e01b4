"""The proof of the mappings: a few source files of the host are, with the same content, where a debugger expects them.

Wrong mappings are the usual reason for breakpoints that are never hit, and no debugger complains about them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ddd_tasks.debugging import files as contents
from ddd_tasks.debugging import mapping
from ddd_tasks.debugging.doctor.subject import OK, PROBLEM, WARNING, Finding, Subject
from ddd_tasks.language import PathMapping

_FILES = 6
# The sections of a program that say which line is where.
_LINES = (b".debug_line", b".zdebug_line")
_GO = b"\xff Go buildinf:"
_FOLDERS_AT_MOST = 200
_SKIPPED = frozenset(("node_modules", "vendor", "venv", "__pycache__", "bin", "obj", "dist", "build"))
_TESTS = re.compile(r"(^|[_./-])tests?([_./-]|$)")


def mappings(subject: Subject) -> Iterator[Finding]:
    """One finding for each mapping."""
    debug = subject.language.debug if subject.language else None
    if debug is None or not subject.container:
        return
    if not subject.mappings:
        what = "nothing says which folder of yours is the service's source: no mount, no COPY"
        yield Finding("mapping", PROBLEM, what, f'services.{subject.service.name}: volumes: [".:/app"]')
    program = _program(subject) if debug.is_compiled else None
    known = mapping.for_binary(subject.mappings, _built(program)) if program else subject.mappings
    for number, one in enumerate(known):
        files = samples(one.local, debug.sources, [other.local for other in known[:number]])
        if not files:
            yield Finding("mapping", OK, f"{one.local} is {one.remote}; no file of it can hold a breakpoint")
        elif program is None and debug.is_compiled and not _has(subject, one, files):
            what = f"{one.local} as {one.remote} is not proven: the paths are in the program, which is not looked into"
            yield Finding("mapping", OK, what)
        elif program is not None:
            yield _in_program(program, one, files, subject.service.name)
        else:
            yield _in_container(subject, one, files)


def samples(folder: Path, globs: Sequence[str], elsewhere: Sequence[Path]) -> list[Path]:
    """A few source files below a folder, those nearest to it first; none of folders that other mappings have.

    Tests come last: images often leave them out. A mapping may be of one file.
    """
    if folder.is_file():
        return [folder]
    found: list[Path] = []
    for number, (place, folders, names) in enumerate(os.walk(folder)):
        here = Path(place)
        kept = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        folders[:] = sorted(name for name in kept if here / name not in elsewhere)
        found += [here / name for name in names if any(PurePosixPath(name).match(glob) for glob in globs)]
        if number >= _FOLDERS_AT_MOST:
            break

    def rank(file: Path) -> tuple[bool, int, Path]:
        inside = file.relative_to(folder)
        return bool(_TESTS.search(str(inside))), len(inside.parts), inside

    return sorted(found, key=rank)[:_FILES]


def _in_container(subject: Subject, one: PathMapping, files: Sequence[Path]) -> Finding:
    """Whether the container has these files, and has them with the same content."""
    there = {file: _content(subject, _remote(one, file)) for file in files}
    present = [file for file in files if there[file] is not None]
    changed = [file for file in present if there[file] != file.read_bytes()]
    where, up = f"{one.local} is {one.remote}", f"ddd dev.up --service {subject.service.name}"
    if not present:
        parts = files[0].relative_to(one.local).parts
        found = next(contents.elsewhere(subject.engine, subject.container, parts), "")
        aside = f"; {files[0].name} is at {found}" if found else ""
        what = f"{one.local} is not {one.remote}: none of {len(files)} files is there{aside}"
        return Finding("mapping", PROBLEM, what, up)
    if changed:
        what = f"{where}, but with another {_names(one, changed)}: breakpoints stand at other lines"
        return Finding("mapping", PROBLEM if len(changed) == len(present) > 1 else WARNING, what, up)
    return Finding("mapping", OK, f"{where}: {len(present)} of {len(files)} files are there, and the same")


def _in_program(program: bytes, one: PathMapping, files: Sequence[Path], service: str) -> Finding:
    """Whether the compiled program knows these files, by the paths that are written in it."""
    if not any(section in program for section in _LINES):
        what = "the program is stripped: a debugger finds no line in it"
        return Finding("mapping", PROBLEM, what, "leave -s and -w of -ldflags away in the Dockerfile")
    known = [file for file in files if _remote(one, file).encode() in program]
    if known:
        return Finding("mapping", OK, f"{one.local} is {one.remote}: the program names {_names(one, known)}")
    paths = re.findall(rb"[\w@%+=:,./-]*/" + re.escape(files[0].name.encode()), program)
    aside = f"; it names {paths[0].decode(errors='replace')}" if paths else ""
    what = f"{one.local} is not {one.remote}: the program names no file of it{aside}"
    return Finding("mapping", PROBLEM, what, f"ddd dev.up --service {service}")


def _program(subject: Subject) -> bytes | None:
    """The program of the process that a debugger would get; None where it cannot be read, or is none of Go's."""
    process = subject.inside.process if subject.inside else None
    program = _content(subject, process["exe"]) if process else None
    return program if program and _GO in program else None


def _built(program: bytes) -> dict[str, Any]:
    """How Go built a program, as it is written in it: with -trimpath the paths are those of modules."""
    module = re.search(rb"\nmod\t([^\t\n]+)", program)
    return {"trimpath": b"-trimpath=true" in program, "module": module[1].decode() if module else ""}


def _has(subject: Subject, one: PathMapping, files: Sequence[Path]) -> bool:
    return any(contents.exists(subject.engine, subject.container["Id"], _remote(one, file)) for file in files[:2])


def _remote(one: PathMapping, file: Path) -> str:
    """What the container calls a file of the mapping."""
    return str(PurePosixPath(one.remote, *file.relative_to(one.local).parts))


def _content(subject: Subject, path: str) -> bytes | None:
    """A file of the container, None where there is none."""
    return contents.content(subject.engine, subject.container["Id"], path)


def _names(one: PathMapping, files: Sequence[Path]) -> str:
    names = [str(file.relative_to(one.local)) if file != one.local else file.name for file in files]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
