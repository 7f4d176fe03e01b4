"""What the parts share: where a Dockerfile mounts the bundle, and which addresses a container can reach."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

# Where a Dockerfile mounts the bundle: the place where Debian's own lies.
CONTAINER_CA = "/etc/ssl/certs/ca-certificates.crt"


def readable(path: Path) -> bool:
    """Whether it is a file that we may read."""
    return path.is_file() and os.access(path, os.R_OK)


def is_remote(value: str) -> bool:
    """Whether it is a URL that a container can reach as well."""
    return bool(re.match(r"(?:[a-z+]+\+)?https?://", value)) and not is_loopback(value)


def is_host_only(value: str) -> bool:
    """Whether it is a path or an address of the host alone."""
    return value.startswith(("file:", "/", "~", "./", "../")) or ("://" in value and is_loopback(value))


def is_loopback(value: str) -> bool:
    """Whether an address, with or without a scheme, is the host's own: in a container it would be the container's."""
    try:
        host = urlsplit(value if "://" in value else f"//{value}").hostname or ""
    except ValueError:  # no address at all, such as http://[half: for who uses it to complain about
        return False
    return host in ("localhost", "::1") or host.startswith("127.")
