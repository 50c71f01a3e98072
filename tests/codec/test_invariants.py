"""Every invariant of SPEC.md is named by at least one test, and no test names one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = (ROOT / "firmware" / "SPEC.md").read_text(encoding="utf-8")
DEFINED = re.findall(r"^- \*\*W-(\d{3})\*\*", SPEC, flags=re.MULTILINE)
# "W-012" in a row of data or a comment, "w012" in the name of a test.
NAMED = re.compile(r"\bW-(\d{3})\b|_w(\d{3})(?=_|\b)")


def named() -> dict[str, list[str]]:
    """Invariants that test files name, and where."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path == Path(__file__):
            continue
        for match in NAMED.finditer(path.read_text(encoding="utf-8")):
            found.setdefault(match[1] or match[2], []).append(path.name)
    return found


def test_no_number_stands_twice() -> None:
    assert len(DEFINED) > 50
    assert sorted(set(DEFINED)) == sorted(DEFINED)


@pytest.mark.parametrize("number", DEFINED)
def test_invariant_is_named_by_a_test(number: str) -> None:
    assert number in named(), f"no test names W-{number}"


def test_tests_name_no_other() -> None:
    assert sorted(set(named()) - set(DEFINED)) == []
