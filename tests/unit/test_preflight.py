"""Checks before a start: what is refused, and what is not ours to refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks import preflight
from ddd_tasks.engine import ports
from ddd_tasks.errors import ConfigError
from ddd_tasks.project import Build, Mount, Project, Service


def service(*, build: Build | None = None, mount: Path | None = None) -> Service:
    mounts = (Mount(mount, "/x", False),) if mount else ()
    return Service("api", None, build, mounts, (), None, None, False, (), (), {})


@pytest.mark.parametrize("context", ["https://example.org/x.git#main", "git@example.org:x.git"])
def test_a_context_elsewhere_is_left_to_buildkit(context: str) -> None:
    api = service(build=Build(Path(context), Path(context, "Dockerfile"), "dev"))
    preflight.check_build(Project("p", Path("/x"), (Path("/x/compose.yaml"),), {"api": api}, {}), api)


def test_a_device_is_there_to_be_mounted() -> None:
    preflight.check_mounts(service(mount=Path("/dev/null")))


def test_the_command_to_paste_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        preflight.check_mounts(service(mount=tmp_path / "a b"))
    assert caught.value.hint == f"mkdir -p '{tmp_path / 'a b'}'"


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_an_address_that_this_machine_lacks_is_not_a_taken_port(address: str) -> None:
    assert ports._can_bind(address, 18_345, "tcp")
