"""Points of the rehearsed board against their yellow and red limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..dictionary.model import Dictionary
from .rehearsal import LimitTrip

if TYPE_CHECKING:
    from hil.closed_loop import ClosedLoop


class LimitWatch:
    """Points against their yellow and red limits, looked at now and then."""

    def __init__(self, loop: ClosedLoop, dictionary: Dictionary) -> None:
        self._loop = loop
        self._points = [point for point in dictionary.points.values() if point.yellow or point.red]
        self._open: dict[tuple[str, str], LimitTrip] = {}
        self._closed: list[LimitTrip] = []
        self._validity = {
            point.name: dictionary.points[name].index
            for point in self._points
            if (name := f"{point.name.removesuffix('_c')}_valid") in dictionary.points
        }

    def look(self, now_s: float) -> None:
        """Every point now."""
        values = self._loop.board.core.values
        for point in self._points:
            raw = values[point.index]
            state = point.state(raw)
            valid = self._validity.get(point.name)
            if valid is not None and not values[valid]:
                state = "ok"
            for kind in ("yellow", "red"):
                key = point.name, kind
                trip = self._open.get(key)
                if state == kind:
                    limits = point.red if kind == "red" else point.yellow
                    assert limits is not None  # a state is that of limits that are there
                    self._note(key, trip, float(point.engineering(raw)), limits, now_s, point.unit)
                elif trip is not None:
                    self._closed.append(msgspec.structs.replace(self._open.pop(key), until_s=round(now_s, 1)))

    def _note(
        self,
        key: tuple[str, str],
        trip: LimitTrip | None,
        value: float,
        limits: tuple[float, float],
        now_s: float,
        unit: str,
    ) -> None:
        excess = max(limits[0] - value, value - limits[1])
        if trip is None:
            self._open[key] = LimitTrip(key[0], key[1], round(now_s, 1), None, value, excess, unit)
        elif excess > trip.excess:
            self._open[key] = msgspec.structs.replace(trip, worst=value, excess=excess)

    def trips(self) -> list[LimitTrip]:
        """All, in the order of their beginning."""
        return sorted([*self._closed, *self._open.values()], key=lambda trip: (trip.from_s, trip.point))
