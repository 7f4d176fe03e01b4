"""What /proc says about the processes of an engine, and the pid files that a killed one leaves."""

from __future__ import annotations

from pathlib import Path


def started(pid: int) -> str | None:
    """When the process was started, in clock ticks since boot; None when it does not run (any more).

    With its number it tells a process from a later one. Its name does not: a new process still has its parent's.
    """
    fields = _stat(pid)
    return fields[19] if fields and not _has_ended(fields) else None


def mentioning(prefix: str) -> list[str]:
    """The running processes that have an argument which begins with prefix, as `pid name`."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        words = _words(int(directory.name))
        if any(word.startswith(prefix) for word in words):
            found.append(f"{directory.name} {Path(words[0]).name}")
    return found


def is_stale(file: Path, program: str, argument: Path | None = None) -> bool:
    """Whether the pid file names no running process of this program and, if given, with the path as an argument."""
    try:
        pid = int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    words = _words(pid)
    if not words:  # nobody's, a thread of the kernel's, or a program's that is just being killed
        return not _is_dying(_stat(pid))
    if Path(words[0]).name != program:
        return True
    return argument is not None and all(Path(word).resolve() != argument.resolve() for word in words[1:])


def _words(pid: int) -> list[str]:
    """The command line; [] of a process that has gone, or of a zombie."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [word.decode(errors="replace") for word in line.split(b"\0")] if line else []


def _stat(pid: int) -> list[str]:
    """proc(5)'s fields from the third, the state, on; [] of a process that does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()  # the second field is the name, which may have blanks and brackets


def _has_ended(fields: list[str]) -> bool:
    """Whether it is a zombie, which counts as ended however late its parent asks for its status."""
    return fields[0] in "ZX" and not _is_dying(fields)


def _is_dying(fields: list[str]) -> bool:
    """Whether only the first thread has ended: the others may hold sockets and locks for another moment."""
    return bool(fields) and fields[0] in "ZX" and int(fields[17]) > 1
