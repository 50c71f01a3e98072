"""What the tasks of the 1 Hz group tell of themselves, so that virtual time can leave seconds out (coast.py).

A second can be left out when every task would do nothing but count, or say again what is so: what it says is then said
by the next second that is run, and coast.py sees to it that one is before anybody reads it. A task that is not named
here, or a board that has others, is never left out.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flight.app.power import Power
from flight.device.devices import Devices
from flight.device.modbus_unit import UnitLink
from flight.device.power_unit import ModbusPowerUnit
from flight.device.reading import AGE_MAX_S
from flight.device.thermal_unit import ModbusThermalUnit
from flight.idle import NEVER, Idler
from flight.limits import LINK_SILENT_S, NUMBERS_AHEAD, PARAMETERS_COMPARED, TIME_REPORT_OFF
from flight.modes import _AGE_STEP_S, Modes
from flight.service.core_points import CorePoints
from flight.service.monitoring import Monitoring
from flight.service.persistence import KeptNumbers, StorageState
from flight.service.schedule import Schedule
from flight.service.self_check import SelfCheck
from flight.service.sequencing import Sequencing
from flight.service.time_management import TimeManagement
from flight.tables import PARAMETER_INDEX
from flight.topology import Core

# Where `cycles` stands in an Idler, seconds are meant here.


class _Teller(Idler):
    """Says what is so, and nothing else."""

    def idle_cycles(self) -> int:
        return NEVER


class _Devices(Idler):
    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._units = [(unit, unit._link) for unit in devices._units]
        self._values = devices.values

    def idle_cycles(self) -> int:
        seconds = self._devices._publish_in_s - 1
        for unit, link in self._units:
            if getattr(unit, "_clear_wanted", 0) or not self._is_told(link):
                return 0
            seconds = min(seconds, link._next_s - 1, link._verify_s - 1)
            if unit.link_ok:
                seconds = min(seconds, int(self._values[link._stale]) - unit.age_s)
        return seconds

    @staticmethod
    def _is_told(link: UnitLink) -> bool:
        return link._coils_held and all(told.held for told in link.told if told.known)

    def leave_out(self, cycles: int) -> None:
        self._devices._publish_in_s -= cycles
        for unit, link in self._units:
            unit.age_s = min(unit.age_s + cycles, AGE_MAX_S)
            link._next_s -= cycles
            link._verify_s -= cycles


class _Power(Idler):
    def __init__(self, app: Power) -> None:
        self._app = app

    def idle_cycles(self) -> int:
        app = self._app
        unit = app._unit
        return NEVER if app._started and app._link == 1 and unit.link_ok and unit.updates == app._seen else 0

    def leave_out(self, cycles: int) -> None:
        app = self._app
        app._silent_s += cycles * ((int(app._values[app._scale]) or 1) if app._scale >= 0 else 1)
        app._first_s = max(app._first_s - cycles, 0)


class _Time(Idler):
    def __init__(self, service: TimeManagement) -> None:
        self._service = service

    def idle_cycles(self) -> int:
        return NEVER if self._service.exponent == TIME_REPORT_OFF else 0


class _Modes(Idler):
    def __init__(self, modes: Modes, core: Core) -> None:
        self._modes = modes
        self._uplink = core.uplink
        self._clock = core.hal.clock
        self._uptime = [0, 0]

    def idle_cycles(self) -> int:
        modes = self._modes
        if self._uplink.frames_ad != modes._frames_ad or self._uplink.frames_bd != modes._frames_bd:
            return 0
        self._clock.uptime(self._uptime)
        # The next second may be told by a number that is one more.
        now_s = self._uptime[0] + 1
        seconds = modes._aged_s + _AGE_STEP_S - now_s if modes._count else NEVER
        limit_s = modes._watches()
        return min(seconds, modes._heard_s + limit_s - now_s) if limit_s else seconds


class _Numbers(Idler):
    def __init__(self, numbers: KeptNumbers) -> None:
        self._numbers = numbers

    def idle_cycles(self) -> int:
        for association in self._numbers.pair:
            high = association.kept_high - association.number_high
            left = (high << 16) + association.kept_low - association.number_low
            if high <= 1 and 0 < left < NUMBERS_AHEAD // 2:
                return 0
        return NEVER


class _SelfCheck(Idler):
    """Octets leave in every second of a board in virtual time (the CLCW); what it vouches for is coast.py's."""

    def __init__(self, core: Core) -> None:
        assert LINK_SILENT_S > 1
        self._parameters = parameters = core.parameters
        self._values = core.values
        self._pick = itemgetter(*(row[PARAMETER_INDEX] for row in parameters._rows))

    def idle_cycles(self) -> int:
        second = self._parameters._second
        return NEVER if second == self._parameters._third and list(self._pick(self._values)) == second else 0

    def leave_out(self, cycles: int) -> None:
        parameters = self._parameters
        parameters._next = (parameters._next + cycles * PARAMETERS_COMPARED) % len(parameters._rows)


def second_idlers(core: Core) -> list[Idler] | None:
    """For each task of the 1 Hz group of a board that is made; None when one tells nothing of itself."""
    idlers = []
    for task in core.executive.groups[1].tasks:
        idler = _idler(task.__self__, core)
        if idler is None:
            return None
        idlers.append(idler)
    return idlers


def _idler(owner: Any, core: Core) -> Idler | None:
    match owner:
        case Devices() if all(isinstance(unit, ModbusPowerUnit | ModbusThermalUnit) for unit in owner._units):
            return _Devices(owner)
        case Power():
            return _Power(owner)
        case TimeManagement():
            return _Time(owner)
        case Modes():
            return _Modes(owner, core)
        case KeptNumbers():
            return _Numbers(owner)
        case SelfCheck():
            return _SelfCheck(core)
        case Schedule() | Monitoring() | Sequencing() | StorageState() | CorePoints():
            return _Teller()
    return None
