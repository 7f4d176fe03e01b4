"""Questions to a person: asked on a terminal, and elsewhere a refusal that names the flag with the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ddd_tasks import console
from ddd_tasks.errors import ConfigError


def choose(question: str, answers: Sequence[str], *, hint: str, cause: str = "") -> str:
    """One of the answers. hint is the command line that gives it without a question.

    Raises ConfigError where nobody can answer, or nobody does.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(question, cause=cause or "without a terminal, nobody can be asked", valid=answers, hint=hint)
    console.note(question)
    for number, answer in enumerate(answers, start=1):
        console.note(f"  {number}  {answer}")
    while True:
        console.note(f"a number or a name, then Enter (Ctrl-C ends this): 1 is {answers[0]}")
        line = sys.stdin.readline()
        given = line.strip() or answers[0]
        if not line:
            raise ConfigError(question, cause="the input ended", valid=answers, hint=hint)
        if given in answers:
            return given
        if given.isdecimal() and 0 < int(given) <= len(answers):
            return answers[int(given) - 1]
