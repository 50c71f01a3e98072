"""What a thermal unit is to the apps, and the one that is not there. Commands are desired states, as in power.py."""

from micropython import const

from .reading import Errors, Source, readings

ZONES = const(8)
SENSORS_PER_ZONE = const(3)
CHANNELS = const(24)
HEATERS = const(8)

# Bits of `status`.
SUPPLY_PRESENT = const(1)  # the power unit's heater supply is on
LINK_TIMEOUT = const(2)  # the unit has missed us


class ThermalUnit(Source):
    """Interface and null unit: no reading is ever valid, commands are kept and go nowhere.

    temperature_c: 24 Readings, zone * 3 + sensor. heater_a: mean current of each heater output. heater_on: bit i =
    output i carries current. unit_c, status, link_ok, updates, restarts, errors: as in PowerUnit. duty: wanted, 0..1;
    enable: wanted, bit i = output i is armed.
    """

    def __init__(self) -> None:
        super().__init__()
        made = readings(CHANNELS + HEATERS + 1, self)
        self.temperature_c = made[:CHANNELS]
        self.heater_a = made[CHANNELS : CHANNELS + HEATERS]
        self.unit_c = made[CHANNELS + HEATERS]
        self.all = made
        self.status = 0
        self.heater_on = 0
        self.link_ok = False
        self.updates = 0
        self.restarts = 0
        self.errors = Errors()
        self.duty = [0.0] * HEATERS
        self.enable = 0

    def set_duty(self, heater: int, duty: float) -> None:
        """Let output *heater* (0..7) be on for this share of the time, 0..1; what is outside is cut."""
        self.duty[heater] = 0.0 if not duty > 0.0 else 1.0 if duty > 1.0 else duty

    def set_enable(self, heater: int, on: bool) -> None:
        """Arm output *heater*; disarmed it stays off even when its modulating switch has failed closed."""
        if on:
            self.enable |= 1 << heater
        else:
            self.enable &= ~(1 << heater)

    def step(self, elapsed_s: int) -> None:
        """Time goes on by *elapsed_s*: readings age, the next transactions start. At 1 Hz, before the apps."""
