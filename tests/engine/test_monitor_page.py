"""The monitor's page in a real browser: what it draws, says and refuses to run."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ddd_tasks.engine.api import Engine
from ddd_tasks.monitoring.check import variables
from tests import support
from tests.browser import Tab, browser
from tests.monitoring import page_service
from tests.support import Stack, wait_until

HOSTILE = "<img src=x onerror=window.hacked=1>"
SERVED = f"""\
# TYPE http_requests_total counter
http_requests_total{{status="200"}} {{seen}}
# TYPE waits_seconds summary
waits_seconds_sum 0
waits_seconds_count 0
# TYPE level gauge
level{{name="{HOSTILE}"}} 3
"""
TABLE = {"type": "table"}
# Values of variables that Grafana would write in different ways.
VARIABLES: list[dict[str, Any]] = [
    {"name": "one", "type": "custom", "current": {"value": "a.b"}},
    {"name": "some", "type": "custom", "multi": True, "current": {"value": ["a.b", 'c"d', "e\\f"]}},
    {"name": "single", "type": "custom", "multi": True, "current": {"value": ["a.b"]}},
    {"name": "first", "type": "custom", "query": "x, y"},
    {"name": "all", "type": "custom", "includeAll": True, "allValue": "a|b.c", "current": {"value": "a"}},
    {"name": "every", "type": "query", "multi": True, "current": {"value": "a"}},
    {"name": "chosen", "type": "custom", "current": {"value": "$__all"}},
    {"name": "said", "type": "constant", "query": 'say "x"'},
]
# The dashboard of web comes a second late, whether it is still wanted or not.
LATE = """
const real = window.fetch;
window.fetch = async (url, more) => {
  if (!String(url).endsWith("web.json")) return real(url, more);
  window.asked = true;
  await new Promise((done) => setTimeout(done, 1000));
  const answer = await real(url);
  setTimeout(() => { window.answered = true; });
  return answer;
};
"""
CHOSEN = '{job=~"$job", instance=~"$instance"}'


class Watched(NamedTuple):
    """A service and the page that shows it."""

    stack: Stack
    service: str
    page: str
    tab: Tab

    def send(self, count: int) -> None:
        for _ in range(count):
            with urllib.request.urlopen(self.service, timeout=5) as answer:
                answer.read()

    def state(self, title: str) -> Any:
        return self.tab.evaluate(f"{panel(title)}?.dataset.state")


def panel(title: str) -> str:
    """The panel's element, as JavaScript."""
    return f"[...document.querySelectorAll('article')].find((one) => one.querySelector('h3').title === {title!r})"


def drawn(number: int, title: str, expression: str, **more: Any) -> dict[str, Any]:
    defaults = {"unit": more.pop("unit", "short"), **more}
    place = {"x": (number % 3) * 8, "y": 1 + number // 3 * 8, "w": 8, "h": 8}
    queries = [{"refId": "A", "expr": expression, "legendFormat": "{{name}}{{status}}"}]
    return {
        "type": "timeseries",
        "title": title,
        "description": "What it is.",
        "gridPos": place,
        "targets": queries,
        "fieldConfig": {"defaults": defaults},
    }


def board() -> dict[str, Any]:
    limit = {
        "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 5}]}
    }
    mean = f"rate(waits_seconds_sum{CHOSEN}[2m]) / rate(waits_seconds_count{CHOSEN}[2m])"
    panels = [
        drawn(0, "requests", f"sum by (status) (http_requests_total{CHOSEN})", unit="reqps"),
        drawn(1, "waits", mean, unit="s"),
        drawn(2, "wrong", "sum by ((up)"),
        drawn(3, "renamed", f"no_such_metric{CHOSEN}"),
        drawn(4, "level", f"level{CHOSEN}", **limit),
    ]
    place = {"x": 0, "y": 40, "w": 24, "h": 1}
    many = [drawn(number, f"up {number}", f"up{CHOSEN}") for number in range(60)]
    closed = {"type": "row", "title": "many", "collapsed": True, "gridPos": place, "panels": many}
    return {"uid": "web", "title": "web", "panels": [*panels, closed], "templating": {"list": []}}


@pytest.fixture(scope="module")
def watched(bases: None, engine: Engine) -> Iterator[Watched]:
    port = support.free_port()
    metrics = {"x-ddd": {"metrics": {"port": 8000}}}
    web = page_service(8000, SERVED, ports=[f"127.0.0.1:{port}:8000"], **metrics)
    services = {"web": web, "other": page_service(8000, **metrics)}
    other = {**board(), "panels": [drawn(0, "jobs", f"jobs_done_total{CHOSEN}"), {**drawn(1, "six", "6"), **TABLE}]}
    files = {"monitor/dashboards/web.json": json.dumps(board()), "monitor/dashboards/other.json": json.dumps(other)}
    stack = support.make_stack({"compose.yaml": json.dumps({"services": services}), **files})
    try:
        stack.ddd("dev.up", timeout=120).ok()
        stack.ddd("monitor.up", timeout=600).ok()
        page = stack.ddd("monitor.open", "--print").ok().out.strip()
        with browser(engine) as tab:
            yield Watched(stack, f"http://127.0.0.1:{port}/", page, tab)
    finally:
        stack.down()


@pytest.fixture
def opened(watched: Watched) -> Watched:
    """The page as a person who comes for the first time finds it, drawn twice."""
    watched.tab.look(1360, 900)
    watched.tab.go(f"{watched.page}#service=web")
    watched.tab.until("Number(document.body.dataset.rounds) >= 1")
    watched.tab.until(f"{panel('level')}.dataset.state === 'data'")
    return watched


def test_panels_say_whether_they_have_data_are_idle_or_broken(opened: Watched) -> None:
    tab = opened.tab
    tab.until(f"{panel('renamed')}.dataset.state === 'broken'")
    states = {title: opened.state(title) for title in ("requests", "waits", "wrong", "renamed", "level")}
    assert states == {"requests": "data", "waits": "idle", "wrong": "broken", "renamed": "broken", "level": "data"}
    tab.until("document.body.dataset.withData === '2'")
    counts = tab.evaluate("['panels', 'idle', 'broken', 'closed'].map((name) => document.body.dataset[name]).join(' ')")
    assert counts == "5 1 2 60"
    assert "2 of 5 panels have data" in tab.evaluate("document.getElementById('status').textContent")
    tab.until(f"{panel('waits')}.textContent.includes('in the last 2 m')")  # of a rate, after two scrapes
    assert "parse error" in tab.evaluate(f"{panel('wrong')}.textContent")
    assert "nothing exposes no_such_metric" in tab.evaluate(f"{panel('renamed')}.textContent")
    assert "threshold 5" in tab.evaluate(f"{panel('level')}.textContent")


def test_a_counted_request_moves_the_drawn_line(opened: Watched) -> None:
    tab = opened.tab
    plot = f"{panel('requests')}.querySelector('.box').plot"
    last = f"{plot}.data[1].findLast((value) => value !== null)"
    # Counted is one thing, drawn another: the pixels of the canvas have to differ as well.
    height = f"Math.round({plot}.valToPos({last}, 'y')) + '/' + {plot}.scales.y.max"
    before, place = tab.evaluate(last), tab.evaluate(height)
    picture = tab.evaluate(f"{plot}.ctx.canvas.toDataURL()")
    opened.send(7)
    tab.until(f"{last} >= {before} + 7", seconds=20)
    assert tab.evaluate(height) != place
    assert tab.evaluate(f"{plot}.ctx.canvas.toDataURL()") != picture
    assert f"{before + 7:g} req/s" in tab.evaluate(f"{panel('requests')}.querySelector('.legend').textContent")


def test_a_hostile_label_is_only_text(opened: Watched) -> None:
    tab = opened.tab
    assert HOSTILE in tab.evaluate(f"{panel('level')}.querySelector('.legend').textContent")
    assert tab.evaluate("[window.hacked, document.querySelectorAll('img').length].join()") == ",0"
    tab.evaluate("void document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')")
    wait_until(lambda: any("Content Security Policy" in one for one in tab.errors), what="a refusal of the policy")
    assert tab.evaluate("window.hacked") is None


def test_closed_rows_ask_for_nothing_until_a_key_opens_them(opened: Watched) -> None:
    tab = opened.tab
    assert tab.evaluate("document.querySelectorAll('article').length") == 5
    tab.key("o")
    tab.until("document.body.dataset.panels === '65' && document.body.dataset.withData === '62'")


def test_everything_is_reached_by_the_keyboard(opened: Watched) -> None:
    tab = opened.tab
    tab.key("j")
    tab.key("d")
    assert tab.evaluate("document.activeElement.querySelector('.about').hidden") is False
    assert 'job=~"web"' in tab.evaluate("document.activeElement.querySelector('.about').textContent")
    tab.key("1")
    tab.until("location.hash.includes('range=5m')")
    tab.key("?", shift=True)
    tab.until("document.getElementById('help').open")
    tab.key("Escape")
    tab.until("!document.getElementById('help').open")
    tab.key("t")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    tab.key("t")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)"
    tab.key("t")
    tab.key("Tab")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


@pytest.mark.parametrize("job", [[], [{"name": "job", "type": "query"}], [{"name": "job", "multi": True}]])
def test_variables_have_the_values_that_monitor_check_asks_with(opened: Watched, job: list[dict[str, Any]]) -> None:
    value = {"templating": {"list": [*VARIABLES, *job]}}
    view = {"service": "my.api", "instance": "", "step": 20, "scrape": 5, "seconds": 900}
    given = f"{json.dumps(value)}, {json.dumps(view)}"
    shown = opened.tab.evaluate(f"import('./js/board.js').then((it) => JSON.stringify(it.variables({given})))")
    assert json.loads(shown) == variables.values(value, "my.api", "20s")


def test_an_expression_that_is_a_number_has_data(opened: Watched) -> None:
    opened.tab.go(f"{opened.page}#service=other")
    opened.tab.until(f"{panel('six')}?.dataset.state === 'data'")
    assert "6" in opened.tab.evaluate(f"{panel('six')}.querySelector('td').textContent")


def test_an_answer_that_comes_after_another_choice_is_not_drawn(opened: Watched) -> None:
    def choose(service: str) -> str:
        select = "document.getElementById('service')"
        return (
            f"{select}.value = {service!r}; {select}.dispatchEvent(new Event('change', {{bubbles: true}})), undefined"
        )

    tab = opened.tab
    tab.evaluate(choose("other"))
    tab.until(f"{panel('jobs')}?.dataset.state === 'data'")
    tab.evaluate(LATE + choose("web"))
    tab.until("window.asked")
    tab.evaluate(choose("other"))
    tab.until("window.answered")
    tab.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert tab.evaluate("[...document.querySelectorAll('h3')].map((one) => one.title).join()") == "jobs,six"


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_window(opened: Watched, width: int) -> None:
    opened.tab.look(width, 780, phone=True)
    opened.tab.until(f"document.documentElement.scrollWidth <= {width} && innerWidth === {width}")


def test_pictures_in_light_dark_and_on_a_phone(opened: Watched) -> None:
    light = opened.tab.photograph("monitor-light").read_bytes()
    opened.tab.look(1360, 900, dark=True)
    assert opened.tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)"
    assert opened.tab.photograph("monitor-dark").read_bytes() != light
    opened.tab.look(360, 780, phone=True)
    opened.tab.photograph("monitor-phone")


def test_a_target_that_is_down_is_named_in_plain_words(opened: Watched) -> None:
    opened.stack.run("docker", "compose", "stop", "-t", "1", "web").ok()
    opened.tab.until("document.getElementById('banners').textContent.includes('web is down')", seconds=20)
    assert "no running container has its name" in opened.tab.evaluate("document.getElementById('banners').textContent")
