"""How the blocks of the pages on debugging, profiling, monitoring and looking after a project are run.

tests/blocks.py says what the entries mean.
"""

from __future__ import annotations

from tests.blocks import NotRun, Page
from tests.support import REPO

_DEBUGGING = [
    Page(
        "docs/debugging.md",
        project="shop",
        replaced={"visits: debugpy": "shop: debugpy"},
        says={
            "ddd debug.attach   ": "shop: debugpy on 127.0.0.1:...",
            "ddd debug.config": ".vscode/launch.json  ddd: shop (python)  added",
            "ddd debug.check": "...hit...",
        },
        after=("ddd debug.down",),
        measured=True,
    ),
    Page(
        "docs/editors.md",
        before=(
            f"cp -r {REPO}/examples/python api && cp -r {REPO}/examples/node web",
            "printf 'services:\\n  api: {build: api}\\n  web: {build: web}\\n' > compose.yaml",
        ),
    ),
]

_VISITS = "for one in 1 2 3 4 5 6; do curl -sf http://127.0.0.1:{port}/; curl -sf $(ddd dev.url --service orders); done"
# A target waits for its first scrape for up to ten seconds.
_SCRAPED = "until ddd monitor.targets > $SCRATCH/said; grep -c waiting $SCRATCH/said | grep 0; do sleep 0.5; done"

_MONITORING = [
    Page("docs/monitoring.md", project="webshop", only=("ddd dev.up\n",), measured=True),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd dev.up --scale",),
        replaced={"webshop": "{name}", "ddd monitor.targets": f"{_SCRAPED}; ddd monitor.targets"},
        after=("ddd dev.up --scale orders=1",),
    ),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd monitor.targets\n",),
        before=(
            "sed -i 's|metrics: {}|metrics: {path: /stats}|' compose.yaml",
            "ddd dev.up",
            "docker compose stop orders",
            _SCRAPED,
        ),
        replaced={"webshop": "{name}"},
        status={"ddd monitor.targets": (1,)},
        after=("sed -i 's|metrics: {path: /stats}|metrics: {}|' compose.yaml", "ddd dev.up", _SCRAPED),
    ),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd monitor.dashboard",),
        before=(_VISITS,),
        after=("ddd monitor.dashboard --service api --diff", "rm -r monitor"),
        measured=True,
    ),
    Page(
        "docs/alerts.md",
        project="webshop",
        files={"monitor/rules/shop.yml": "# monitor/rules/shop.yml"},
        only=("ddd monitor.reload\nPrometheus",),
    ),
    Page(
        "docs/alerts.md",
        project="webshop",
        files={
            "monitor/rules/shop.yml": "# monitor/rules/shop.yml",
            "monitor/rules/tests/shop.yml": "# monitor/rules/tests/shop.yml",
            "noxfile.py": "# noxfile.py",
        },
        only=("nox -s monitor-check",),
        after=(
            # A test of a rule that does not hold is found.
            "sed -i 's/has done 6 jobs/has done 7 jobs/' monitor/rules/tests/shop.yml",
            "! ddd monitor.check",
            "rm -r monitor noxfile.py",
        ),
    ),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd monitor.check\n",),
        before=(_VISITS, "until ddd monitor.check; do sleep 1; done"),
        replaced={"api: 18 of 18": "...\napi: 18 of 18", "orders: 8 of 8": "...\norders: 8 of 8"},  # some may be idle
        measured=True,
    ),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd monitor.check --service api",),
        before=(
            _VISITS,
            "ddd monitor.dashboard --service api",
            "sed -i s/http_requests_total/http_request_total/ monitor/dashboards/api.json",
        ),
        status={"ddd monitor.check": (1,)},
        replaced={"broken: api: panel 'Requests": "...\nbroken: api: panel 'Requests"},
        after=("rm -r monitor",),
        measured=True,
    ),
    Page(
        "docs/monitoring.md",
        project="webshop",
        only=("ddd monitor.query", "ddd monitor.stats"),
        before=(_VISITS, "until ddd monitor.query 'rate(http_requests_total[1m])' | grep api; do sleep 1; done"),
        replaced={
            # minutes, for who comes later
            "58s": "...",
            "54s": "...",
            "0.6976533333  1.347306667  1.347306667": "...",
            "0.3487466667  0.75836      0.75836": "...",
        },
        measured=True,
    ),
    Page(
        "docs/alerts.md",
        project="webshop",
        files={"monitor/rules/shop.yml": "# monitor/rules/shop.yml"},
        only=("ddd monitor.reload\nerror",),
        before=("sed -i 's/expr: /&sum(/' monitor/rules/shop.yml",),
        status={"ddd monitor.reload": (78,)},
        after=("rm -r monitor", "ddd monitor.reload"),
        measured=True,
    ),
    Page(
        "docs/grafana.md",
        project="webshop",
        # A program in Grafana's place: Grafana itself is asked in tests/engine/test_monitor_grafana.py.
        env={"DDD_GRAFANA_IMAGE": "{name}-in-grafanas-place"},
        after=("ddd monitor.up --no-grafana",),
        measured=True,
    ),
]

_PROFILING = [
    Page(
        "docs/profiling.md",
        project="profiled",
        only=("ddd profile.cpu --load",),
        before=('export BROWSER="echo opened %s"',),
        replaced={"profile.cpu --load": "profile.cpu --service api --seconds 3 --load"},
        says={"ddd profile.open": "opened file://{folder}/.ddd/profiles/api/...Z/flamegraph.html"},
        example=("ddd profile.cpu",),
        measured=True,
    ),
    Page(
        "docs/profiling.md",
        project="profiled",
        only=("ddd profile.cpu --service mailer",),
        status={"ddd profile.cpu": (75,)},
        measured=True,
    ),
    Page(
        "docs/profiling.md",
        project="profiled",
        only=("ddd profile.diff",),
        before=(
            "ddd profile.cpu --service api --load /report --rps 10 --seconds 3",
            "sed -i 's/range(2_000)/range(20_000)/' app/report.py",
            "ddd profile.cpu --service api --load /report --rps 10 --seconds 3",
        ),
        example=("ddd profile.diff",),
        measured=True,
    ),
    Page(
        "docs/profiling.md",
        project="profiled",
        only=("ddd profile.memory", "ddd profile.dump", "ddd profile.top"),
        example=("ddd profile.memory", "ddd profile.dump", "ddd profile.top"),
        measured=True,
    ),
]

PAGES = [
    *_DEBUGGING,
    *_MONITORING,
    *_PROFILING,
    Page("docs/progress.md", project="shop"),
    Page(
        "docs/compatibility.md",
        project="checkout",
        # That there are such sessions: they take hours, and a test is what they run.
        replaced={"nox -s": "nox --list -s"},
        after=(f"diff docs/compatibility.md {REPO}/docs/compatibility.md",),
    ),
]

NOT_RUN: list[NotRun] = [
    NotRun("docs/comparison.md", "./bootstrap python bench/exec.py", "measures for minutes, beside other tools"),
]
