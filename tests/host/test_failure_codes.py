"""The failure codes of firmware/SPEC.md section 14 are those of the flight code, and no number stands twice."""

from __future__ import annotations

import re
from pathlib import Path

from flight import errors
from flight.service import failure

SPEC = Path(__file__).resolve().parents[2] / "firmware" / "SPEC.md"
ROW = re.compile(r"^\| (0x[0-9A-F]{2}) \| `([A-Z_]+)` \|", re.MULTILINE)


def test_spec_and_code_have_the_same_numbers() -> None:
    written = {name: int(number, 16) for number, name in ROW.findall(SPEC.read_text(encoding="utf-8"))}
    coded = {name: value for name, value in vars(failure).items() if name.isupper() and 0x80 <= value < failure.APP}
    assert len(coded) > 20
    assert written == coded
    assert len(set(coded.values())) == len(coded)


def test_drop_reasons_stay_below_them() -> None:
    assert min(value for name, value in vars(failure).items() if name.isupper() and value > 0) >= errors.REASONS
