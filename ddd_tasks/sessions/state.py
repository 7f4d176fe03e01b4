"""What is known of a session's container and venv, as a file in the session's folder.

The runner of each program reads it, and the next run of the session, which may reuse the venv.
"""

from __future__ import annotations

import os

from ddd_tasks.engine import quickjson as json

TYPE_CHECKING = False  # as in typing, whose import would cost every command 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# A variable that tells the runner, as JSON: names to forward, names that must not be set, directories to put on PATH.
COMMAND = "DDD_SESSION_COMMAND"

# Below the session's own folder, which its runner removes and makes anew.
_PLACE = ".ddd"


class State:
    """A session that is open, or was.

    image: its id; interpreter and params: what was asked of the venv; python: the stage's program for it, "" for none;
    has_pip: whether the venv came with pip; user, env: of every program; image_env: names of the image's variables;
    shared: directories that are the same inside; shims: the folder of links; wrapper: words before each command.
    """

    __slots__ = (
        "container",
        "env",
        "has_pip",
        "image",
        "image_env",
        "interpreter",
        "params",
        "python",
        "shared",
        "shims",
        "stage",
        "user",
        "wrapper",
    )

    def __init__(
        self,
        *,
        stage: str,
        image: str,
        interpreter: str,
        params: Sequence[str],
        python: str,
        has_pip: bool,
        container: str,
        user: str,
        env: Mapping[str, str],
        image_env: Sequence[str],
        shared: Sequence[str],
        shims: str,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.stage = stage
        self.image = image
        self.interpreter = interpreter
        self.params = params
        self.python = python
        self.has_pip = has_pip
        self.container = container
        self.user = user
        self.env = env
        self.image_env = image_env
        self.shared = shared
        self.shims = shims
        self.wrapper = wrapper

    def as_dict(self) -> dict[str, Any]:
        """What read takes back."""
        return {name: getattr(self, name) for name in self.__slots__}

    def fits(self, other: State) -> bool:
        """Whether the venv of the other one is as good as a new one."""
        return self._venv() == other._venv()

    def write(self, location: str | os.PathLike[str]) -> None:
        """Put it into the session's folder."""
        with open(path(location), "w", encoding="utf-8") as file:
            file.write(json.dumps(self.as_dict()))

    def _venv(self) -> tuple[Any, ...]:
        return (self.image, self.interpreter, list(self.params), self.python)


def path(location: str | os.PathLike[str], name: str = "session.json") -> str:
    """A file of ours in a session's folder."""
    return os.path.join(location, _PLACE, name)


def read(file: str) -> State | None:
    """The state in a file, or None where there is none, or one of another version of ours."""
    try:
        with open(file, "rb") as stored:
            return State(**json.loads(stored.read()))
    except (OSError, ValueError, TypeError):
        return None
