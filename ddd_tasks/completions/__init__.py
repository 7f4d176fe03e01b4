"""The scripts that make shells complete `ddd` and `inv`.

Invoke's own know no `inv` in fish, and in zsh only the names of tasks; these also tell an empty last word from none.
Where there is nothing to offer, files are. In that of zsh are no comments: interactive ones are commands.
"""

from __future__ import annotations

from importlib import resources

from ddd_tasks.errors import UnknownNameError

SHELLS = ("bash", "fish", "zsh")


def script(shell: str) -> str:
    """What the shell is to read at its start. Raises UnknownNameError."""
    if shell not in SHELLS:
        raise UnknownNameError("shell", shell, SHELLS, hint="ddd completion bash")
    return resources.files(__package__).joinpath(f"ddd.{shell}").read_text(encoding="utf-8")
