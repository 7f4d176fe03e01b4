"""Invoke as the `ddd` program: the project's own tasks.py where there is one, otherwise all our collections."""

from __future__ import annotations

from importlib.metadata import version
from types import ModuleType

from invoke.config import Config
from invoke.exceptions import CollectionNotFound
from invoke.loader import FilesystemLoader
from invoke.program import Program


class _Config(Config):
    """Settings come from ddd.yaml and DDD_* variables."""

    prefix = "ddd"


class _Loader(FilesystemLoader):
    """The tasks.py of the folder or of one above it; without one, all our collections."""

    def load(self, name: str | None = None) -> tuple[ModuleType, str]:
        try:
            return super().load(name)
        except (CollectionNotFound, ImportError) as error:
            if isinstance(error, ImportError) and self.find(name or self.config.tasks.collection_name):
                raise  # there is a tasks.py, and it is what cannot be imported
            from ddd_tasks.tasks import namespace

            return namespace, self.start


def program() -> Program:
    """The program, ready to run a command line."""
    return Program(
        name="ddd",
        binary="ddd",
        binary_names=["ddd"],
        version=version("ddd-tasks"),
        loader_class=_Loader,
        config_class=_Config,
    )
