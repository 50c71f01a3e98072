"""An app that misbehaves: raises, hangs, overruns its rate group, leaks memory, floods events."""

from flight.app.base import App
from micropython import const

_RAISE = const(1)
_HANG = const(2)
_OVERRUN = const(3)
_LEAK = const(4)
_FLOOD = const(5)
_LEAK_SLOWLY = const(6)
_OVERRUN_US = const(40_000)
_LEAK_OCTETS = const(4096)
_SLOW_LEAK_OCTETS = const(16)
_FLOODED = const(50)  # events at each step


class Unruly(App):
    """Parameters say what it does."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        super().__init__(core)
        ids = core.ids
        self._values = core.values
        self._clock = core.hal.clock
        self._steps = core.supply(ids.UNRULY_STEPS)
        self._now = core.index(ids.UNRULY_NOW)
        self._always = core.index(ids.UNRULY_ALWAYS)
        self._event = ids.EVENT_UNRULY_NOISE
        self._kept: list[bytearray] = []
        self._told = 0

    def step_1hz(self) -> None:
        values = self._values
        values[self._steps] = (values[self._steps] + 1) & 0xFFFF
        deed = values[self._now] or values[self._always]
        if deed != self._told:
            # With the next step: first the report leaves that it was told.
            self._told = deed
            return
        if deed == _RAISE:
            raise ValueError("unruly")
        if deed == _HANG:
            while True:
                pass
        if deed == _OVERRUN:
            begin_us = self._clock.ticks_us()
            while (self._clock.ticks_us() - begin_us) & 0x3FFFFFFF < _OVERRUN_US:
                pass
        if deed == _LEAK:
            self._kept.append(bytearray(_LEAK_OCTETS))
        if deed == _LEAK_SLOWLY:
            self._kept.append(bytearray(_SLOW_LEAK_OCTETS))
        if deed == _FLOOD:
            for number in range(_FLOODED):
                self.core.events.raise_(self._event, number)
