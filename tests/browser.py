"""A real Chromium in a container, driven over the DevTools protocol, for tests of pages."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ddd_tasks import bases, ownimages, project
from ddd_tasks.debugging.clients.cdp_session import open_session
from ddd_tasks.debugging.clients.errors import NotListeningError
from ddd_tasks.engine.api import Engine
from tests import support
from tests.support import REPO, run, unique, wait_until

ARTEFACTS = Path(os.environ.get("DDD_TEST_ARTEFACTS", REPO / ".ddd" / "artefacts"))
"""Where tests leave pictures."""
_FOLDER = REPO / "tests" / "engine" / "browser"
_SECONDS = 20.0
_T = TypeVar("_T")


class Tab:
    """A page in the browser. errors: what went wrong in its scripts, and what its Content-Security-Policy stopped.

    requests: the address of each request of the page, the page itself too.
    """

    def __init__(self, port: int) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._session = self._wait(open_session("127.0.0.1", port, self._heard))
        except BaseException:
            self._end()
            raise
        self._reading = asyncio.run_coroutine_threadsafe(self._session.run(), self._loop)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a method of the protocol."""
        return self._wait(self._session.request(method, **params))

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, of a promise what it gives. Raises AssertionError where it throws."""
        said = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def until(self, script: str, *, seconds: float = _SECONDS) -> Any:
        """The expression's first value that is true."""
        return wait_until(lambda: self.evaluate(script), seconds=seconds, what=script)

    def go(self, url: str) -> None:
        """Load a page from the start, whatever is shown."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && ['http:', 'file:'].includes(location.protocol)")

    def key(self, name: str, *, shift: bool = False) -> None:
        """Press a key as a person does."""
        text = {"Enter": "\r", " ": " "}.get(name, name if len(name) == 1 else "")
        arrows = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "Home": 36, **arrows}
        code = codes.get(name, ord(name.upper()) if len(name) == 1 else 0)
        common = {"key": name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def move(self, x: float, y: float) -> None:
        """Move the mouse to a place in the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Click there with the mouse."""
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Give the window a size, and the system's preference for dark pages."""
        size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        wanted = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def photograph(self, name: str) -> Path:
        """A picture of what is in the window, among the artefacts."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        content = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        file = ARTEFACTS / f"{name}.png"
        file.write_bytes(content)
        return file

    def close(self) -> None:
        """End the connection."""
        self._wait(self._session.close())
        self._reading.result(_SECONDS)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    def _heard(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


def image(engine: Engine) -> str:
    """The browser's image, which stays for the next run: Debian's Chromium, installed in about half a minute."""
    name = f"ddd-browser-for-tests:{ownimages.digest(_FOLDER)}"
    if not bases.has(engine, name):
        inputs = ownimages.inputs_for(project.load(REPO), ("debian:trixie-slim",)).mounted_by(_FOLDER / "Dockerfile")
        argv = ("docker", "buildx", "build", "--load", "--provenance=false", "--tag", name, *inputs.buildx_args())
        run(*argv, str(_FOLDER), env=inputs.environment(), timeout=600).ok()
    return name


@contextmanager
def browser(engine: Engine, folder: Path | None = None) -> Iterator[Tab]:
    """A browser on this machine's network, so that pages have the address that a person sees. It has no rights.

    folder: one whose pages it can open from disk.
    """
    port = support.free_port()
    rights = ("--read-only", "--tmpfs=/tmp:mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    name = unique("browser")
    seen = () if folder is None else (f"--volume={folder}:{folder}:ro",)
    ran = ("docker", "run", "--detach", "--rm", "--init", "--network=host", "--name", name, *rights, *seen)
    run(*ran, image(engine), f"--remote-debugging-port={port}", "about:blank").ok()
    try:
        tab = wait_until(lambda: _tab(port), what="a browser")
        yield tab
        tab.close()
    finally:
        run("docker", "rm", "--force", name)


def _tab(port: int) -> Tab | None:
    try:
        return Tab(port)
    except NotListeningError:
        return None
