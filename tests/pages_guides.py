"""How the blocks of README, the tutorial and the guides are run; tests/blocks.py says what the entries mean."""

from __future__ import annotations

from tests.blocks import NotRun, Page
from tests.support import REPO

# `./bootstrap nox` is what CI runs, and this test is a part of it.
_ALL_OF_CI = {"./bootstrap nox  ": "./bootstrap nox --list  "}

TUTORIAL = Page(
    "docs/tutorial.md",
    # A busy machine takes longer to restart a program than a reader to look.
    replaced={"sleep 3; curl -s": "until curl -sf http://127.0.0.1:{port}/ | grep calls; do sleep 0.2; done; curl -s"},
    status={"ddd doctor": (0, 1)},
)

PAGES = [
    Page(
        "README.md",
        project="checkout",
        only=("./bootstrap inv dev.up",),
        replaced=_ALL_OF_CI,
        says={"./bootstrap inv dev.up": "api running healthy http://127.0.0.1:{port}"},
        env={"API_PORT": "{port}"},
    ),
    Page("CONTRIBUTING.md", project="checkout", replaced=_ALL_OF_CI),
    Page("README.md", only=("ddd init",), before=(f"cp -r {REPO}/examples/python shop && cd shop",)),
    Page("docs/init.md"),
    Page("docs/languages.md", after=('curl -sf "$(ddd dev.url)" | grep visits',)),
    Page("docs/nox.md", project="shop", only=("nox -s test-in-container -- -k visits",)),
    Page(
        "docs/nox.md",
        only=("nox -s test-in-container -- --profile",),
        before=(
            "ddd init --language python --name shop",
            # As on the page: the line with the work is the 48th.
            "{ yes '' | head -n 46; echo 'def parse():'; echo '    return sum(range(150_000_000))'; } > app/reader.py",
            "{ echo 'import app.reader as it'; echo 'def test_it():'; echo '    it.parse()'; } > tests/test_reader.py",
        ),
        measured=True,
    ),
    Page(
        "docs/nox.md",
        only=("printf 'FROM",),
        files={"noxfile_ddd.py": "# noxfile_ddd.py"},
        before=(
            "printf 'import nox\\n\\n\\n@nox.session\\ndef tests(session):\\n"
            '    session.run("python", "-c", "import sys; print(sys.executable)")\\n'
            "' > noxfile.py",
        ),
    ),
    Page(
        "docs/stages.md",
        project="shop",
        measured=True,
        before=("ddd stage.build", 'echo "# $(date +%s%N)" >> app/main.py'),
        replaced={
            "base    python:3.13-slim-trixie ": "base python:3.13-slim-trixie ... ",  # a stand-in
            "cached\nprod": "cached\n...\nprod",  # progress of a build that takes longer than three seconds
        },
    ),
    Page("docs/ci.md", before=("ddd init --language python --name shop",)),
    Page(
        "docs/adopt-an-existing-project.md",
        project="shop",
        status={"ddd doctor": (0, 1)},
        says={"ddd dev.exec": "/app"},
    ),
    Page(
        "docs/several-services.md",
        project="several services",
        says={
            "(cd services/api": "only-in-api",
            "ddd exec --service worker -- ls": "only-in-worker",
        },
    ),
    Page("docs/worktrees.md", project="shop", only=("url=",), after=('test "$url" = http://127.0.0.1:{port}',)),
    Page(
        "docs/worktrees.md",
        project="shop",
        only=("git worktree add", "docker compose --project-name"),
        before=("git branch feature",),
        replaced={"shop-feature": "{name}-feature", "../shop ": "../{name} "},
        says={
            "ddd dev.up": "...this checkout is the project '{name}-feature' from now on...",
            "ddd dev.url": "http://127.0.0.1:...",
        },
        status={"ddd doctor": (0, 1)},
        after=("git -C {folder} branch -D feature",),
    ),
    Page(
        "docs/users.md",
        project="shop",
        replaced={"apt-get update": "id -u"},
        says={"ddd exec --user": "0"},
        after=('test "$(ddd exec -- id -u)" = "$(id -u)"',),
    ),
    Page(
        "docs/network.md",
        project="shop",
        status={"ddd doctor": (0, 1)},
        after=(
            "ddd doctor > $SCRATCH/said; grep '^proxy ' $SCRATCH/said",
            "grep '^certificates ' $SCRATCH/said && grep '^registry ' $SCRATCH/said",
            "ddd debug.detach && ddd monitor.down",
        ),
    ),
    Page(
        "docs/doctor.md",
        project="shop",
        status={"ddd doctor": (0, 1)},
        after=("ddd doctor --json > $SCRATCH/said; python3 -m json.tool $SCRATCH/said",),
    ),
    Page("docs/reload.md", project="shop", says={"ddd dev.watch": "shop: a save in {folder} shows by itself, as /app"}),
    Page(
        "docs/shims.md",
        project="shop",
        files={".git/hooks/pre-commit": "#!/bin/sh"},
        replaced={"service api": "service shop"},
        after=(
            "echo 'import os' > app/unused.py && git add app/unused.py && ! git commit -m refused",
            "git rm -qf app/unused.py && git commit -qm allowed --allow-empty",
        ),
    ),
    Page("docs/how-it-works/attach.md", project="shop", says={"ddd debug.attach": "shop: debugpy on 127.0.0.1:..."}),
    Page(
        "docs/how-it-works/exec.md",
        project="shop",
        replaced={"ddd exec -- sleep 60": "timeout --preserve-status --signal INT 5 ddd exec -- sleep 60"},
        status={"ddd exec -- sleep 60": (130,)},
        says={"ddd exec -- sh -c 'exit 3'": "3", "ddd --echo": "docker compose ... exec ... pwd"},
    ),
    Page("docs/how-it-works/sessions.md", project="shop"),
    Page(
        "docs/integrations.md",
        project="shop",
        files={
            ".git/hooks/pre-commit": "#!/bin/sh\n# .git/hooks/pre-commit",
            ".git/hooks/pre-push": "#!/bin/sh\n# .git/hooks/pre-push",
            ".pre-commit-config.yaml": "# .pre-commit-config.yaml",
            "Makefile": "# Makefile",
            ".github/workflows/stack.yml": "# .github/workflows/stack.yml",
        },
        env={"PRE_COMMIT_HOME": "{folder}/.ddd/pre-commit"},
        after=(
            # The hook before a commit: what is wrong is not committed, and what is not staged is not looked at.
            "echo 'import os, sys' > app/unused.py && git add app/unused.py",
            "! git commit -m refused > $SCRATCH/said 2>&1",
            "grep F401 $SCRATCH/said",
            'printf \'"""Nothing."""\\n\' > app/unused.py && echo \'import os\' > app/other.py',
            "git add app/unused.py && git commit -m allowed && rm app/other.py",
            # The hook before a push.
            "git init --quiet --bare $SCRATCH/remote.git",
            "git push $SCRATCH/remote.git HEAD:main > $SCRATCH/said 2>&1",
            "grep 'Session test-in-container was successful' $SCRATCH/said",
            "sed -i 's/def test_/def untested_/' tests/*.py",
            "! git push $SCRATCH/remote.git HEAD:refused > $SCRATCH/said 2>&1",
            "grep 'Session test-in-container failed' $SCRATCH/said",
            "git checkout tests && test \"$(git -C $SCRATCH/remote.git branch)\" = '  main'",
            # A shim finds what an editor's test view would ask for.
            ".ddd/bin/pytest --collect-only -q > $SCRATCH/said && grep 'tests/test_app.py::' $SCRATCH/said",
            # pre-commit's own: all files, and then one that it hands to ruff.
            "pre-commit run --all-files",
            "echo 'import os' > app/unused.py && git add app/unused.py",
            "! pre-commit run ruff > $SCRATCH/said",
            "grep 'F401.*' $SCRATCH/said && ! grep other.py $SCRATCH/said",
            "git checkout HEAD app/unused.py",
            # make, which a bare machine lacks.
            'if command -v make; then make test ARGS="-k visits"; fi',
            "if command -v make; then make lint; fi",
            'if command -v make; then ! make test ARGS="-k no_such_test" > $SCRATCH/said 2>&1; fi',
            "if command -v make; then grep 'Error 5' $SCRATCH/said; fi",
            # The workflow is valid for GitHub.
            "python -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/stack.yml",
        ),
    ),
]

NOT_RUN = [
    NotRun("docs/reload.md", "DDD_TEST_SAVES=200", "a test of ours, which CI runs with fewer saves"),
]
