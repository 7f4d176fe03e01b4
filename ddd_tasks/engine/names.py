"""Names of images, in one spelling."""

from __future__ import annotations


def familiar(reference: str) -> str:
    """An image reference as people write it: no docker.io/, no library/, and with a tag."""
    name = reference.removeprefix("docker.io/").removeprefix("index.docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
