"""Emulators that a run must not go without.

Where an emulator is missing its tests are left out, with one line that says so. A machine that has it for their sake,
as that of CI, sets PERILUNE_REQUIRE=renode (or qemu, or both with a comma): there they fail.
"""

from __future__ import annotations

import os

from .errors import TargetError

VARIABLE = "PERILUNE_REQUIRE"
EMULATORS = ("qemu", "renode")


def is_required(kind: str) -> bool:
    """Must tests on targets of a kind fail where its emulator is missing? Raises TargetError for an unknown name."""
    wanted = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    if unknown := sorted(set(wanted) - set(EMULATORS)):
        raise TargetError(f"{VARIABLE}: expected {', '.join(EMULATORS)}, found {', '.join(unknown)}")
    return kind in wanted
