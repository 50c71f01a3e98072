"""W-110: the drop reasons of flight/errors.py are the table of SPEC.md section 13, number for number."""

from __future__ import annotations

import re
from pathlib import Path

from flight import errors

SPEC = Path(__file__).resolve().parents[2] / "firmware" / "SPEC.md"
NOT_REASONS = {"OK", "REASONS"}


def section() -> str:
    return SPEC.read_text().split("## 13. Drop reasons", 1)[1].split("\n## ", 1)[0]


def spec_reasons() -> dict[str, int]:
    rows = re.findall(r"(0x[0-9A-F]{2}) \| `(\w+)`", section())
    assert len(rows) > 50
    assert len({number for number, _ in rows}) == len(rows), "a number stands twice"
    return {name: int(number, 16) for number, name in rows}


def test_w110_flight_and_specification_agree() -> None:
    flight = {name.lower(): value for name, value in vars(errors).items() if name.isupper() and name not in NOT_REASONS}
    assert flight == spec_reasons()


def test_w110_every_reason_has_a_counter() -> None:
    """What the table calls no drop has its counter only."""
    no_drops = {int(number, 16) for number in re.findall(r"(0x[0-9A-F]{2}) \| `\w+` \(no drop\)", section())}
    assert no_drops == {errors.PACKET_IDLE, errors.MESSAGE_TYPES_FULL}
    drops = errors.DropCounters()
    total, last = 0, errors.OK
    for reason in sorted(spec_reasons().values()):
        if reason not in no_drops:
            total, last = total + 1, reason
        assert drops.count(reason) == reason
        assert (drops.counts[reason], drops.total, drops.last) == (1, total, last)
