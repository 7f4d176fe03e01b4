"""The only place that knows where docker/, compose/ and examples/ lie: in a wheel, an sdist and an editable install."""

from __future__ import annotations

from pathlib import Path

from ddd_tasks.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries the folders inside the package; a checkout, and so an editable install, has them beside it.
_ROOTS = (_PACKAGE / "_data", _PACKAGE.parent)


def docker(*parts: str) -> Path:
    """A file or folder under docker/, such as docker("python", "Dockerfile"). Raises ConfigError if it is not there."""
    return _find("docker", *parts)


def compose(*parts: str) -> Path:
    """A file under compose/, such as compose("debug.yaml"). Raises ConfigError if it is not there."""
    return _find("compose", *parts)


def example(*parts: str) -> Path:
    """A file or folder under examples/, such as example("python"). Raises ConfigError if it is not there."""
    return _find("examples", *parts)


def _find(*parts: str) -> Path:
    for root in _ROOTS:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ConfigError(
        f"{'/'.join(parts)} is missing from this installation of ddd-tasks",
        cause=f"looked in {' and '.join(str(root) for root in _ROOTS)}",
        hint="python3 -m pip install --force-reinstall ddd-tasks",
    )
