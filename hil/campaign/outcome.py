"""What can come of a fault, and the table of many of them.

The classes go from harmless to worst. DEAD is what no flight board may be: it does not come back by itself within the
watchdog's time and 5 s, and a slack that the campaign names, or comes back and is not the board it was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from hil.evidence import OUT_DIR

CAMPAIGN_DIR = OUT_DIR / "campaign"


class Outcome(StrEnum):
    """What came of one fault."""

    NO_EFFECT = "no effect"
    CORRECTED = "detected and corrected"
    RESET = "detected and reset"
    WRONG = "wrong output"
    DEAD = "dead"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and what came of it.

    place: what was hit. what: what was seen, in words. recovery_s: from the fault to the first
    housekeeping after the board's start, where it was reset. reported: the next start told of a crash.
    """

    number: int
    region: str
    place: str
    outcome: Outcome
    what: str = ""
    recovery_s: float = 0.0
    reported: bool = False


def tally(judged: Iterable[Judged]) -> dict[str, Counter[Outcome]]:
    """How many of each outcome, by region."""
    counts: dict[str, Counter[Outcome]] = {}
    for one in judged:
        counts.setdefault(one.region, Counter())[one.outcome] += 1
    return counts


def table(judged: Sequence[Judged]) -> str:
    """Outcomes by region as text, a line for each region and one for all."""
    counts = tally(judged)
    total: Counter[Outcome] = sum(counts.values(), Counter())
    names = list(Outcome)
    wide = max(len("region"), *(len(region) for region in counts)) if counts else len("region")
    lines = [f"{'region':<{wide}}  {'faults':>6}  " + "  ".join(f"{name:>{len(name)}}" for name in names)]
    for region, row in [*sorted(counts.items()), ("all", total)]:
        cells = "  ".join(f"{row[name]:>{len(name)}}" for name in names)
        lines.append(f"{region:<{wide}}  {row.total():>6}  {cells}")
    return "\n".join(lines)


def notes(judged: Sequence[Judged]) -> str:
    """What was seen of all faults that had an effect, one line each."""
    return "\n".join(
        f"{one.number:>5}  {one.outcome:<22}  {one.place}: {one.what}"
        for one in judged
        if one.outcome is not Outcome.NO_EFFECT
    )


def write_report(name: str, heading: str, judged: Sequence[Judged], facts: dict[str, object]) -> Path:
    """Text and JSON of a campaign in hil/out/campaign; the text's path."""
    CAMPAIGN_DIR.mkdir(parents=True, exist_ok=True)
    path = CAMPAIGN_DIR / f"{name}.txt"
    shown = "\n".join(f"{key}: {value}" for key, value in facts.items())
    path.write_text(f"{heading}\n\n{shown}\n\n{table(judged)}\n\n{notes(judged)}\n", encoding="utf-8")
    counts = {region: dict(row) for region, row in tally(judged).items()}
    data = {"campaign": heading, **facts, "outcomes": counts, "faults": [msgspec.to_builtins(one) for one in judged]}
    path.with_suffix(".json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    return path
