"""The board's last housekeeping as the start of a rehearsal: from the archive, or as it comes now."""

from __future__ import annotations

import datetime
from pathlib import Path

from ..client.ground import Ground
from ..dictionary.model import Dictionary, Number
from ..errors import PeriluneError
from ..telemetry.onboard_time import OnboardTime
from .start_state import StartState, from_housekeeping


class LastValuesError(PeriluneError):
    """No housekeeping to start from."""


def live_state(ground: Ground, listen_s: float, base: StartState) -> StartState:
    """Listen for so long (every structure should come once), then what the board has said."""
    ground.run(listen_s)
    if not ground.values:
        raise LastValuesError(
            "no housekeeping came", expected=f"some within {listen_s:g} s", next_step="look at `perilune link`"
        )
    values = {name: latest.value.engineering for name, latest in ground.values.items()}
    newest = max(latest.time for latest in ground.values.values())
    return from_housekeeping(values, ground.dictionary, _utc(newest), "the board's housekeeping of now", base)


def archived_state(path: Path, dictionary: Dictionary, base: StartState) -> StartState:
    """The last value of every parameter in an archive. Raises ArchiveError, LastValuesError."""
    from ..archive.reader import ArchiveReader  # noqa: PLC0415  # NumPy, only where an archive is asked

    values: dict[str, Number] = {}
    newest_us = newest_onboard_us = -1
    with ArchiveReader(path) as archive:
        last_us = archive.span()[1] or 0
        for row in archive.parameters():
            if row.name not in dictionary.points:
                continue
            series = archive.values(row.name, last_us - _SPAN_US)
            if len(series):
                values[row.name] = series.engineering[-1].item()
                if int(series.received_us[-1]) > newest_us:
                    newest_us = int(series.received_us[-1])
                    newest_onboard_us = int(series.onboard_us[-1])
    if not values:
        raise LastValuesError(f"{path} has no housekeeping", next_step="fill it with `perilune link --archive`")
    onboard = datetime.datetime.fromtimestamp(newest_onboard_us / 1e6, datetime.UTC)
    received = datetime.datetime.fromtimestamp(newest_us / 1e6, datetime.UTC)
    # A board whose clock nobody has set counts from its start.
    utc = onboard if onboard.year >= _SET_YEAR else received
    source = f"{path}, received until {received:%Y-%m-%dT%H:%M:%SZ}"
    return from_housekeeping(values, dictionary, f"{utc:%Y-%jT%H:%M:%S}", source, base)


_SET_YEAR = 2021
# What was said longer before the end of the archive is of another state.
_SPAN_US = 6 * 3600 * 1_000_000


def _utc(moment: OnboardTime) -> str | None:
    return f"{moment.utc:%Y-%jT%H:%M:%S}" if moment.is_set else None
