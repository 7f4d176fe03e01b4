"""Paths inside text: host paths in a command's words become container paths, and those in its output host paths.

A path counts where it stands by itself: after the start or one of a few separators, and ended by a slash, the end or
something that no file name goes on with. So /app in /application stays, and file:///app/x.py or --cov=/app does not.
On the path of every exec: str and bytes only.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BEFORE = frozenset(b" \t\r\n\"'`=:,;()[]{}<>|@&")
_WITHIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+~")
_FILE_URL = b"file://"
_LOOK_BACK = 24  # bytes: longer than what may stand in front of a path


class Mapping:
    """Replaces path prefixes. pairs: (old, new) absolute paths; the longest old one that matches wins."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        encoded = [(old.rstrip("/").encode(), new.rstrip("/").encode()) for old, new in pairs if old.rstrip("/")]
        self._pairs = sorted(encoded, key=lambda pair: -len(pair[0]))

    def words(self, argv: Sequence[str]) -> list[str]:
        """The words of a command with their paths mapped; bytes that are no UTF-8 pass through."""
        return [self.apply(word.encode(errors="surrogateescape")).decode(errors="surrogateescape") for word in argv]

    def apply(self, text: bytes) -> bytes:
        """The whole text with its paths mapped."""
        done, rest = self.advance(b"", text, final=True)
        return done + rest

    def advance(self, before: bytes, text: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Map what is certain and return it with the rest, which needs more text to be sure unless this is the final.

        before: the text that came just before, for what a path may follow.
        """
        parts: list[bytes] = []
        start = 0
        while True:
            place, pair = self._find(before, text, start)
            if pair is None:
                break
            end = place + len(pair[0])
            if end == len(text) and not final:
                return b"".join([*parts, text[start:place]]), text[place:]
            if end < len(text) and text[end] in _WITHIN:
                parts.append(text[start:end])
            else:
                parts += [text[start:place], pair[1] or b"/"]
            start = end
        tail = text[start:]
        kept = 0 if final else self._begun(before, text, start)
        return b"".join([*parts, tail[: len(tail) - kept]]), tail[len(tail) - kept :]

    def _find(self, before: bytes, text: bytes, start: int) -> tuple[int, tuple[bytes, bytes] | None]:
        """The first place from start where one of the old paths may begin, and which one."""
        best: tuple[int, tuple[bytes, bytes] | None] = (len(text), None)
        for pair in self._pairs:
            place = text.find(pair[0], start)
            while place >= 0 and not _may_begin(before, text, place):
                place = text.find(pair[0], place + 1)
            if 0 <= place < best[0]:
                best = (place, pair)
        return best

    def _begun(self, before: bytes, text: bytes, start: int) -> int:
        """How many bytes at the end of the text may be the beginning of an old path."""
        longest = max((len(old) for old, _ in self._pairs), default=0)
        for size in range(min(longest, len(text) - start), 0, -1):
            tail = text[-size:]
            if any(old.startswith(tail) for old, _ in self._pairs) and _may_begin(before, text, len(text) - size):
                return size
        return 0


def _may_begin(before: bytes, text: bytes, place: int) -> bool:
    seen = (before[-_LOOK_BACK:] + text[max(0, place - _LOOK_BACK) : place])[-_LOOK_BACK:]
    return not seen or seen[-1] in _BEFORE or seen.endswith(_FILE_URL) or _ends_with_colour(seen)


def _ends_with_colour(seen: bytes) -> bool:
    """Whether an escape sequence for a colour ends here, as in front of each path that a program highlights."""
    begin = seen.rfind(b"\x1b[")
    return begin >= 0 and seen.endswith(b"m") and not seen[begin + 2 : -1].strip(b"0123456789;")


class MappedOutput:
    """Maps a program's output as it comes and hands it on to write(descriptor, bytes), one state per descriptor."""

    def __init__(self, mapping: Mapping, write: Callable[[int, bytes], None]) -> None:
        self._mapping = mapping
        self._write = write
        self._before: dict[int, bytes] = {}
        self._kept: dict[int, bytes] = {}

    def __call__(self, descriptor: int, data: bytes) -> None:
        """Take the next piece; what may be the beginning of a path is kept until it is clear."""
        text = self._kept.get(descriptor, b"") + data
        before = self._before.get(descriptor, b"")
        done, self._kept[descriptor] = self._mapping.advance(before, text, final=False)
        seen = before + text[: len(text) - len(self._kept[descriptor])]
        self._before[descriptor] = seen[-_LOOK_BACK:]
        if done:
            self._write(descriptor, done)

    def close(self) -> None:
        """Hand on what was kept."""
        for descriptor, text in self._kept.items():
            done, rest = self._mapping.advance(self._before.get(descriptor, b""), text, final=True)
            if done + rest:
                self._write(descriptor, done + rest)
        self._kept.clear()
