"""Images of a few programs of this machine and the libraries that they load, and nothing else: no shell inside."""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from pathlib import Path

from tests import support


def make(*programs: str, host: str = "unix:///var/run/docker.sock") -> str:
    """Import an image with these programs in /bin, whose command is `sleep infinity`; its name is this run's."""
    name = f"{support.unique('tiny')}:1"
    command = f"CMD {json.dumps(['sleep', 'infinity'])}"
    argv = ("docker", "--host", host, "import", "--change", command, "--change", "ENV PATH=/bin", "-", name)
    support.run(*argv, stdin=_packed(programs)).ok()
    return name


def _packed(programs: tuple[str, ...]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
        for program in programs:
            archive.add(_found(program), f"bin/{program}")
        for library in sorted({library for program in programs for library in _libraries(program)}):
            archive.add(Path(library).resolve(), library.lstrip("/"))
        for directory in ("tmp", "proc", "dev"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
    return packed.getvalue()


def _found(program: str) -> Path:
    path = shutil.which(program)
    assert path, f"this machine has no {program}"
    return Path(path).resolve()


def _libraries(program: str) -> list[str]:
    """What the dynamic linker loads for a program, the linker itself included; nothing for a static one."""
    said = support.run("ldd", str(_found(program))).out
    return re.findall(r"(/\S+) \(0x", said)
