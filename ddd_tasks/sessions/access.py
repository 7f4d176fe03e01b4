"""How a session reaches packages: the host's package configuration and certificates, put into its container.

They go into the container's own file system and leave with it: not into the image, a file of the host or an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ddd_tasks import hostconfig
from ddd_tasks.engine.identity import Identity, Upload
from ddd_tasks.hostconfig import HostConfig


def uploads(config: HostConfig, who: Identity | None, mounted: Sequence[str] = ()) -> list[Upload]:
    """The files to put into a container. who: the user of the session, None for one of the image.

    mounted: paths inside that are not the container's own; what would lie there is left out.
    """
    files = wanted(config, who).items()
    return [_upload(path, content, who) for path, content in files if not any(map(Path(path).is_relative_to, mounted))]


def wanted(config: HostConfig, who: Identity | None) -> dict[str, bytes]:
    """The files by their path inside. Without configuration on the host there is none, and the image's own are used."""
    files = {"/etc/pip.conf": config.pip_conf.encode(), "/etc/uv/uv.toml": config.uv_toml.encode()}
    if config.ca_bundle and hostconfig.CONTAINER_CA in config.pip_conf:
        files[hostconfig.CONTAINER_CA] = config.ca_bundle.read_bytes()
    if who:
        files[f"{who.home}/.npmrc"] = config.npmrc.encode()
        files[f"{who.home}/.netrc"] = config.netrc.read_bytes() if config.netrc else b""
    return {path: content for path, content in files.items() if content}


def _upload(path: str, content: bytes, who: Identity | None) -> Upload:
    if not Path(path).name.startswith("."):
        return Upload(path, content)
    return Upload(path, content, 0o600, who.uid if who else 0, who.gid if who else 0)
