"""What the tasks of the monitor collection are asked for."""

from __future__ import annotations

from tests.engine.bad_input.case import DOCKERFILE, PROJECT, Case, compose

WITH_METRICS = {"compose.yaml": compose("x-ddd: {metrics: {port: 8000}}"), "Dockerfile": DOCKERFILE}


def _case(name: str, *words: str, said: tuple[str, ...], hint: str, status: int = 78) -> Case:
    return Case(f"monitor-{name}", WITH_METRICS, words, status, said, hint)


def _dashboard(name: str, *words: str, said: tuple[str, ...], hint: str = "ddd monitor.dashboard ") -> Case:
    return _case(f"dashboard-{name}", "monitor.dashboard", *words, said=said, hint=hint)


def _not_running(name: str, *words: str) -> Case:
    return _case(name, *words, said=("no Prometheus runs for", "has not started one"), hint="ddd monitor.up", status=75)


CASES = [
    _dashboard("match-broken", "--match", "http_(", said=("--match was given 'http_('", "unterminated")),
    _dashboard("match-star", "--match", "*_total", said=("'*_total'", "nothing to repeat")),
    _dashboard("from", "--from", "promtheus", said=("'promtheus'", "did you mean: prometheus", "valid: page, prom")),
    _dashboard("service", "--service", "apo", said=("no service named 'apo'", "did you mean: api"), hint="ddd dev.ps"),
    _case(
        "dashboard-stopped",
        "monitor.dashboard",
        said=("'api' is not running", "not been started"),
        hint="ddd dev.up",
        status=75,
    ),
    _not_running("dashboard-no-prometheus", "monitor.dashboard", "--from", "prometheus"),
    _not_running("targets", "monitor.targets"),
    _not_running("query", "monitor.query", "up"),
    _not_running("check", "monitor.check"),
    _not_running("open", "monitor.open", "--print"),
    _not_running("reload", "monitor.reload"),
    _case("logs-tail", "monitor.logs", "--tail", "x", said=("--tail was given 'x'",), hint="ddd monitor.logs"),
    Case("monitor-nothing", PROJECT, ("monitor.up",), 78, ("says that it has metrics", "valid: api"), "grep -n"),
    Case(
        "monitor-discovery",
        {**PROJECT, "compose.yaml": compose() + "x-ddd: {monitor: {discovery: dnss}}\n"},
        ("monitor.up",),
        78,
        ("'dnss'", "did you mean: dns"),
        "grep -n",
    ),
]
