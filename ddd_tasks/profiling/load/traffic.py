"""The container that sends requests from the service's own network, so that no port has to be published for them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ddd_tasks.debugging import beside, target, toolbox
from ddd_tasks.debugging.rights import Rights
from ddd_tasks.debugging.target import Target
from ddd_tasks.engine.api import ApiError, Engine
from ddd_tasks.engine.endpoint import Stream
from ddd_tasks.engine.streams import Frames
from ddd_tasks.engine.terminal import STDOUT
from ddd_tasks.errors import EngineError, NotRunningError
from ddd_tasks.language import Language
from ddd_tasks.profiling.load import client
from ddd_tasks.profiling.load.address import Address
from ddd_tasks.project import Project

ROLE = "load"
MEANWHILE = "requests were sent to it"
_NOBODY = Rights((65534, 65534))
# The program and its URL, which may hold a secret, come on stdin: others can read a command line.
_RUN = "import json, sys; exec(compile(json.loads(sys.stdin.readline()), 'load', 'exec'))"
_STAGE = "base"  # for a language without tools of its own
_SECONDS_TO_BEGIN = client.TIMEOUT + 30
_SECONDS_TO_END = 30


class Traffic:
    """Requests that are being sent. status: that of the first answer."""

    def __init__(self, stream: Stream, address: Address, rps: int) -> None:
        self._stream, self._frames = stream, Frames()
        self._buffer = self._others = b""
        self.status = 0
        source = Path(client.__file__).read_text(encoding="utf-8")
        wanted = {"host": address.host, "port": address.port, "path": address.path, "header": address.header}
        self.begin(json.dumps(source))
        self.begin(json.dumps(wanted | {"rps": rps}))

    def begin(self, phase: str) -> None:
        """Count what is sent from now on for this phase."""
        with suppress(OSError):  # it has ended: then its end says why
            self._stream.sendall(f"{phase}\n".encode())

    def end(self) -> dict[str, Any]:
        """Send no more; phase -> what came of its requests. Raises EngineError where that is not heard."""
        self.begin("end")
        return self.line(_SECONDS_TO_END)

    def line(self, seconds: float) -> dict[str, Any]:
        """The next line that it says. Raises EngineError where there is none in so many seconds."""
        self._stream.settimeout(seconds)
        try:
            while b"\n" not in self._buffer and (data := self._stream.recv(65536)):
                for source, piece in self._frames.feed(data):
                    if source == STDOUT:
                        self._buffer += piece
                    else:
                        self._others += piece
        except OSError as error:
            self._others += str(error).encode()
        said, _, self._buffer = self._buffer.partition(b"\n")
        try:
            return dict(json.loads(said))
        except ValueError:
            words = (self._others or said).decode(errors="replace").strip()
            what = "the program that sends the requests has ended"
            raise EngineError(what, cause=words or "it said nothing") from None


def image(found: Target, language: Language) -> tuple[str, str]:
    """The stage of the toolbox that has the program's Python, and the minor version of that."""
    stage = language.name if language.name in toolbox.stages() else _STAGE
    return stage, toolbox.python_of(found, language)


def specification(project: Project, found: Target, name: str) -> dict[str, Any]:
    """The container as the engine's create call has it: in the service's network, and without any right.

    name: of the image.
    """
    body = beside.specification(project, found, name, _NOBODY, ROLE) | {"Entrypoint": ["python3"], "Cmd": ["-c", _RUN]}
    body["HostConfig"]["NetworkMode"] = f"container:{found.id}"
    return body | {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True}


@contextmanager
def running(
    engine: Engine, project: Project, found: Target, name: str, address: Address, rps: int
) -> Iterator[Traffic]:
    """Requests to the address until the block ends; the container ends with our connection to it. name: of the image.

    Raises NotRunningError where the service does not answer the first one, EngineError.
    """
    body = specification(project, found, name)
    name = f"{project.name}-{found.service.name}-{ROLE}-{os.urandom(3).hex()}"
    try:
        made = str(engine.post("/containers/create", body, name=name)["Id"])
    except ApiError as error:
        raise target.why(found, error, MEANWHILE) from error
    try:
        # Before it starts: one that ends at once is removed at once, and its words with it.
        with engine.stream(f"/containers/{made}/attach", None, stream=1, stdin=1, stdout=1, stderr=1) as stream:
            try:
                engine.post(f"/containers/{made}/start")
            except ApiError as error:
                raise target.why(found, error, MEANWHILE) from error
            traffic = Traffic(stream, address, rps)
            said = traffic.line(_SECONDS_TO_BEGIN)
            if "error" in said:
                raise _unreachable(engine, found, address.url, str(said["error"]))
            traffic.status = int(said["first"])
            yield traffic
    finally:
        with suppress(ApiError):
            engine.delete(f"/containers/{made}", force=1, v=1)


def _unreachable(engine: Engine, found: Target, url: str, cause: str) -> NotRunningError:
    name = found.service.name
    return target.gone(engine, found, MEANWHILE) or NotRunningError(
        f"nothing answers at {url}",
        cause=f"{cause}; it was asked for from the network of service {name!r}",
        hint=f"ddd debug.toolbox --service {name} -- ss -ltn",
    )
