"""The reference payload with the heap locked: a program for MicroPython, run by tests/system/test_payload_heap.py.

Both units answer on the bus out of memory prepared before; a day passes into night and back, with commands, trips and a
silent unit. An allocation anywhere ends the program with MemoryError. Prints what has come to pass.
"""

import gc

import mission_apps
import mission_ids
import mission_tables
from bench import empty_storage, telecommand
from flight.codec import crc16_modbus_put
from flight.hal.host import VirtualClock
from flight.hal.null import Hal, Port
from flight.topology import build
from micropython import heap_lock, heap_unlock  # type: ignore[attr-defined]

KEYS = (bytes(range(32)), bytes(range(32, 64)))
POWER, THERMAL = 0x11, 0x12
LIT, DARK = 0b1000011, 0
READ, WRITE_COILS, WRITE_REGISTERS, READ_COILS, READ_HOLDING = 4, 15, 16, 1, 3


class Units(Port):
    """Both units on the bus. status: of the power unit. silent: neither answers. seconds: of their uptime."""

    def __init__(self):
        self.answer = bytearray(256)
        self.at = 0
        self.end = 0
        self.status = LIT
        self.silent = False
        self.seconds = 100
        self.inputs = {POWER: [0] * 28, THERMAL: [0] * 38}
        power = self.inputs[POWER]
        power[0] = 1
        for place, raw in ((4, 28000), (5, 200), (6, 40000), (7, 500), (8, 28000), (10, 31000), (11, 1000)):
            power[place] = raw
        for place in (12, 13, 14, 15):
            power[place] = 800
        power[24] = 1
        thermal = self.inputs[THERMAL]
        thermal[0] = 1
        thermal[1] = 1
        for place in range(12, 38):
            thermal[place] = 700
        # What the units hold, as it was written last: registers and coils, octet by octet.
        self.holding = {POWER: bytearray(64), THERMAL: bytearray(64)}
        self.coils = {POWER: bytearray(4), THERMAL: bytearray(4)}

    def write(self, buffer, start=0, end=-1):
        if self.silent:
            return True
        slave = buffer[start]
        function = buffer[start + 1]
        address = buffer[start + 2] << 8 | buffer[start + 3]
        count = buffer[start + 4] << 8 | buffer[start + 5]
        answer = self.answer
        answer[0] = slave
        answer[1] = function
        size = 6
        if function == READ:
            row = self.inputs[slave]
            row[3] = self.seconds & 0x7FFF
            if slave == POWER:
                row[1] = self.status
            for k in range(count):
                answer[3 + 2 * k] = row[address + k] >> 8 & 0xFF
                answer[4 + 2 * k] = row[address + k] & 0xFF
            answer[2] = 2 * count
            size = 3 + 2 * count
        elif function == READ_HOLDING:
            for k in range(2 * count):
                answer[3 + k] = self.holding[slave][2 * address + k]
            answer[2] = 2 * count
            size = 3 + 2 * count
        elif function == READ_COILS:
            octets = (count + 7) // 8
            for k in range(octets):
                answer[3 + k] = self.coils[slave][k]
            answer[2] = octets
            size = 3 + octets
        else:
            kept = self.holding[slave] if function == WRITE_REGISTERS else self.coils[slave]
            first = 2 * address if function == WRITE_REGISTERS else address // 8
            for k in range(buffer[start + 6]):
                kept[first + k] = buffer[start + 7 + k]
            for k in range(2, 6):
                answer[k] = buffer[start + k]
        crc16_modbus_put(answer, 0, size)
        self.at = 0
        self.end = size + 2
        return True

    def read_into(self, buffer):
        count = self.end - self.at
        for k in range(count):
            buffer[k] = self.answer[self.at + k]
        self.at = self.end
        return count


class SmallClock(VirtualClock):
    """Virtual time whose sums stay small integers, also where the microseconds wrap."""

    def advance_ms(self, ms):
        while ms > 0:
            step = ms if ms < 1000 else 1000
            ms -= step
            microseconds = self.microseconds + step * 1000
            if microseconds >= 1000000:
                microseconds -= 1000000
                self.seconds += 1
            self.microseconds = microseconds
            self._ms = (self._ms + step) & 0x3FFFFFFF
            self._us -= 0x3FFFFFFF - step * 1000 + 1 if self._us > 0x3FFFFFFF - step * 1000 else -step * 1000


class Run:
    """The board, and its time."""

    def __init__(self):
        self.clock = SmallClock()
        hal = Hal()
        hal.clock = self.clock
        hal.bus = self.units = Units()
        hal.storage = empty_storage()
        self.core = build(mission_tables, mission_ids, hal, KEYS, mission_apps.APPS, mission_apps.DRIVERS)
        self.core.start()

    def seconds(self, count):
        """Let so many seconds pass."""
        executive = self.core.executive
        clock = self.clock
        end = clock.seconds + count
        while clock.seconds < end:
            clock.wait(executive.leave_out(executive.turn(), 60000))
            self.units.seconds = 100 + clock.seconds

    def execute(self, packet):
        return self.core.router.execute(packet, 0, len(packet))


def function(number, data=b""):
    return bytearray(telecommand(8, 1, bytes((number >> 8, number & 0xFF)) + data))


def main():
    ids = mission_ids
    load_on = function(ids.FUNCTION_POWER_LOAD_ON, b"\x02")
    setpoint = function(ids.FUNCTION_THERMAL_SET_SETPOINT, b"\x02\x41\x40\x00\x00")
    # An hour before sunset: hour angle 89.5 degrees.
    sun = function(ids.FUNCTION_NIGHT_SET_SOLAR_TIME, b"\x00\x00\x00\x00\x42\xb3\x00\x00")
    wake = function(ids.FUNCTION_NIGHT_WAKE_UP)
    ping = bytearray(telecommand(17, 1))
    run = Run()
    core = run.core
    run.seconds(30)
    gc.collect()
    done = [0] * 8
    heap_lock()
    try:
        done[0] = run.execute(load_on)
        done[1] = run.execute(setpoint)
        done[2] = run.execute(sun)
        run.seconds(1200)
        run.units.inputs[POWER][25] = 4  # the instrument's trip
        run.seconds(300)
        run.units.inputs[POWER][25] = 0
        run.seconds(2400)
        run.units.status = DARK
        run.units.inputs[POWER][11] = 65336  # -0.2 A
        run.seconds(600)
        done[3] = core.modes.mode
        done[4] = run.execute(wake)
        run.seconds(900)
        run.units.silent = True
        run.seconds(600)
        run.units.silent = False
        run.units.inputs[THERMAL][20] = 32767  # an open sensor
        run.seconds(1200)
        run.units.status = LIT
        run.seconds(5400)
        done[5] = run.execute(ping)
    finally:
        heap_unlock()
    print("done", done, "mode", core.modes.mode, "events", core.events.raised, "drops", core.drops.total)
    print("replies", core.devices.power.errors.replies, core.devices.thermal.errors.replies)


main()
