"""What the demo holds itself to: checks with what was expected and what was found."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One check. ok: it holds."""

    name: str
    expected: str
    found: str
    ok: bool

    @property
    def line(self) -> str:
        """For people."""
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.name}: {self.found}" + (
            "" if self.ok else f" (expected {self.expected})"
        )


class Watch:
    """True values of the plant, looked at again and again: what was worst."""

    def __init__(self, limits: dict[str, tuple[float, float]]) -> None:
        self._limits = limits
        self.outside: dict[str, float] = {}
        self.coldest_charge_c = 100.0
        self.least_soc = 1.0
        self.most: dict[str, float] = {}

    def look(self, truth: dict[str, float]) -> None:
        """A new set of values."""
        for zone, (low, high) in self._limits.items():
            celsius = truth[f"{zone}_c"]
            if not low <= celsius <= high:
                self.outside[zone] = celsius
        if truth["battery_in_w"] > 0.5:
            self.coldest_charge_c = min(self.coldest_charge_c, truth["battery_c"])
        self.least_soc = min(self.least_soc, truth["soc"])
        for name, value in truth.items():
            self.most[name] = max(value, self.most.get(name, value))

    def findings(self) -> list[Finding]:
        """What is true of the payload, whatever the board says."""
        outside = ", ".join(f"{zone} {celsius:.1f} degC" for zone, celsius in self.outside.items())
        return [
            Finding("all zones within their limits", "none outside", outside or "none outside", not self.outside),
            Finding(
                "battery not charged below 0 degC",
                "never",
                "never" if self.coldest_charge_c >= 0 else f"at {self.coldest_charge_c:.1f} degC",
                self.coldest_charge_c >= 0,
            ),
            Finding("battery well filled", "above 80 %", f"at least {self.least_soc:.0%}", self.least_soc > 0.8),
            Finding(
                "instrument drew power",
                "more than 1 W",
                f"{self.most.get('load_instrument_w', 0.0):.1f} W",
                self.most.get("load_instrument_w", 0.0) > 1.0,
            ),
        ]
