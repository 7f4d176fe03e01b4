"""The files that a build can read, as one hash over their status: no content is read, so that thousands take moments.

A .dockerignore is honoured by BuildKit's rules. What cannot be decided counts as read: a hash that changes too often
costs a build that finds everything in its cache, one that changes too rarely would hide an edit.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

# Our own notes in a project; they must not make us build.
_OURS = ".ddd"


class Tree(NamedTuple):
    """Paths below a folder, and the ignore file that holds for it ("" without one)."""

    root: str
    paths: tuple[str, ...]
    ignore: str


class Looked(NamedTuple):
    """A hash of what is there, and the newest time of it in nanoseconds."""

    digest: str
    newest: int


def tree(context: Path, dockerfile: Path, paths: Sequence[str]) -> Tree:
    """The paths of a build context; a path that leads through a symbolic link counts as the whole context."""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    ignore = next((file for file in (own, context / ".dockerignore") if file.is_file()), None)
    wanted = {path if _is_plain(context, path) else "." for path in paths}
    return Tree(str(context), ("",) if "." in wanted else tuple(sorted(wanted)), str(ignore or ""))


def look(what: Tree) -> Looked:
    """The state of the tree at this moment. Raises OSError for an ignore file that cannot be read."""
    lines, newest = [], 0
    for name, status in entries(what):
        line = f"{name}\0{status.st_mode}:{status.st_uid}:{status.st_gid}"
        if not stat.S_ISDIR(status.st_mode):  # a folder's times change with what is in it, which is looked at
            line += f":{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
            newest = max(newest, status.st_mtime_ns, status.st_ctime_ns)
        lines.append(line)
    text = "\n".join(lines).encode(errors="surrogateescape")
    return Looked(blake2b(text, digest_size=16).hexdigest(), newest)


def entries(what: Tree) -> Iterator[tuple[str, os.stat_result]]:
    """The path below the root, and the status, of everything in the tree. Raises OSError as look does."""
    ignored = Ignore(Path(what.ignore).read_text(errors="replace") if what.ignore else "")
    for path in what.paths:
        yield from _walk(what.root, path, ignored)


class Ignore:
    """The patterns of a .dockerignore file."""

    def __init__(self, text: str) -> None:
        self._rules = [(negated, _pattern(rule)) for negated, rule in _rules(text)]
        self._has_exceptions = any(negated for negated, _ in self._rules)
        joined = "|".join(pattern for _, pattern in self._rules) or r"(?!)"
        self._any = re.compile(f"(?:{joined})(?:/.*)?", re.DOTALL)
        self._each = [(negated, re.compile(f"{pattern}(?:/.*)?", re.DOTALL)) for negated, pattern in self._rules]

    def leaves_out(self, path: str) -> bool:
        """Whether the path, or a folder that it is in, is left out of the context."""
        if not self._has_exceptions:
            return bool(self._any.fullmatch(path))
        out = False
        for negated, pattern in self._each:
            if out is negated and pattern.fullmatch(path):
                out = not negated
        return out

    def prunes(self, folder: str) -> bool:
        """Whether nothing below the folder is in the context."""
        return not self._has_exceptions and self.leaves_out(folder)


def _walk(root: str, path: str, ignored: Ignore) -> Iterator[tuple[str, os.stat_result]]:
    """Relative path and status of what is there; what is not there yields nothing."""
    place = f"{root}/{path}" if path else root
    try:
        status = os.lstat(place)
    except OSError:
        return
    if path and not ignored.leaves_out(path):
        yield path, status
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(place, f"{path}/" if path else "", ignored)


def _walk_folder(place: str, prefix: str, ignored: Ignore) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(place) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = prefix + entry.name
        if entry.name == _OURS:
            continue
        out = ignored.leaves_out(path)
        if not out:
            try:
                yield path, entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone since
        if entry.is_dir(follow_symlinks=False) and not (out and ignored.prunes(path)):
            yield from _walk_folder(entry.path, f"{path}/", ignored)


def _is_plain(context: Path, path: str) -> bool:
    place = context
    for part in path.split("/"):
        place = place / part
        if place.is_symlink():
            return False
    return True


def _rules(text: str) -> Iterator[tuple[bool, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        rule = "" if line.startswith("#") else line.strip()
        negated = rule.startswith("!")
        rule = os.path.normpath(rule[negated:].strip().lstrip("/") or "." if rule else ".")
        if rule != ".":
            yield negated, rule


def _pattern(rule: str) -> str:
    """A regular expression for a pattern: * and ? stay within a name, ** goes across folders."""
    out, at = "", 0
    while at < len(rule):
        char, at = rule[at], at + 1
        if rule.startswith("**", at - 1):
            at += 1
            if rule.startswith("/", at):
                at += 1
            out += ".*" if at >= len(rule) else "(?:.*/)?"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and "]" in rule[at:]:
            end = rule.index("]", at)
            out += f"[{rule[at:end]}]"
            at = end + 1
        elif char == "\\" and at < len(rule):
            out += re.escape(rule[at])
            at += 1
        else:
            out += re.escape(char)
    return out
