"""Python."""

from __future__ import annotations

from ddd_tasks.language import Debug, Language, Metrics

PYTHON = Language(
    name="python",
    markers=("pyproject.toml", "uv.lock", "requirements.txt", "setup.py", "setup.cfg", "Pipfile"),
    dockerfile="python",
    test=("python", "-m", "pytest"),
    reload="uvicorn",
    debug=Debug(port=5678, protocol="dap", probe_by_connecting=False),
    profilers=("py-spy", "memray"),
    metrics=Metrics(path="/metrics", port=8000),
)
