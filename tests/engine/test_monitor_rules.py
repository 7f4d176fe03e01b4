"""Alert rules: ours pass their tests, the project's own are used, a wrong one is refused, and one fires."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ddd_tasks import project as projects
from ddd_tasks import resources
from ddd_tasks.engine.api import Engine
from ddd_tasks.errors import ExitCode
from ddd_tasks.monitoring import stack as monitor
from ddd_tasks.monitoring.check import configuration
from ddd_tasks.monitoring.check.report import Finding
from tests import support
from tests.monitoring import page_service, prometheus_url
from tests.support import Stack, wait_until

PAGE = """\
# HELP jobs_done_total Jobs.
# TYPE jobs_done_total counter
jobs_done_total 7
# TYPE hits_total counter
hits_total 1
# TYPE go_x_total gauge
go_x_total 1
"""
DOCUMENTED = re.findall(r"```(?:yaml|python)\n(.*?)```", (support.REPO / "docs" / "alerts.md").read_text(), re.DOTALL)
OWN, OWN_TEST, NOXFILE = DOCUMENTED


def compose() -> str:
    more = {"ports": ["127.0.0.1::8000"], "x-ddd": {"metrics": {"port": 8000}}}
    services = {name: page_service(8000, PAGE, **more) for name in ("shop", "ends")}
    return json.dumps({"services": services})


@pytest.fixture(scope="module")
def monitored(bases: None) -> Iterator[Stack]:
    stack = support.make_stack({"compose.yaml": compose(), "monitor/rules/shop.yml": OWN})
    try:
        assert stack.ddd("monitor.reload").status == ExitCode.NOT_RUNNING
        stack.ddd("dev.up", timeout=300).ok()
        stack.ddd("monitor.up", timeout=600).ok()
        yield stack
    finally:
        stack.down()


def asked(stack: Stack, path: str) -> Any:
    with urllib.request.urlopen(f"{prometheus_url(stack)}/api/v1/{path}", timeout=5) as answer:
        return json.loads(answer.read())["data"]


def rules(stack: Stack) -> dict[str, str]:
    """The rules that are in force, and the file of each."""
    groups = asked(stack, "rules")["groups"]
    return {rule["name"]: group["file"].rpartition("/")[2] for group in groups for rule in group["rules"]}


def alerts(stack: Stack) -> set[tuple[str, str, str]]:
    return {
        (one["labels"]["alertname"], one["labels"]["job"], one["state"]) for one in asked(stack, "alerts")["alerts"]
    }


@contextmanager
def written(stack: Stack, *rules: tuple[str, str]) -> Iterator[None]:
    """The project's rules with these files, by their names in monitor/rules, while the block lasts."""
    files = {f"monitor/rules/{name}": text for name, text in rules}
    places = [stack.directory / name for name in files]
    before = {place: place.read_text() for place in places if place.exists()}
    stack.write(files)
    try:
        yield
    finally:
        for place in places:
            if place in before:
                place.write_text(before[place])
            else:
                place.unlink()
        stack.ddd("monitor.reload").ok()


MORE = OWN.replace("ManyJobs", "More").replace("name: shop", "name: more")


def test_our_rules_and_the_projects_are_in_force_and_can_be_evaluated(monitored: Stack) -> None:
    found = rules(monitored)
    assert found["ManyJobs"] == "shop.yml"
    assert (found["TargetDown"], found["HttpErrors"], found["FilesNearLimit"]) == (
        "targets.yml",
        "requests.yml",
        "processes.yml",
    )


def findings(engine: Engine, stack: Stack) -> list[Finding]:
    project = projects.load(stack.directory)
    running = monitor.running(engine, project)
    assert running
    return configuration.findings(project, running)


def test_the_rules_pass_their_tests_and_a_wrong_one_does_not(engine: Engine, monitored: Stack) -> None:
    with written(monitored, ("tests/shop.yml", OWN_TEST)):
        # The rest of the page is as promtool wants it, and what comes with a runtime is not looked at.
        advice = [Finding("metrics", name, "hits_total: no help text", False) for name in ("ends", "shop")]
        assert findings(engine, monitored) == advice

        with written(monitored, ("shop.yml", OWN.replace("> 5", "> 6"))):
            broken = {(one.kind, one.where): one for one in findings(engine, monitored)}
        assert not broken["rules", "monitor/rules/shop.yml"].is_broken
        assert "monitor.reload" in broken["rules", "monitor/rules/shop.yml"].what
        assert broken["tests", "monitor/rules/tests/shop.yml"].is_broken
        assert "alertname: ManyJobs, time: 1m" in broken["tests", "monitor/rules/tests/shop.yml"].what

        with written(monitored, ("shop.yml", OWN.replace("> 5", "> sum by ("))):
            (wrong,) = [one for one in findings(engine, monitored) if one.is_broken]
        assert (wrong.kind, wrong.where) == ("rules", "monitor/rules/shop.yml")
        assert wrong.what.startswith('6:15: group "shop", rule 1, "ManyJobs": could not parse expression')

    with written(monitored, ("tests/shop.yml", OWN_TEST.replace("shop.y", "no.y"))):
        (wrong,) = [one for one in findings(engine, monitored) if one.is_broken]
    assert wrong.what.startswith("WARNING: no file match pattern monitor/rules/no.yml")


def test_a_wrong_rule_is_refused_and_the_old_ones_stay_in_force(monitored: Stack) -> None:
    before = rules(monitored)
    placed = monitored.directory / ".ddd" / "monitor" / "prometheus"
    with written(monitored, ("more.yml", MORE.replace("> 5", "> sum by ("))):
        for task in ("monitor.reload", "monitor.up"):
            refused = monitored.ddd(task)
            assert refused.status == ExitCode.CONFIG
            assert "error: monitor/rules/more.yml has a rule that Prometheus does not take" in refused.err
            assert '6:15: group "more", rule 1, "More": could not parse expression' in refused.err
        assert rules(monitored) == before
        assert sorted(file.name for file in (placed / "rules").iterdir()) == sorted({*before.values()})
        assert list(placed.glob("check-*")) == []

    with written(monitored, ("more.yml", MORE)):
        monitored.ddd("monitor.reload").ok()
        assert rules(monitored) == {**before, "More": "more.yml"}
    assert rules(monitored) == before


def test_rules_are_in_force_also_where_the_rest_of_monitor_up_fails(monitored: Stack) -> None:
    before = rules(monitored)
    ends_at_once = {"DDD_GRAFANA_IMAGE": support.base("debian:trixie-slim")}
    with written(monitored, ("more.yml", MORE)):
        refused = monitored.ddd("monitor.up", "--grafana", env=ends_at_once)
        assert (refused.status, "Grafana does not answer" in refused.err) == (ExitCode.ENGINE, True), refused.err
        wait_until(lambda: rules(monitored) == {**before, "More": "more.yml"}, what="the rule in force")
    monitored.ddd("monitor.up", "--no-grafana").ok()
    assert rules(monitored) == before


def test_a_file_of_the_project_takes_the_place_of_ours_with_its_name(monitored: Stack) -> None:
    before = rules(monitored)
    ours = resources.docker("monitor", "rules", "processes.yml").read_text()
    own = (("processes.yaml", ours.replace("FilesNearLimit", "OwnLimit")), ("targets.yml", ""))
    with written(monitored, *own):
        monitored.ddd("monitor.reload").ok()
        gone = {name for name, file in before.items() if file == "targets.yml"}
        assert {*rules(monitored)} == {*before} - {"FilesNearLimit"} - gone | {"OwnLimit"}
    assert rules(monitored) == before


def test_a_target_that_ends_is_told_of(monitored: Stack) -> None:
    monitored.run("docker", "compose", "kill", "ends").ok()
    try:
        pending = ("TargetDown", "ends", "pending")
        wait_until(lambda: pending in alerts(monitored), seconds=25, what="the alert TargetDown")
        assert ("TargetDown", "shop", "pending") not in alerts(monitored)
    finally:
        monitored.run("docker", "compose", "start", "ends").ok()
    wait_until(lambda: ("TargetDown", "ends", "pending") not in alerts(monitored), what="the end of the alert")


def test_every_rule_can_be_evaluated(monitored: Stack) -> None:
    def healths() -> dict[str, str]:
        return {
            rule["name"]: rule["health"] for group in asked(monitored, "rules")["groups"] for rule in group["rules"]
        }

    wait_until(lambda: {*healths().values()} == {"ok"}, what="an evaluation of each rule")


def test_the_check_shows_alerts_and_fails_on_a_rule_test(monitored: Stack) -> None:
    wait_until(lambda: ("ManyJobs", "shop", "firing") in alerts(monitored), what="the project's own alert")
    with written(monitored, ("tests/shop.yml", OWN_TEST.replace("done 6 jobs", "done 9 jobs"))):
        checked = monitored.ddd("monitor.check")
    assert checked.status == 1
    assert checked.out.count("broken: ") == 1
    assert "broken: tests: monitor/rules/tests/shop.yml: " in checked.out
    assert "alert ManyJobs is firing: shop has done 7 jobs" in checked.err


def test_a_nox_session_starts_what_it_needs_and_takes_it_away(
    bases: None, engine: Engine, stack: Callable[[Mapping[str, str]], Stack]
) -> None:
    port = support.free_port()
    services = json.loads(compose())["services"]
    only = {"services": {"shop": {**services["shop"], "ports": [f"127.0.0.1:{port}:8000"]}}}
    project = stack({"compose.yaml": json.dumps(only), "noxfile.py": NOXFILE})
    before = support.leftovers(engine)
    refused = project.nox("-s", "monitor-check", "--", "localhost")
    assert refused.status == 1
    assert "error: 'localhost' is no URL" in refused.err
    ran = project.nox("-s", "monitor-check", "--", f"http://127.0.0.1:{port}/", timeout=300).ok()
    assert "shop: " in ran.out
    assert "panels have data" in ran.out
    assert support.leftovers(engine) == before
