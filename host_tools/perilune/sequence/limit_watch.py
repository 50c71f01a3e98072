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
                    self._note(key, trip, float(point.engineering(raw)), now_s, point.unit, point.yellow or point.red)
                elif trip is not None:
                    self._closed.append(msgspec.structs.replace(self._open.pop(key), until_s=round(now_s, 1)))

    def _note(
        self,
        key: tuple[str, str],
        trip: LimitTrip | None,
        value: float,
        now_s: float,
        unit: str,
        limits: tuple[float, float] | None,
    ) -> None:
        if trip is None:
            self._open[key] = LimitTrip(key[0], key[1], round(now_s, 1), None, value, unit)
            return
        assert limits is not None  # a point without limits is never out of them
        middle = (limits[0] + limits[1]) / 2
        if abs(value - middle) > abs(trip.worst - middle):
            self._open[key] = msgspec.structs.replace(trip, worst=value)

    def trips(self) -> list[LimitTrip]:
        """All, in the order of their beginning."""
        return sorted([*self._closed, *self._open.values()], key=lambda trip: (trip.from_s, trip.point))
