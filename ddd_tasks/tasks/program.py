"""Invoke as the `ddd` program: the project's own tasks.py where there is one, otherwise all our collections."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from invoke.config import Config
from invoke.exceptions import CollectionNotFound, Exit, ParseError
from invoke.loader import FilesystemLoader
from invoke.parser.argument import Argument
from invoke.program import Program

from ddd_tasks import console
from ddd_tasks.errors import ConfigError, ExitCode
from ddd_tasks.tasks import misread


class _Config(Config):
    """Settings come from ddd.yaml and DDD_* variables."""

    prefix = "ddd"


class _Loader(FilesystemLoader):
    """The tasks.py of the folder or of one above it; without one, all our collections."""

    def load(self, name: str | None = None) -> tuple[ModuleType, str]:
        try:
            return super().load(name)
        except CollectionNotFound:
            if name not in (None, self.config.tasks.collection_name):
                raise  # asked for by its name
        except PermissionError:
            pass  # a folder that this user may not read has nothing to say
        except Exception as error:
            if self.find(name or self.config.tasks.collection_name):
                raise _unusable(name or self.config.tasks.collection_name, error) from error
        from ddd_tasks.tasks import namespace

        return namespace, self.start


def _unusable(name: str, error: Exception) -> Exit:
    console.error(
        ConfigError(
            f"{name}.py cannot be loaded",
            cause=f"{type(error).__name__}: {error}",
            hint=f"{sys.executable} -c 'import {name}'",
        )
    )
    return Exit(code=int(ExitCode.CONFIG))


class _OursOnly(FilesystemLoader):
    """All our collections, whatever tasks.py there is."""

    def load(self, name: str | None = None) -> tuple[ModuleType, str]:  # noqa: ARG002
        from ddd_tasks.tasks import namespace

        return namespace, self.start


class _Program(Program):
    """Invoke's with --quiet, and with refusals of ours for a command line that it cannot read."""

    def print_version(self) -> None:
        from importlib.metadata import version  # takes as long as half of Invoke

        self.version = version("ddd-tasks")
        super().print_version()

    def core_args(self) -> list[Argument]:
        quiet = Argument(names=("quiet",), kind=bool, default=False, help="Say nothing but results and what is wrong.")
        return [*super().core_args(), quiet]

    def parse_core(self, argv: list[str] | None) -> None:
        with self._readable():
            super().parse_core(argv)
        if self.args.quiet.value:
            os.environ["DDD_QUIET"] = "1"  # of what is started from here, too

    def parse_tasks(self) -> None:
        with self._readable():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        with self._readable():
            super().parse_cleanup()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Refuse what the parser refuses in the block, also a word where a number is expected."""
        try:
            yield
        except ParseError as error:
            console.error(misread.refusal(error, list(self.collection.task_names) if self.collection else ()))
            raise Exit(code=int(ExitCode.CONFIG)) from error
        except ValueError as error:
            hint = f"ddd --help {self.core.unparsed[0]}"
            console.error(ConfigError("a flag was given no number", cause=str(error), hint=hint))
            raise Exit(code=int(ExitCode.CONFIG)) from error


def program(*, own_tasks: bool = True) -> Program:
    """The program, ready to run a command line; own_tasks: with the project's own tasks.py, where there is one."""
    return _Program(
        name="ddd",
        binary="ddd",
        binary_names=["ddd"],
        loader_class=_Loader if own_tasks else _OursOnly,
        config_class=_Config,
    )
