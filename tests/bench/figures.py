"""What every benchmark gives: figures with their goals; and what is made of them: one table, and a history in a file.

A line of the history is one run of one benchmark. Each run is shown beside the line before it of the same benchmark.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import ctrl_c

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / "build" / "bench" / "history.jsonl"
LINE = "  {:60} {:>13} {:13} {:20} {:7} {}"


@dataclass(frozen=True)
class Figure:
    """A figure with its goal: at most, or at least; none of both for what only explains another."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """Is the goal reached? True where there is none."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def goal(self) -> str:
        """The goal in words; empty where there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:,g}"
        return f"at least {self.at_least:,.10g}" if self.at_least is not None else ""

    def line(self, before: float | None = None) -> str:
        """A row of the table. before: the value of the run before."""
        verdict = ("met" if self.met else "MISSED") if self.goal else ""
        return LINE.format(
            self.name, shown(self.value), self.unit, self.goal, verdict, change(self.value, before)
        ).rstrip()


def shown(value: float) -> str:
    """A number as a person wants it: four digits that count, all of a whole number."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def change(value: float, before: float | None) -> str:
    """How much a value differs from the one before."""
    if before is None:
        return "new"
    if value == before:
        return "="
    return f"{100 * (value / before - 1):+.1f} %" if before else f"was {shown(before)}"


def last_run(history: Path, benchmark: str) -> dict[str, float]:
    """Figures by name of the latest run of a benchmark, empty when there is none. A line that is not whole is none."""
    found: dict[str, float] = {}
    lines = history.read_text(encoding="utf-8").splitlines() if history.is_file() else []
    for line in lines:
        try:
            run = json.loads(line)
            if run["benchmark"] == benchmark:
                found = {name: float(value) for name, (value, _unit) in run["figures"].items()}
        except (ValueError, KeyError, TypeError):
            continue  # cut off by a full disk or an interrupted run
    return found


def keep(history: Path, benchmark: str, figures: Iterable[Figure]) -> None:
    """Add one line to the history."""
    line = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "version": version(),
        "benchmark": benchmark,
        "figures": {figure.name.strip(): [figure.value, figure.unit] for figure in figures},
    }
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def version() -> str:
    """What is measured, as git names it; "unknown" without git."""
    command = ["git", "describe", "--always", "--dirty"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def table(title: str, figures: Sequence[Figure], before: dict[str, float]) -> str:
    """The rows of one benchmark below its title."""
    return "\n".join([title, *(figure.line(before.get(figure.name.strip())) for figure in figures)])


def run_alone(
    benchmark: str, title: str, measure: Callable[[], list[Figure]], argv: Sequence[str] | None = None
) -> int:
    """One benchmark by itself: measured, shown, kept; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=title)
    add_history(parser)
    history: Path = parser.parse_args(argv).history
    ctrl_c.heed()
    figures = measure()
    print()
    print(table(title, figures, last_run(history, benchmark)))
    keep(history, benchmark, figures)
    return 0 if all(figure.met for figure in figures) else 1


def add_history(parser: argparse.ArgumentParser) -> None:
    """--history."""
    parser.add_argument("--history", type=Path, default=HISTORY, metavar="FILE", help=f"({HISTORY.relative_to(ROOT)})")


def unavailable(benchmark: str, reason: object) -> None:
    """Say that a benchmark could not be measured."""
    print(f"{benchmark} could not be measured: {reason}", file=sys.stderr)
