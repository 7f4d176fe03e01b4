"""How the blocks of the pages on debugging, profiling, monitoring and looking after a project are run."""

from __future__ import annotations

from tests.blocks import NotRun, Page

PAGES: list[Page] = []

NOT_RUN: list[NotRun] = []
