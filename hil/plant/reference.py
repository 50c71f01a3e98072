"""A reference controller: shows that the payload can live through a lunation, by what the units offer and nothing else.

It is a proof of the plant's sizing and an example of a master. It is not the flight software and shares nothing with
it.

Rules: heaters by PI on the median of a zone's sensors, set-points by day, night and dawn; the charger only between 1
and 43 degC of the battery; loads by day in turns, at night only short wake-ups; the payload rests while the
electronics are hot.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from hil.plant.master import Master
from hil.plant.plant import Plant

# Set-points in degC by zone.
DAY = {"electronics": 0.0, "battery": 4.0, "instrument": -5.0, "radio": -5.0, "mast": -30.0}
NIGHT = {"electronics": -18.0, "battery": -4.0, "instrument": -25.0, "radio": -25.0, "mast": -60.0}
PROPORTIONAL_PER_K = 0.25
INTEGRAL_PER_K_S = 0.25 / 7200.0
CHARGE_ABOVE_C, CHARGE_BELOW_C = 1.0, 43.0
HOT_ELECTRONICS_C = 45.0
HOT_MAST_C = 50.0
# Work by day: so long in every period; wake-ups at night.
DAY_PERIOD_S, DAY_WORK_S = 7200.0, 3600.0
NIGHT_PERIOD_S, NIGHT_WORK_S = 6 * 3600.0, 300.0
LOADS = ("heater_supply", "radio", "instrument", "camera", "recorder", "mechanism", "beacon", "spare")


@dataclass
class _Zone:
    index: int
    heater: int
    integral: float = 0.0


@dataclass
class ReferenceController:
    """Controls a plant over its bus. Call `cycle` every `period_s` of plant time; `mode` says what it thinks it is."""

    plant: Plant
    period_s: float = 60.0
    mode: str = "DAY"
    mode_history: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        transact = self.plant.bus.transact
        self._power = Master(transact, self.plant.power_map)
        self._thermal = Master(transact, self.plant.thermal_map)
        self._zones = {z.name: _Zone(z.index, z.heater) for z in self.plant.thermal_map.zones if z.heater is not None}
        self._written: dict[str, list[float]] = {}
        self._write(self._thermal, "heater_enable", [1.0] * 8)

    def run(self, seconds: float) -> None:
        """Advance the plant and control it for a time."""
        for _ in range(round(seconds / self.period_s)):
            self.cycle()
            self.plant.advance(self.period_s)

    def cycle(self) -> None:
        """Read both units, decide, write what changed."""
        power, thermal = self._power.read_all(), self._thermal.read_all()
        temperatures = {name: self._median(thermal["temperature"], zone.index) for name, zone in self._zones.items()}
        battery_c = temperatures["battery"]
        lit = int(power["status"][0] or 0) & 0b11 != 0
        self._set_mode(lit)
        setpoints = DAY if self.mode == "DAY" else NIGHT
        duty = [0.0] * 8
        for name, zone in self._zones.items():
            duty[zone.heater] = self._pi(zone, setpoints[name] - temperatures[name])
        self._write(self._thermal, "heater_duty", duty)
        self._write(self._power, "charger_enable", [float(lit and CHARGE_ABOVE_C < battery_c < CHARGE_BELOW_C)])
        self._write(self._power, "load_command", self._loads(temperatures))

    def _set_mode(self, lit: bool) -> None:
        mode = "DAY" if lit else "NIGHT"
        if mode != self.mode or not self.mode_history:
            self.mode = mode
            self.mode_history.append((self.plant.now_s, mode))

    def _pi(self, zone: _Zone, error: float) -> float:
        zone.integral = min(1.0, max(0.0, zone.integral + INTEGRAL_PER_K_S * self.period_s * error))
        return min(1.0, max(0.0, PROPORTIONAL_PER_K * error + zone.integral))

    def _loads(self, temperatures: dict[str, float]) -> list[float]:
        now = self.plant.now_s
        on = {"heater_supply"}
        if self.mode == "DAY" and temperatures["electronics"] < HOT_ELECTRONICS_C:
            on.add("recorder")
            if now % DAY_PERIOD_S < DAY_WORK_S:
                on |= {"radio", "instrument"}
                if temperatures["mast"] < HOT_MAST_C:
                    on.add("camera")
        elif self.mode == "NIGHT" and now % NIGHT_PERIOD_S < NIGHT_WORK_S:
            on.add("radio")
        return [float(name in on) for name in LOADS]

    def _write(self, master: Master, name: str, values: list[float]) -> None:
        if self._written.get(name) != values:
            master.write(name, values)
            self._written[name] = values

    @staticmethod
    def _median(channels: list[float | None], zone: int) -> float:
        return statistics.median(t for t in channels[3 * zone : 3 * zone + 3] if t is not None)
