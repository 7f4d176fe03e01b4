"""What `exec` imports: each module costs every command of every user its import time."""

from __future__ import annotations

import sys

import pytest

from tests import support

SLOW = {"invoke", "nox", "yaml", "rich", "subprocess", "asyncio", "http", "logging", "ssl", "typing_extensions"}


def imported(module: str) -> set[str]:
    """Top-level names that importing a module loads, in an interpreter that sees the standard library and us alone."""
    code = f"import sys; sys.path.insert(0, {str(support.REPO)!r}); import {module}; print('\\n'.join(sys.modules))"
    ran = support.run(sys.executable, "-I", "-S", "-c", code).ok()
    return {name.partition(".")[0] for name in ran.out.split()}


@pytest.mark.parametrize("module", ["ddd_tasks.engine.exec", "ddd_tasks.sessions.runner"])
def test_the_hot_path_imports_nothing_slow(module: str) -> None:
    assert imported(module) & SLOW == set()


@pytest.mark.parametrize("modules", ["ddd_tasks.fast", "ddd_tasks.sessions.runner, ddd_tasks.sessions.state"])
def test_ddd_exec_and_programs_of_a_session_import_not_even_typing(modules: str) -> None:
    unwanted = {"typing", "pathlib", "dataclasses", "urllib", "hashlib", "json", "re", "enum", "socket"}
    assert imported(f"ddd_tasks.engine.exec, {modules}") & (SLOW | unwanted) == set()


def test_the_check_sees_an_import() -> None:
    assert "subprocess" in imported("ddd_tasks.process")


def test_a_key_for_completion_waits_for_no_parser_of_yaml_and_no_program() -> None:
    """Both are imported where a file has to be read anew, or a program is started, which completion never does."""
    assert imported("ddd_tasks.candidates") & SLOW == set()
