"""What is in the file systems of images, from what the engine saves of them: no container, so no shell, is needed."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple
from urllib.parse import quote

from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import EngineError

# The files that say which packages are there.
_TELLING = re.compile(
    r"var/lib/dpkg/status(\.d/[^/]+)?|lib/apk/db/installed|.*\.dist-info/(METADATA|RECORD)"
    r"|(.*/)?node_modules/(@[^/]+/)?[^/]+/package\.json"
)
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


class Entry(NamedTuple):
    """Something in a file system. size: 0 for whatever is no regular file."""

    size: int
    is_folder: bool
    is_program: bool


@dataclass
class Files:
    """A file system, or one layer of it: path without a leading slash -> entry; texts: files about packages.

    gone: paths that a layer removes with all below them; emptied: folders whose earlier content it hides.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    def add(self, layer: Files) -> None:
        """Lay a layer over what is there."""
        if layer.gone or layer.emptied:
            self.entries = {path: entry for path, entry in self.entries.items() if not layer.hides(path)}
            self.texts = {path: text for path, text in self.texts.items() if not layer.hides(path)}
        for path in layer.entries:
            self.texts.pop(path, None)
        self.entries.update(layer.entries)
        self.texts.update(layer.texts)

    def hides(self, path: str) -> bool:
        """Whether this layer removes a path of the layers below."""
        above = list(_parents(path))
        return path in self.gone or any(folder in self.gone or folder in self.emptied for folder in above)


def read(engine: Engine, images: Sequence[str]) -> dict[str, Files]:
    """The file systems of images, by their ids; layers that they share are read once. Raises EngineError."""
    names = "&".join(f"names={quote(image, safe='')}" for image in images)
    layers: dict[str, Files] = {}
    manifest: list[Mapping[str, Any]] = []
    try:
        with tarfile.open(
            fileobj=io.BufferedReader(_Stream(engine.download(f"/images/get?{names}"))), mode="r|"
        ) as saved:
            for member in saved:
                content = saved.extractfile(member) if member.isfile() else None
                if content and member.name == "manifest.json":
                    manifest = json.load(content)
                elif content and (layer := _layer(content)):
                    layers[member.name] = layer
    except tarfile.TarError as error:
        raise EngineError("the engine's archive of the images cannot be read", cause=str(error)) from error
    found = {_id(image["Config"]): _merged([_known(layers, name) for name in image["Layers"]]) for image in manifest}
    if found.keys() >= set(images):
        return found
    # The containerd image store, which could not be tried here, calls images by another digest than their archive.
    return {image: one for image in images for one in (read(engine, [image]) if images[1:] else found).values()}


def _known(layers: Mapping[str, Files], name: str) -> Files:
    if name not in layers:
        raise EngineError(
            "a layer of the images cannot be read",
            cause=f"{name} is no tar archive, or packed in a way that this Python does not know",
            hint="docker version",
        )
    return layers[name]


class _Stream(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(piece))
        buffer[:size], self._rest = piece[:size], piece[size:]
        return size


def _layer(content: IO[bytes]) -> Files | None:
    """The layer in a blob, packed or not; None for a blob that is something else."""
    found = Files()
    try:
        with tarfile.open(fileobj=content, mode="r|*") as archive:
            for member in archive:
                _take(found, archive, member)
    except tarfile.ReadError:  # configuration and manifests are JSON
        return None
    return found


def _take(found: Files, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    path = member.name.removeprefix("./").strip("/")
    folder, _, name = path.rpartition("/")
    if name == _OPAQUE:
        found.emptied.add(folder)
    elif name.startswith(_WHITEOUT):
        found.gone.add(f"{folder}/{name[len(_WHITEOUT) :]}".lstrip("/"))
    elif path:
        program = bool(member.mode & 0o111) and not member.isdir()
        found.entries[path] = Entry(member.size if member.isfile() else 0, member.isdir(), program)
        if member.isfile() and _TELLING.fullmatch(path) and (content := archive.extractfile(member)):
            found.texts[path] = content.read()


def _merged(layers: Sequence[Files]) -> Files:
    whole = Files()
    for layer in layers:
        whole.add(layer)
    return whole


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _id(config: str) -> str:
    return "sha256:" + config.removesuffix(".json").rpartition("/")[2]
