"""Our entries in a file of JSON with comments: put in, brought up to date, and otherwise left as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddd_tasks.debugging.editors import jsonc
from ddd_tasks.debugging.editors.base import ADDED, KEPT, UNCHANGED, UPDATED, Draft, read
from ddd_tasks.debugging.editors.jsonc import JsoncError, Node
from ddd_tasks.errors import ConfigError

# What says where the debugger is, and what is its own name for that. It follows the project; all else in an entry
# (justMyCode, restart, what a user adds) is written once, and from then on the user's.
_PLACE = ("connect", "host", "port", "address", "tcp_connection", "processId", "processName", "pipeTransport")
_PATHS = ("pathMappings", "localRoot", "remoteRoot", "substitutePath", "sourceFileMap")
_TASK = ("type", "request", "adapter", "mode", "debugAdapter", "preLaunchTask", "build", "args", "options")
_CONTAINER = ("dockerComposeFile", "service", "workspaceFolder", "forwardPorts")
_FOLLOWS = frozenset((*_PLACE, *_PATHS, *_TASK, *_CONTAINER, "configurations"))


class File:
    """A file of JSON with comments that is being changed. Raises ConfigError when it is none, with line and column."""

    def __init__(self, file: Path, empty: Mapping[str, Any] | list[Any]) -> None:
        self._file = file
        self._old = read(file)
        self._entries: dict[str, str] = {}
        self._text = jsonc.dumps(empty) if not (self._old or b"").strip() else self._decoded()
        self._root = self._parsed()
        if type(self._root.value) is not type(empty):
            raise self._wrong(self._root, f"it has to be {'a list' if isinstance(empty, list) else 'an object'}")

    @property
    def draft(self) -> Draft:
        """What has become of the file."""
        return Draft(self._file, self._old, self._text.encode(), dict(self._entries))

    def default(self, key: str, value: Any) -> None:
        """Give the object a member that it may have already, with whatever value."""
        if key not in self._root.members:
            self._change(jsonc.set_member(self._text, self._root, key, value))

    def put(self, wanted: Mapping[str, Any], *, within: str | None, by: str) -> None:
        """Put an entry into the list of that name (None: the file is the list), or bring it up to date there.

        by: the member that holds its name.
        """
        name = str(wanted[by])
        if within is not None:
            self.default(within, [])
        if self._find(within, by, name) is None:
            self._change(jsonc.append(self._text, self._list(within), wanted))
            self._entries[name] = ADDED
            return
        before, kept = self._text, False
        for key, value in wanted.items():
            entry = self._find(within, by, name)
            assert entry is not None
            if key in _FOLLOWS or key not in entry.members:
                self._change(jsonc.set_member(self._text, entry, key, value))
            else:
                kept = kept or not jsonc.is_equal(entry.value[key], value)
        self._entries[name] = UPDATED if self._text != before else KEPT if kept else UNCHANGED

    def merge(self, wanted: Mapping[str, Any], name: str) -> None:
        """Bring the members of the file itself up to date, as put does with those of an entry."""
        before, kept = self._text, False
        for key, value in wanted.items():
            if key in _FOLLOWS or key not in self._root.members:
                self._change(jsonc.set_member(self._text, self._root, key, value))
            else:
                kept = kept or not jsonc.is_equal(self._root.value[key], value)
        state = ADDED if self._old is None else UPDATED if self._text != before else KEPT if kept else UNCHANGED
        self._entries[name] = state

    def entry(self, name: str, *, within: str, by: str) -> dict[str, Any]:
        """The entry of that name as it is now; {} where there is none."""
        found = self._find(within, by, name) if within in self._root.members else None
        return found.value if found else {}

    def _list(self, within: str | None) -> Node:
        holder = self._root if within is None else self._root.members[within]
        if not isinstance(holder.value, list):
            raise self._wrong(holder, f"{within or 'it'} has to be a list")
        return holder

    def _find(self, within: str | None, by: str, name: str) -> Node | None:
        """The entry of that name: the first one, as editors take it."""
        entries = self._list(within).items
        return next((node for node in entries if isinstance(node.value, dict) and node.value.get(by) == name), None)

    def _change(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._root = self._parsed()

    def _decoded(self) -> str:
        try:
            return (self._old or b"").decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._file} is not UTF-8", cause=str(error), hint=f"file {self._file}") from error

    def _parsed(self) -> Node:
        try:
            return jsonc.parse(self._text)
        except JsoncError as error:
            raise self._refusal(error.line, error.column, error.what) from error

    def _wrong(self, node: Node, what: str) -> ConfigError:
        return self._refusal(*jsonc.line_of(self._text, node), what)

    def _refusal(self, line: int, column: int, what: str) -> ConfigError:
        return ConfigError(
            f"{self._file} cannot be changed, and nothing was written",
            cause=f"line {line}, column {column}: {what}",
            hint=f"${{EDITOR:-vi}} +{line} {self._file}",
        )
