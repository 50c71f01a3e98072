"""The board's own parts against their data sheets, and the units made of them. Registers are octets by hand."""

import unittest

from flight.device.heater_switch import HeaterSwitch
from flight.device.ina226 import Ina226
from flight.device.parts_power import PartsPowerUnit
from flight.device.parts_thermal import PartsThermalUnit
from flight.device.power import ARRAY_PRODUCING, CHARGING, FEED_PRESENT
from flight.device.thermistor import Thermistor
from flight.device.tmp117 import Tmp117
from flight.hal.host import HostHal, MemoryAdc, MemoryI2c, MemoryOutput, MemoryPort, MemoryStorage, VirtualClock
from heap import needs_heap_lock, run_locked

# Thermistor of 10 kohm, curve 3A1.
NTC = (10000.0, 1.129241e-3, 2.341077e-4, 8.775468e-8)
SETTINGS = {
    "STALE_S": 60,
    "SHUNT_BUS_OHM": 0.01,
    "SHUNT_ARRAY_OHM": 0.01,
    "SHUNT_FEED_OHM": 0.01,
    "SHUNT_BATTERY_OHM": 0.005,
    "SHUNT_LOAD_OHM": 0.05,
    "NTC_RESISTOR_OHM": NTC[0],
    "NTC_A": NTC[1],
    "NTC_B": NTC[2],
    "NTC_C": NTC[3],
    "HEATER_MIN_ON_S": 10,
    "HEATER_MIN_OFF_S": 10,
}
POWER = (
    ("array", (0x41,)),
    ("battery", (0x45,)),
    ("battery_c", (0x48, 0x49)),
    ("bus", (0x40,)),
    ("charger", ("D4",)),
    ("feed", (0x44,)),
    ("i2c", (1,)),
    ("load_monitors", (0, 0x46)),
    ("loads", ("D7", "D8")),
)
THERMAL = (("heaters", ("D9",)), ("thermistors", ("", "", "", "A0", "A1")))


def register(parts, address, number, high, low):
    parts.registers[address << 8 | number] = bytearray((high, low))


def ina226(parts, address, shunt, bus):
    """A part with these octets in its registers 01 and 02."""
    register(parts, address, 0x00, 0x41, 0x27)  # as after power-on
    register(parts, address, 0x01, *shunt)
    register(parts, address, 0x02, *bus)
    register(parts, address, 0xFE, 0x54, 0x49)


def tmp117(parts, address, result):
    register(parts, address, 0x00, *result)
    register(parts, address, 0x0F, 0x01, 0x17)


class Devices:
    """What drivers see of the board's devices."""

    def __init__(self):
        self.hal = HostHal(VirtualClock(), MemoryPort(), MemoryPort(), MemoryStorage(1, 64))
        self._names = list(SETTINGS)
        self.values = [SETTINGS[name] for name in self._names]

    def parameter(self, name):
        return self._names.index(name)


class TestIna226(unittest.TestCase):
    def setUp(self):
        self.parts = MemoryI2c()
        # The data sheet's example: 10 A over 2 mohm are 20 mV = 8000 * 2.5 uV = 1F40; 11.98 V = 9584 * 1.25 mV = 2570.
        ina226(self.parts, 0x40, (0x1F, 0x40), (0x25, 0x70))
        self.part = Ina226(self.parts, 0x40)

    def test_readings(self):
        self.assertTrue(self.part.read(0.002))
        self.assertFalse(self.part.volts.valid)  # set up only now
        self.assertTrue(self.part.read(0.002))
        self.assertAlmostEqual(self.part.amperes.value, 10.0, places=4)
        self.assertAlmostEqual(self.part.volts.value, 11.98, places=4)
        self.assertTrue(self.part.volts.valid and self.part.amperes.valid)
        self.assertEqual(self.part.age_s, 0)
        # 16 averages, 1.1 ms each, continuous: 0100 010 100 100 111
        self.assertEqual(self.parts.registers[0x4000], bytearray((0x45, 0x27)))

    def test_the_current_has_a_sign(self):
        register(self.parts, 0x40, 0x01, 0xE0, 0xC0)  # -8000
        self.part.read(0.002)
        self.part.read(0.002)
        self.assertAlmostEqual(self.part.amperes.value, -10.0, places=4)

    def test_another_part_at_its_address_is_not_read(self):
        register(self.parts, 0x40, 0xFE, 0x54, 0x48)
        self.assertFalse(self.part.read(0.002))
        self.assertFalse(self.part.read(0.002))
        self.assertFalse(self.part.volts.valid)

    def test_a_part_that_fails_is_set_up_anew(self):
        self.part.read(0.002)
        self.part.read(0.002)
        self.parts.absent.append(0x40)
        self.assertFalse(self.part.read(0.002))
        self.assertFalse(self.part.amperes.valid)
        self.assertAlmostEqual(self.part.amperes.value, 10.0, places=4)
        self.parts.absent.clear()
        register(self.parts, 0x40, 0x00, 0x41, 0x27)
        self.part.read(0.002)
        self.assertTrue(self.part.read(0.002))
        self.assertEqual(self.parts.registers[0x4000], bytearray((0x45, 0x27)))


class TestTmp117(unittest.TestCase):
    def test_readings(self):
        # The data sheet's table of results.
        for octets, celsius in (
            ((0x0C, 0x80), 25.0),
            ((0x00, 0x00), 0.0),
            ((0x00, 0x01), 0.0078125),
            ((0xFF, 0xFF), -0.0078125),
            ((0xF3, 0x80), -25.0),
            ((0x7F, 0xFF), 255.9921875),
        ):
            parts = MemoryI2c()
            tmp117(parts, 0x48, octets)
            part = Tmp117(parts, 0x48)
            self.assertTrue(part.read())
            self.assertAlmostEqual(part.celsius.value, celsius, places=4)

    def test_no_reading_yet(self):
        parts = MemoryI2c()
        tmp117(parts, 0x48, (0x80, 0x00))
        part = Tmp117(parts, 0x48)
        self.assertFalse(part.read())
        self.assertFalse(part.celsius.valid)

    def test_another_part_or_none(self):
        parts = MemoryI2c()
        part = Tmp117(parts, 0x48)
        self.assertFalse(part.read())
        tmp117(parts, 0x48, (0x0C, 0x80))
        register(parts, 0x48, 0x0F, 0x01, 0x16)
        self.assertFalse(part.read())
        register(parts, 0x48, 0x0F, 0x11, 0x17)  # the upper four bits are the revision
        self.assertTrue(part.read())


class TestThermistor(unittest.TestCase):
    def test_curve(self):
        # Table of the 3A1 curve: ohms at degC.
        for ohms, celsius in ((32650.8, 0.0), (10000.0, 25.0), (3603.0, 50.0), (97083.0, -20.0)):
            adc = MemoryAdc()
            part = Thermistor(adc)
            adc.value = int(65535 * ohms / (ohms + 10000.0) + 0.5)
            self.assertTrue(part.read(*NTC))
            self.assertAlmostEqual(part.celsius.value, celsius, delta=0.1)

    def test_broken_and_shorted_wires_and_a_broken_converter(self):
        adc = MemoryAdc()
        part = Thermistor(adc)
        for value in (0, 300, 65235, 65535, -1):
            adc.value = value
            self.assertFalse(part.read(*NTC))
            self.assertFalse(part.celsius.valid)

    def test_settings_that_give_no_temperature(self):
        adc = MemoryAdc()
        adc.value = 30000
        part = Thermistor(adc)
        for ohm, a in ((NTC[0], 0.0), (NTC[0], -1e-3), (0.0, NTC[1]), (-NTC[0], NTC[1])):
            self.assertFalse(part.read(ohm, a, 0.0, 0.0))
            self.assertFalse(part.celsius.valid)
        self.assertTrue(part.read(*NTC))


class TestHeaterSwitch(unittest.TestCase):
    def history(self, duty, seconds=3600):
        output = MemoryOutput()
        switch = HeaterSwitch(output)
        switch.armed = True
        switch.duty = duty
        states = []
        for _ in range(seconds):
            switch.step(1, 10, 20)
            states.append(output.on)
        return states

    def test_the_mean_is_the_duty(self):
        for duty in (0.0, 0.01, 0.1, 0.25, 0.5, 1.0):
            states = self.history(duty)
            self.assertAlmostEqual(sum(states) / len(states), duty, delta=0.02)

    def test_shortest_times(self):
        for duty in (0.05, 0.3, 0.6, 0.9, 0.99):
            states = self.history(duty)
            runs: list[list[int]] = []
            for state in states:
                if runs and runs[-1][0] == state:
                    runs[-1][1] += 1
                else:
                    runs.append([state, 1])
            for state, length in runs[1:-1]:
                self.assertGreaterEqual(length, 10 if state else 20)

    def test_disarmed_it_is_off_at_once(self):
        output = MemoryOutput()
        switch = HeaterSwitch(output)
        switch.armed = True
        switch.duty = 1.0
        for _ in range(25):
            switch.step(1, 10, 20)
        self.assertTrue(output.on)
        switch.armed = False
        switch.step(1, 10, 20)
        self.assertFalse(output.on)


class TestPowerUnit(unittest.TestCase):
    def setUp(self):
        self.devices = Devices()
        self.parts = self.devices.hal.parts
        ina226(self.parts, 0x40, (0x0F, 0xA0), (0x57, 0x80))  # 4000: 10 mV, 1 A; 22400: 28 V
        ina226(self.parts, 0x41, (0x13, 0x88), (0x7D, 0x00))  # 5000: 12.5 mV, 1.25 A; 32000: 40 V
        ina226(self.parts, 0x44, (0x00, 0x00), (0x00, 0x00))
        ina226(self.parts, 0x45, (0xF8, 0x30), (0x5D, 0xC0))  # -2000: -5 mV, -1 A; 24000: 30 V
        ina226(self.parts, 0x46, (0x1F, 0x40), (0x57, 0x80))  # 20 mV, 0.4 A
        tmp117(self.parts, 0x48, (0x0C, 0x80))
        tmp117(self.parts, 0x49, (0xF3, 0x80))
        self.unit = PartsPowerUnit(self.devices, POWER)

    def run_s(self, seconds):
        for _ in range(seconds):
            self.unit.step(1)

    def test_readings(self):
        unit = self.unit
        self.assertFalse(unit.link_ok)
        self.run_s(6)
        self.assertTrue(unit.link_ok)
        self.assertGreater(unit.updates, 1)
        for reading, value in (
            (unit.bus_v, 28.0),
            (unit.bus_a, 1.0),
            (unit.array_v, 40.0),
            (unit.array_a, 1.25),
            (unit.feed_v, 0.0),
            (unit.battery_v, 30.0),
            (unit.battery_a, -1.0),
            (unit.battery_c[0], 25.0),
            (unit.battery_c[1], -25.0),
            (unit.load_a[1], 0.4),
        ):
            self.assertTrue(reading.valid)
            self.assertAlmostEqual(reading.value, value, places=3)
            self.assertIn(reading, unit.all)
        self.assertFalse(unit.battery_c[2].valid)
        self.assertFalse(unit.load_a[0].valid)
        self.assertEqual(unit.status, ARRAY_PRODUCING)

    def test_status(self):
        ina226(self.parts, 0x44, (0x00, 0x10), (0x57, 0x80))
        ina226(self.parts, 0x45, (0x07, 0xD0), (0x5D, 0xC0))
        register(self.parts, 0x41, 0x01, 0x00, 0x00)
        self.run_s(6)
        self.assertEqual(self.unit.status, FEED_PRESENT | CHARGING)

    def test_switches(self):
        outputs = self.devices.hal.outputs
        self.unit.set_load(1, True)
        self.unit.set_load(5, True)  # not wired
        self.unit.set_charger(True)
        self.assertEqual((outputs["D7"].on, outputs["D8"].on, outputs["D4"].on), (False, True, True))
        self.assertEqual(self.unit.load_on, 2)
        self.unit.set_load(1, False)
        self.assertFalse(outputs["D8"].on)

    def test_one_part_that_fails_costs_its_readings_alone(self):
        self.run_s(6)
        self.parts.absent.append(0x45)
        self.run_s(70)
        self.assertFalse(self.unit.battery_v.valid)
        self.assertGreater(self.unit.battery_v.age_s, 60)
        self.assertTrue(self.unit.bus_v.valid and self.unit.link_ok)
        self.assertGreater(self.unit.errors.timeouts, 10)

    def test_a_dead_bus(self):
        self.run_s(6)
        self.parts.absent.extend((0x40, 0x41, 0x44, 0x45, 0x46, 0x48, 0x49))
        self.run_s(70)
        self.assertFalse(self.unit.link_ok)
        self.assertFalse(self.unit.bus_v.valid)
        self.assertGreater(self.unit.errors.failures, 10)


class TestThermalUnit(unittest.TestCase):
    def setUp(self):
        self.devices = Devices()
        self.unit = PartsThermalUnit(self.devices, THERMAL)
        self.devices.hal.adcs["A0"].value = 32768  # as many ohms as the resistor: 25 degC
        self.devices.hal.adcs["A1"].value = 65535

    def test_readings(self):
        self.unit.step(1)
        self.assertTrue(self.unit.link_ok)
        channels = self.unit.temperature_c
        self.assertTrue(channels[3].valid)
        self.assertAlmostEqual(channels[3].value, 25.0, delta=0.01)
        self.assertFalse(channels[4].valid or channels[0].valid or channels[23].valid)
        self.devices.hal.adcs["A0"].value = 0
        self.unit.step(1)
        self.assertFalse(self.unit.link_ok)

    def test_heaters(self):
        output = self.devices.hal.outputs["D9"]
        self.unit.set_duty(0, 1.5)
        self.unit.set_duty(3, 1.0)  # not wired
        for _ in range(20):
            self.unit.step(1)
        self.assertFalse(output.on)
        self.unit.set_enable(0, True)
        for _ in range(20):
            self.unit.step(1)
        self.assertTrue(output.on)
        self.assertEqual(self.unit.heater_on, 1)
        self.unit.set_enable(0, False)
        self.unit.step(1)
        self.assertEqual((output.on, self.unit.heater_on), (False, 0))


class Steady:
    def __init__(self):
        devices = Devices()
        for address in (0x40, 0x41, 0x44, 0x45, 0x46):
            ina226(devices.hal.parts, address, (0x0F, 0xA0), (0x57, 0x80))
        tmp117(devices.hal.parts, 0x48, (0x0C, 0x80))
        self.power = PartsPowerUnit(devices, POWER)
        self.thermal = PartsThermalUnit(devices, THERMAL)
        devices.hal.adcs["A0"].value = 30000
        self.thermal.set_enable(0, True)

    def __call__(self):
        for second in range(200):
            self.power.set_load(1, second & 8 != 0)
            self.thermal.set_duty(0, 0.3)
            self.power.step(1)
            self.thermal.step(1)
        return self.power.updates


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_nothing_is_allocated(self):
        self.assertGreater(run_locked(Steady()), 100)


if __name__ == "__main__":
    unittest.main()
