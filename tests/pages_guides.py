"""How the blocks of README, the tutorial and the guides are run; tests/blocks.py says what the entries mean."""

from __future__ import annotations

from tests.blocks import NotRun, Page

PAGES = [
    Page(
        "docs/tutorial.md",
        # A busy machine takes longer to restart a program than a reader to look.
        replaced={
            "sleep 3; curl -s": "until curl -sf http://127.0.0.1:{port}/ | grep calls; do sleep 0.2; done; curl -s"
        },
    ),
]

NOT_RUN = [
    NotRun(
        "README.md", "./bootstrap inv dev.up", "tests/engine/test_bootstrap.py runs ./bootstrap; CI runs the second"
    ),
]
