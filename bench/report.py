"""What a benchmark prints and keeps: Markdown tables, goals met or missed, the same as JSON in bench/results/."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness import Bench, Goal, Limit, Section, Share, Size, Variant
from tests import support

_RESULTS = Path(__file__).resolve().parent / "results"
_HEAD = ["| variant | median ms | min | p90 | own CPU | n | ratio |", "|---|---:|---:|---:|---:|---:|---:|"]


class Machine:
    """Where and when a benchmark ran, and how busy the machine was before and after."""

    def __init__(self) -> None:
        self.began = time.time()
        self.load = os.getloadavg()[0]
        self.facts = {
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "machine": f"{os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}",
            "commit": _said("git", "-C", str(support.REPO), "describe", "--always", "--dirty") or "unknown",
            "python": platform.python_version(),
            "docker": _said("docker", "version", "--format", "CLI {{.Client.Version}}, engine {{.Server.Version}}"),
            "compose": _said("docker", "compose", "version", "--short"),
            "hyperfine": _said("hyperfine", "--version").removeprefix("hyperfine "),
        }

    def end(self) -> None:
        """Note the load again, and how long it took."""
        self.facts["load"] = f"{self.load:.1f} before, {os.getloadavg()[0]:.1f} after"
        self.facts["took"] = f"{time.time() - self.began:.0f} s"


def publish(bench: Bench, machine: Machine) -> None:
    """Print the tables and goals, and write bench/results/NAME.json."""
    machine.end()
    verdicts = [_verdict(goal) for goal in bench.goals] + [_size_verdict(size) for size in bench.sizes]
    verdicts += [_limit_verdict(limit) for limit in bench.limits]
    parts = [" · ".join(f"{name} {value}" for name, value in machine.facts.items())]
    parts += [_table(section) for section in bench.sections]
    parts += ["\n".join(["Goals:", *(f"- {verdict['text']}" for verdict in verdicts)])]
    parts += ["\n".join(f"- {_portion(share)}" for share in bench.shares)] if bench.shares else []
    print("\n\n".join(parts))
    _RESULTS.mkdir(exist_ok=True)
    document = {
        "bench": bench.name,
        **machine.facts,
        "sections": {section.title: [_numbers(section, one) for one in section.variants] for section in bench.sections},
        "goals": verdicts,
    }
    (_RESULTS / f"{bench.name}.json").write_text(json.dumps(document, indent=2) + "\n")


def _table(section: Section) -> str:
    lines = [f"### {section.title}", "", *_HEAD]
    for variant in section.variants:
        row = _numbers(section, variant)
        cells = [_milliseconds(row[key]) if key in row else "-" for key in ("median", "min", "p90", "cpu")]
        name = f"{variant.name} (not available: {variant.missing})" if variant.missing else variant.name
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        lines.append(f"| {name.replace('|', chr(92) + '|')} | {' | '.join(cells)} | {row['n']} | {ratio} |")
    return "\n".join(lines)


def _numbers(section: Section, variant: Variant) -> dict[str, Any]:
    times = sorted(_times(variant))
    row: dict[str, Any] = {"name": variant.name, "n": len(times), "ratio": _ratio(variant, section.variants[0])}
    if variant.missing:
        row["missing"] = variant.missing
    if times:
        p90 = times[math.ceil(0.9 * len(times)) - 1]  # the nearest rank
        row |= {"median": median(times), "min": times[0], "p90": p90, "rounds": variant.rounds}
    if variant.cpu:
        row["cpu"] = median(variant.cpu)
    return row


def _verdict(goal: Goal) -> dict[str, Any]:
    ratio = _ratio(goal.variant, goal.other)
    found = {"goal": goal.text, "limit": goal.limit, "ratio": ratio, "met": ratio is not None and ratio <= goal.limit}
    if ratio is None:
        return found | {"text": f"NOT MEASURED  {goal.text} <= {goal.limit}"}
    pairs = zip(goal.variant.rounds, goal.other.rounds, strict=False)
    rounds = [median(ours) / median(theirs) for ours, theirs in pairs]
    spread = f"rounds {min(rounds):.2f} to {max(rounds):.2f}, middle {median(rounds):.2f}"
    times = f"{_milliseconds(median(_times(goal.variant)))} / {_milliseconds(median(_times(goal.other)))} ms"
    minima = min(_times(goal.variant)) / min(_times(goal.other))
    word = "pass" if found["met"] else "FAIL"
    return found | {
        "text": f"{word}  {goal.text} = {ratio:.2f} (goal <= {goal.limit}; {times}; {spread}; minima {minima:.2f})"
    }


def _size_verdict(size: Size) -> dict[str, Any]:
    try:
        ours, theirs = size.look()
    except RuntimeError as error:
        return {"goal": size.text, "limit": size.limit, "met": False, "text": f"NOT MEASURED  {size.text}: {error}"}
    ratio = ours / theirs
    word = "pass" if ratio <= size.limit else "FAIL"
    bytes_ = f"{ours / 1e6:.1f} / {theirs / 1e6:.1f} MB"
    found = {"goal": size.text, "limit": size.limit, "ratio": ratio, "met": ratio <= size.limit}
    return found | {"text": f"{word}  {size.text} = {ratio:.2f} (goal <= {size.limit}; {bytes_})"}


def _limit_verdict(limit: Limit) -> dict[str, Any]:
    times = _times(limit.variant)
    others = _times(limit.beyond) if limit.beyond else [0.0]
    if not (times and others):
        return {"goal": limit.text, "met": False, "text": f"NOT MEASURED  {limit.text} <= {limit.seconds} s"}
    seconds, least = median(times) - median(others), min(times) - min(others)
    found = {"goal": limit.text, "limit": limit.seconds, "seconds": seconds, "met": seconds <= limit.seconds}
    word = "pass" if found["met"] else "FAIL"
    return found | {"text": f"{word}  {limit.text} = {seconds:.2f} s (goal <= {limit.seconds} s; minima {least:.2f})"}


def _portion(share: Share) -> str:
    if not (share.whole.rounds and share.part.rounds):
        return f"{share.text}: not measured"
    whole, part = median(_times(share.whole)), median(_times(share.part))
    return (
        f"{share.text}: {_milliseconds(part)} of {_milliseconds(whole)} ms are {share.part.name};"
        f" {_milliseconds(whole - part)} ms are the rest"
    )


def _ratio(variant: Variant, other: Variant) -> float | None:
    if variant.missing or other.missing or not (variant.rounds and other.rounds):
        return None
    return median(_times(variant)) / median(_times(other))


def _times(variant: Variant) -> list[float]:
    return [seconds for times in variant.rounds for seconds in times]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def _said(*argv: str) -> str:
    return support.run(*argv).out.strip()
