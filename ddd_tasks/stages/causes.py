"""Why a layer was built again: what is not as it was in the build before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ddd_tasks.stages import inputs, progress
from ddd_tasks.stages.record import Record, Step

_SHOWN = 3  # files, before "and N more"


class Cause(NamedTuple):
    """Why a layer was built: kind is first, base, instruction, files, images, settings, asked or cache.

    names: the files, values or images that changed; text: the same for people.
    """

    kind: str
    names: tuple[str, ...]
    text: str


def find(record: Record, steps: Mapping[str, Step], earlier: Sequence[Record]) -> dict[str, Cause]:
    """The rebuilt layers that had a cause of their own, by key: no layer that they stand on was rebuilt.

    steps: those of the record that count; earlier: the records before it, newest first.
    """
    rebuilt = {key for key, step in steps.items() if step.state != progress.CACHED and not step.is_base}
    first = (key for key in steps if key in rebuilt and rebuilt.isdisjoint(steps[key].upstream))
    return {key: _cause(record, key, earlier) for key in first}


def _cause(record: Record, key: str, earlier: Sequence[Record]) -> Cause:
    if record.no_cache:
        return Cause("asked", (), "built with --no-cache")
    before = next((other for other in earlier if key in other.inputs), None)
    if before is None:
        return Cause("first", (), "not in an earlier record" if earlier else "the first recorded build")
    return next(_compared(record, key, before), Cause("cache", (), "was no longer in the build cache"))


def _compared(record: Record, key: str, before: Record) -> Iterator[Cause]:
    old, new = before.inputs[key], record.inputs.get(key) or {}
    if changed := inputs.differences(old, new, inputs.BASE):
        yield Cause("base", tuple(changed), _base(old[inputs.BASE], new.get(inputs.BASE) or {}))
    if inputs.differences(old, new, inputs.TEXT):
        texts = [other.get(inputs.TEXT) for other in before.inputs.values()]
        moved = new.get(inputs.TEXT) in texts
        yield Cause("instruction", (), "one above it was added or removed" if moved else "it was added or edited")
    if changed := inputs.differences(old, new, inputs.FILES):
        yield Cause("files", tuple(changed), _files(changed, old[inputs.FILES], new[inputs.FILES], before.when))
    if changed := inputs.differences(old, new, inputs.IMAGES):
        yield Cause("images", tuple(changed), f"{', '.join(changed)} is another image")
    if changed := inputs.differences(old, new, inputs.SETTINGS):
        values = [_value(name, old[inputs.SETTINGS], new[inputs.SETTINGS]) for name in changed]
        yield Cause("settings", tuple(changed), "; ".join(values))


def _base(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    (was, was_id), (now, now_id) = next(iter(old.items())), next(iter(new.items()), ("", ""))
    if was != now:
        return f"the base is {now}, it was {was}"
    return f"the base {now} is another image: {_short(was_id)} -> {_short(now_id)}"


def _files(changed: Sequence[str], old: Mapping[str, Any], new: Mapping[str, Any], when: float) -> str:
    """As many names as can be read at a glance, and what happened to each."""
    if list(changed) == [inputs.OURS]:
        return f"{inputs.OURS} (our notes, which each build changes; name it in .dockerignore)"
    changed = [name for name in changed if name != inputs.OURS]
    words = [f"{name} ({_what(name, old, new)})" for name in changed[:_SHOWN]]
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return f"{', '.join(words)}{more}, since {time.strftime('%H:%M:%S', time.localtime(when))}"


def _what(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return "gone" if name not in new else "changed" if name in old else "new"


def _value(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    was, now = (repr(values[name]) if name in values else "not set" for values in (old, new))
    return f"{name}: {was} -> {now}"


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12] or "not known"
