"""Whether a service's code has a page for Prometheus, read without a run."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from ddd_tasks.language import Language

_PATH = "/metrics"
# A route with this path, whatever the framework; prometheus-net adds it by itself.
_ROUTE = re.compile(rf"""["'`\s]{_PATH}/?["'`]|\bMapMetrics\(""")
_NOT_OURS = {"node_modules", "vendor", "tests", "test", "__tests__", "docs", "build", "dist", "venv", "bin", "obj"}
_MOST_FILES = 500


def path(directory: Path, language: Language) -> str | None:
    """The path of the page; None where no source file names it. It reads files and changes nothing."""
    for number, file in enumerate(_sources(directory, language)):
        if number >= _MOST_FILES:
            break
        with contextlib.suppress(OSError):
            if _ROUTE.search(file.read_text(encoding="utf-8", errors="replace")):
                return _PATH
    return None


def _sources(directory: Path, language: Language) -> Iterator[Path]:
    patterns = language.debug.sources if language.debug else ()
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in _NOT_OURS and not name.startswith("."))
        for name in sorted(files):
            if any(fnmatch(name, pattern) for pattern in patterns) and not _is_test(name):
                yield Path(folder, name)


def _is_test(name: str) -> bool:
    return bool(re.search(r"^test_|_test\.|\.(test|spec)\.", name))
