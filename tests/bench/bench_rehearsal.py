"""Measure the rehearsal of eight hours of the reference payload's plan against the lunar plant: ``make bench``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.sequence.rehearse import rehearse
from perilune.sequence.start_state import read_state
from perilune.sequence.text import load_sequence

from tests.bench.figures import Figure, run_alone

OPERATIONS = Path(__file__).resolve().parents[2] / "hil" / "operations"
EIGHT_HOURS_S = 8 * 3600.0
TITLE = "Rehearsal on this machine, one core"


def figures() -> list[Figure]:
    """Time from the files to the verdict."""
    began = time.monotonic()
    folders = [CORE, CORE / "payload"]
    dictionary = load(folders)
    sequence, _ = load_sequence(OPERATIONS / "instrument_day.seq", dictionary)
    state = read_state(OPERATIONS / "morning.toml", dictionary)
    result = rehearse(sequence, state, dictionary, folders, for_s=EIGHT_HOURS_S)
    took_s = time.monotonic() - began
    assert result.completed and result.duration_s >= EIGHT_HOURS_S, "what is measured must be right"
    return [
        Figure("an 8-hour sequence, dictionary to verdict", round(took_s, 2), "s", at_most=10),
        Figure("  times real time", round(result.duration_s / took_s), "x"),
    ]


if __name__ == "__main__":
    sys.exit(run_alone("rehearsal", TITLE, figures))
