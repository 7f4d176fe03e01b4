"""Packages in a file system, by the files in which package managers say what they have installed."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from email.parser import HeaderParser
from typing import NamedTuple

from ddd_tasks.stages.archive import Files

_NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+(?=/)")
_BIN = re.compile(r"(?:.*/)?s?bin/[^/]+")


class Package(NamedTuple):
    """manager: apt, apk, pip, npm, or program for an executable in a bin folder; size in bytes."""

    manager: str
    name: str
    version: str
    size: int


def find(files: Files) -> dict[tuple[str, str], Package]:
    """The packages by manager and name. Of several versions of one name, the largest."""
    found: dict[tuple[str, str], Package] = {}
    for package in (*_apt(files), *_apk(files), *_pip(files), *_npm(files), *_programs(files)):
        known = found.get((package.manager, package.name))
        if known is None or known.size < package.size:
            found[package.manager, package.name] = package
    return found


def _apt(files: Files) -> Iterator[Package]:
    for path, text in files.texts.items():
        if path.startswith("var/lib/dpkg/status"):  # a folder of such files in images without a shell
            for fields in _paragraphs(text, ": "):
                if fields.get("Status", "install ok installed").endswith(" installed"):
                    size = int(fields.get("Installed-Size", "0")) * 1024
                    yield Package("apt", fields.get("Package", "?"), fields.get("Version", ""), size)


def _apk(files: Files) -> Iterator[Package]:
    for fields in _paragraphs(files.texts.get("lib/apk/db/installed", b""), ":"):
        yield Package("apk", fields.get("P", "?"), fields.get("V", ""), int(fields.get("I", "0")))


def _pip(files: Files) -> Iterator[Package]:
    for path, text in files.texts.items():
        folder, _, name = path.rpartition("/")
        if name == "METADATA" and folder.endswith(".dist-info"):
            header = HeaderParser().parsestr(text.decode(errors="replace"))
            record = files.texts.get(f"{folder}/RECORD", b"").decode(errors="replace")
            sizes = (row[2] for row in csv.reader(record.splitlines()) if len(row) == 3)
            size = sum(int(one) for one in sizes if one.isdecimal())
            yield Package("pip", str(header["Name"] or folder), str(header["Version"] or ""), size)


def _npm(files: Files) -> Iterator[Package]:
    texts = {path: text for path, text in files.texts.items() if path.endswith("/package.json")}
    if not texts:
        return
    sizes: dict[str, int] = defaultdict(int)
    for path, entry in files.entries.items():
        if match := _NPM.match(path):
            sizes[match[0]] += entry.size
    for path, text in texts.items():
        try:
            said = json.loads(text)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("name") and said.get("version"):
            yield Package("npm", str(said["name"]), str(said["version"]), sizes[path.removesuffix("/package.json")])


def _programs(files: Files) -> Iterator[Package]:
    for path, entry in files.entries.items():
        if entry.is_program and _BIN.fullmatch(path):
            yield Package("program", f"/{path}", "", entry.size)


def _paragraphs(text: bytes, separator: str) -> Iterator[dict[str, str]]:
    for paragraph in text.decode(errors="replace").split("\n\n"):
        lines = (line.partition(separator) for line in paragraph.splitlines() if not line.startswith((" ", "\t")))
        fields = {name: value.strip() for name, _, value in lines}
        if len(fields) > 1:
            yield fields
