"""Layers laid over each other, the packages in a file system, and what only one of two has."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

from ddd_tasks.stages import archive, difference, packages
from ddd_tasks.stages.archive import Files
from ddd_tasks.stages.packages import Package


def layer(files: dict[str, bytes | None], mode: int = 0o644) -> bytes:
    """A tar of files; None makes a folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mode = tarfile.REGTYPE, len(data or b""), mode
            if data is None:
                member.type = tarfile.DIRTYPE
            tar.addfile(member, io.BytesIO(data or b""))
    return packed.getvalue()


def read(data: bytes) -> Files:
    found = archive._layer(io.BytesIO(data))
    assert found is not None
    return found


def system(*layers: dict[str, bytes | None]) -> Files:
    return archive._merged([read(layer(files)) for files in layers])


def test_a_layer_adds_replaces_and_removes() -> None:
    lower: dict[str, bytes | None] = {"a/": None, "a/one": b"1", "a/two": b"2", "b/": None, "b/x": b"1", "c": b"1"}
    upper: dict[str, bytes | None] = {"a/": None, "a/.wh.two": b"", "b/.wh..wh..opq": b"", "b/y": b"1", "c": b"333"}
    whole = system(lower, upper)
    assert sorted(whole.entries) == ["a", "a/one", "b", "b/y", "c"]
    assert whole.entries["c"].size == 3


def test_a_removed_folder_takes_all_below_it_and_its_packages() -> None:
    metadata = "venv/lib/x-1.dist-info/METADATA"
    whole = system({metadata: b"Name: x\nVersion: 1\n"}, {".wh.venv": b""})
    assert not whole.entries
    assert not whole.texts


def test_a_package_list_that_became_a_link_says_nothing() -> None:
    whole = system({"lib/apk/db/installed": b"P:a\nV:1\n\n"}, {"lib/apk/db/installed": b""})
    assert packages.find(whole) == {}


def test_a_layer_may_be_compressed_and_other_blobs_are_none() -> None:
    assert sorted(read(gzip.compress(layer({"./a": b"1"}))).entries) == ["a"]
    assert archive._layer(io.BytesIO(b'{"schemaVersion": 2}')) is None


DPKG = b"""\
Package: libc6
Status: install ok installed
Installed-Size: 10
Version: 2.41-1
Description: C library
 with more lines: of text

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_packages_of_every_manager() -> None:
    site = "opt/venv/lib/python3.13/site-packages"
    whole = system(
        {
            "var/lib/dpkg/status": DPKG,
            "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 13\n",
            "lib/apk/db/installed": b"P:musl\nV:1.2\nI:4096\n\nP:busybox\nV:1.37\nI:1\n",
            f"{site}/x-1.5.dist-info/METADATA": b"Metadata-Version: 2.1\nName: x\nVersion: 1.5\n\ntext",
            f"{site}/x-1.5.dist-info/RECORD": b"x/__init__.py,sha256=a,100\nx/b.py,,20\nx-1.5.dist-info/RECORD,,\n",
            "app/node_modules/@scope/y/package.json": json.dumps({"name": "@scope/y", "version": "2"}).encode(),
            "app/node_modules/@scope/y/index.js": b"12345",
            "app/node_modules/@scope/y/node_modules/z/package.json": b'{"name": "z", "version": "3"}',
            "app/node_modules/@scope/y/fixtures/package.json": b'{"name": "no", "version": "1"}',
        }
    )
    whole.add(read(layer({"usr/bin/tool": b"1234", "usr/share/data": b"1"}, mode=0o755)))
    found = packages.find(whole)
    assert set(found) == {
        *(("apt", "libc6"), ("apt", "base-files"), ("apk", "musl"), ("apk", "busybox"), ("pip", "x")),
        *(("npm", "@scope/y"), ("npm", "z"), ("program", "/usr/bin/tool")),
    }
    assert found["apt", "libc6"] == Package("apt", "libc6", "2.41-1", 10240)
    assert found["apk", "musl"] == Package("apk", "musl", "1.2", 4096)
    assert found["pip", "x"] == Package("pip", "x", "1.5", 120)
    assert found["npm", "@scope/y"].size == 5 + len('{"name": "@scope/y", "version": "2"}') + 30
    assert found["npm", "z"].version == "3"


def test_a_folder_that_the_other_does_not_have_is_one_row() -> None:
    one = system({"app/": None, "app/a": b"1", "new/": None, "new/deep/": None, "new/deep/b": b"22", "new/c": b"3"})
    other = system({"app/": None})
    rows = sorted((row.kind, row.name, row.size, row.files) for row in difference._only("test", one, other))
    assert rows == [("file", "/app/a", 1, 1), ("folder", "/new/", 3, 2)]


def test_packages_of_other_versions_are_in_both() -> None:
    here = system({"lib/apk/db/installed": b"P:a\nV:1\nI:5\n\nP:b\nV:1\nI:9\n\nP:c\nV:1\n"})
    there = system({"lib/apk/db/installed": b"P:a\nV:2\nI:7\n\nP:c\nV:1\n"})
    rows = difference._sorted(difference._packages(("test", "prod"), [here, there]))
    assert [(row.only_in, row.name, row.version, row.size) for row in rows] == [
        ("test", "b", "1", 9),
        ("", "a", "1 / 2", 7),
    ]
    assert rows[1].row["only in"] == "both"
