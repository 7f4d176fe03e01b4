"""How a session reaches packages: the host's package configuration and certificates, put into its container.

They go into the container's own file system and leave with it: not into the image, a file of the host or an argument.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ddd_tasks import hostconfig
from ddd_tasks.engine.api import Engine
from ddd_tasks.engine.identity import Identity
from ddd_tasks.hostconfig import HostConfig


def grant(engine: Engine, container: str, who: Identity | None) -> Mapping[str, str]:
    """Put the files there and return the proxy variables. who: the user of the session, None for one of the image."""
    config = hostconfig.find()
    files = wanted(config, who)
    if files:
        engine.request(
            "PUT",
            f"/containers/{container}/archive",
            body=_archive(files, who),
            query={"path": "/"},
            content_type="application/x-tar",
        )
    return config.proxies


def wanted(config: HostConfig, who: Identity | None) -> dict[str, bytes]:
    """The files by their path inside. Without configuration on the host there is none, and the image's own are used."""
    files = {"/etc/pip.conf": config.pip_conf.encode(), "/etc/uv/uv.toml": config.uv_toml.encode()}
    if config.ca_bundle and hostconfig.CONTAINER_CA in config.pip_conf:
        files[hostconfig.CONTAINER_CA] = config.ca_bundle.read_bytes()
    if who:
        files[f"{who.home}/.npmrc"] = config.npmrc.encode()
        files[f"{who.home}/.netrc"] = config.netrc.read_bytes() if config.netrc else b""
    return {path: content for path, content in files.items() if content}


def _archive(files: Mapping[str, bytes], who: Identity | None) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(content)
            private = Path(path).name.startswith(".")
            entry.mode = 0o600 if private else 0o644
            if private and who:
                entry.uid, entry.gid = who.uid, who.gid
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
