"""Every key of the store in flight/limits.py is a row of SPEC.md section 15, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

from flight import limits

SPEC = Path(__file__).resolve().parents[2] / "firmware" / "SPEC.md"


def test_specification_has_the_first_key_of_every_record() -> None:
    section = SPEC.read_text().split("| key | record |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| (\d+)(?:(?:, |–)(\d+))? \|", section, re.MULTILINE)
    keys = {int(first) for first, _ in rows} | {limits.STORE_NIGHT}
    assert ("16", str(limits.STORE_NIGHT)) in rows
    assert keys == {value for name, value in vars(limits).items() if name.startswith("STORE_")}
