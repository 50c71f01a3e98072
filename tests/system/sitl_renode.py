"""The keyword library of renode-test on a board in this process, which does what Renode's monitor is told.

It can be deaf to commands: a test that passes then as well does not look at what it seems to.
"""

from __future__ import annotations

import time

from robot.api.deco import keyword, library

from hil.robot.payload import Payload
from hil.targets.parts import CHANNELS, FULL_SCALE

# As hil/renode_parts/parts.resc has it.
MILD_DAY = {"bus": (28.5, 1.25), "array": (30.0, 2.0), "feed": (28.0, 0.5), "battery": (29.0, 0.75)}


@library(scope="TEST")
class SitlRenode(Payload):
    """As `RenodePayload`. bench: of the target sitl. deaf: parts of commands that are not obeyed."""

    def __init__(self, bench: str, *deaf: str) -> None:
        super().__init__(bench)
        self._deaf = deaf

    @keyword
    def boot_payload(self) -> None:
        """And it is a mild day where the board has parts."""
        super().boot_payload()
        self._lines = dict(MILD_DAY)
        if self.target.can("parts"):
            for name, (volts, amperes) in self._lines.items():
                self.target.parts.set_line(name, volts, amperes)
            for number in range(3):
                self.target.parts.set_temperature(f"battery_{number}", 22.0)

    @keyword
    def let_renode_run_for(self, duration: str) -> None:
        """Time of the board."""
        if self._hears("RunFor"):
            self.let_time_pass(duration)

    @keyword
    def execute_command(self, command: str) -> str:
        """Of the monitor."""
        if command == "emulation GetTimeSourceInfo":
            now_s, host_s = self.target.now_s(), time.monotonic()
            return f"Elapsed Virtual Time: {clock(now_s)}\nElapsed Host Time: {clock(host_s)}\nQuantum: {clock(0.0001)}"
        if self._hears(command):
            self._obey(command.split())
        return ""

    def _hears(self, command: str) -> bool:
        return not any(part in command for part in self._deaf)

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["machine", "Reset"]:
                self.target.reset()
            case ["sysbus.adc1", "FeedSample", raw, channel, "-1"]:
                [pin] = [pin for pin, number in CHANNELS.items() if number == int(channel)]
                self.target.parts.set_analogue(pin, int(raw) / FULL_SCALE)
            case [device, "Temperature", celsius]:
                self.target.parts.set_temperature(device.removeprefix("sysbus.i2c1."), float(celsius))
            case [device, "Voltage" | "Current" as what, value]:
                name = device.removeprefix("sysbus.i2c1.")
                volts, amperes = self._lines[name]
                self._lines[name] = (float(value), amperes) if what == "Voltage" else (volts, float(value))
                self.target.parts.set_line(name, *self._lines[name])
            case _:
                raise AssertionError(f"no such command: {' '.join(words)}")


def clock(seconds: float) -> str:
    """As Renode shows it: hours, minutes, seconds and nine decimals."""
    minutes, left_s = divmod(seconds, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{left_s:012.9f}"
