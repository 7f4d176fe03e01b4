"""All collections under one root: what `from ddd_tasks import ns` gives, and what `ddd` runs without a tasks.py."""

from __future__ import annotations

from invoke.collection import Collection

from ddd_tasks.tasks import ci, debug, dev, engine, monitor, overview, profile, scaffold, secrets, stage

_TOP = (overview.completion, overview.doctor, overview.report, overview.status, scaffold.init, scaffold.languages)

ns = Collection(*_TOP, ci, debug, dev, engine, monitor, profile, secrets, stage)
