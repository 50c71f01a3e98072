"""The board is asked what its structures are now: intervals change by command and with the mode."""

from __future__ import annotations

from ..client.ground import Ground

_DESCRIBE = "core.describe_reports"


def ask_structures(ground: Ground) -> None:
    """Ask for 3/10 of every structure of the dictionary; the reports come to whoever listens.

    Raises CommandFailedError, MismatchError, NoAnswerError.
    """
    group = ground.dictionary.command(_DESCRIBE).group
    assert group is not None
    sids = [row.sid for row in ground.dictionary.housekeeping.values()]
    for start in range(0, len(sids), group.most):
        ground.request(_DESCRIBE, items=[{"sid": sid} for sid in sids[start : start + group.most]]).check()
