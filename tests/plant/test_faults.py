"""Every fault of the catalogue: what it does, that it ends, and what wrong ones are answered with."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from hil.plant import CATALOGUE, BusPort, FaultError, Plant, rtu
from hil.plant.faults import parse_fault
from hil.plant.serve import PlantServer

from .conftest import power, switch_on, thermal

# channel of a sensor in the thermal unit
BATTERY_0, BATTERY_1 = 6, 7
READ_POWER = rtu.frame(bytes.fromhex("11 03 00 00 00 01"))
POWER_REPLY = rtu.frame(bytes.fromhex("11 03 02 0F A0"))
READ_THERMAL = rtu.frame(bytes.fromhex("12 03 00 00 00 01"))


def temperature(plant: Plant, channel: int) -> float | None:
    return thermal(plant).read_all()["temperature"][channel]


def heater_watts(plant: Plant, zone: str) -> float:
    return next(plant.heater_power[h.index] for h in plant.thermal_map.heaters if h.zone == zone)


def heater_amps(plant: Plant, index: int) -> float:
    return thermal(plant).read_all()["heater_current"][index] or 0.0


# --- sensors: each leaves its neighbour alone -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["sensor_open", "sensor_short"])
def test_sensor_without_a_circuit_reads_no_value(plant: Plant, fault: str) -> None:
    plant.faults.inject(fault, sensor="battery.1")
    assert temperature(plant, BATTERY_1) is None
    raw = plant.bus.transact(rtu.frame(bytes.fromhex("12 04 00 15 00 01")))[3:5]
    assert raw == {"sensor_open": b"\x7f\xff", "sensor_short": b"\x80\x00"}[fault]
    assert temperature(plant, BATTERY_0) == pytest.approx(plant.node_c("battery"), abs=1.5)
    plant.faults.clear(fault)
    assert temperature(plant, BATTERY_1) == pytest.approx(plant.node_c("battery"), abs=1.5)


def test_sensor_stuck_holds_its_last_reading(plant: Plant) -> None:
    before = temperature(plant, BATTERY_1)
    plant.faults.inject("sensor_stuck", sensor="battery.1")
    for _ in range(20):
        plant.advance(600.0)
        assert temperature(plant, BATTERY_1) == before
    assert abs((temperature(plant, BATTERY_0) or 0.0) - (before or 0.0)) > 0.5


def test_sensor_stuck_at_a_given_value(plant: Plant) -> None:
    plant.faults.inject("sensor_stuck", sensor="pack.2", value_c=61.25)
    assert power(plant).read_all()["battery_temperature"][2] == pytest.approx(61.25)


def test_sensor_drift_grows_by_its_rate(plant: Plant) -> None:
    plant.faults.inject("sensor_drift", at_s=600.0, sensor="battery.1", rate_k_per_h=3.0)
    healthy = [_error(plant, BATTERY_1)]
    plant.advance(600.0)
    healthy.append(_error(plant, BATTERY_1))
    plant.advance(7200.0)
    assert healthy[1] == pytest.approx(healthy[0], abs=0.5)
    assert _error(plant, BATTERY_1) - healthy[0] == pytest.approx(6.0, abs=0.3)


def _error(plant: Plant, channel: int) -> float:
    return (temperature(plant, channel) or 0.0) - plant.node_c("battery")


def test_sensor_noise_has_its_deviation(plant: Plant) -> None:
    plant.faults.inject("sensor_noise", sensor="battery.1", sigma_k=4.0)
    errors, neighbour = [], []
    for _ in range(400):
        plant.step()
        errors.append(_error(plant, BATTERY_1))
        neighbour.append(_error(plant, BATTERY_0))
    assert _deviation(errors) == pytest.approx(4.0, rel=0.2)
    assert _deviation(neighbour) == pytest.approx(0.05, rel=0.3)


def _deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return float((sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5)


# --- heaters ----------------------------------------------------------------------------------------------------------


def test_heater_stuck_on_heats_without_a_command_until_disarmed(night: Plant) -> None:
    night.faults.inject("heater_stuck_on", heater="battery")
    night.advance(60.0)
    volt = night.power.bus_voltage
    assert heater_watts(night, "battery") == pytest.approx(volt**2 / 65.3, rel=1e-3)
    assert heater_amps(night, 1) == pytest.approx(volt / 65.3, abs=0.02)
    assert heater_amps(night, 0) == pytest.approx(0.0, abs=0.02)
    thermal(night).write("heater_enable", [0], first=1)
    night.advance(20.0)
    assert heater_watts(night, "battery") == 0.0


def test_heater_stuck_on_with_its_arm_switch_ends_with_the_supply(night: Plant) -> None:
    night.faults.inject("heater_stuck_on", heater="battery", arm_stuck=1)
    thermal(night).write("heater_enable", [0] * 8)
    night.advance(20.0)
    assert heater_watts(night, "battery") > 10.0
    switch_on(night)
    night.advance(20.0)
    assert heater_watts(night, "battery") == 0.0


def test_heater_stuck_off_and_degraded(night: Plant) -> None:
    thermal(night).write("heater_duty", [1.0] * 5)
    night.advance(20.0)
    full = heater_watts(night, "mast")
    off = night.faults.inject("heater_stuck_off", heater="battery")
    night.faults.inject("heater_degraded", heater="mast", share_left=0.4)
    night.advance(20.0)
    assert heater_watts(night, "battery") == 0.0 and heater_amps(night, 1) == pytest.approx(0.0, abs=0.02)
    assert heater_watts(night, "mast") == pytest.approx(0.4 * full, rel=0.01)
    night.faults.clear(off)
    night.advance(20.0)
    assert heater_watts(night, "battery") > 10.0


# --- power ------------------------------------------------------------------------------------------------------------


def test_shorted_cell_group_takes_an_eighth_of_the_voltage(night: Plant) -> None:
    volt, soc = night.power.battery_voltage, night.battery.soc
    fault = night.faults.inject("battery_cell_lost")
    night.advance(20.0)
    assert night.power.battery_voltage == pytest.approx(volt * 7 / 8, rel=1e-3)
    assert night.power.bus_voltage < volt * 0.89
    night.faults.clear(fault)
    night.advance(20.0)
    assert night.power.battery_voltage == pytest.approx(volt, rel=1e-3)
    assert night.battery.soc == pytest.approx(soc, abs=1e-4)


def test_open_cells_take_their_share_of_the_capacity(night: Plant) -> None:
    switch_on(night, "heater_supply", "instrument")
    capacity, resistance = night.battery.capacity_ah, night.battery.resistance(20.0)
    night.faults.inject("battery_cell_lost", kind="open", count=17)
    start = night.battery.soc
    night.advance(3600.0)
    drained = night.power.battery_current / night.battery.full_ah
    assert night.battery.capacity_ah == pytest.approx(capacity / 2)
    assert night.battery.resistance(20.0) == pytest.approx(2 * resistance)
    # Half the cells carry the current: the charge falls twice as fast.
    assert night.battery.soc - start == pytest.approx(2 * drained, rel=0.01)


def test_feed_lost(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(local_time_h=6.05)
    switch_on(plant, "radio", "instrument")
    plant.faults.inject("array_degraded", share_left=0.1)
    plant.advance(20.0)
    assert plant.power.budget.feed > 1.0
    plant.faults.inject("feed_lost", duration_s=600.0)
    plant.advance(20.0)
    readings = power(plant).read_all()
    assert plant.power.budget.feed == 0.0 and plant.power.budget.battery_out > 1.0
    assert int(readings["status"][0] or 0) & 1 == 0 and (readings["feed_voltage"][0] or 0.0) < 0.1
    plant.advance(600.0)
    assert plant.power.budget.feed > 1.0


def test_array_degraded(plant: Plant) -> None:
    plant.advance(20.0)
    healthy = plant.power.array_available
    plant.faults.inject("array_degraded", share_left=0.25)
    plant.advance(10.0)
    assert plant.power.array_available == pytest.approx(0.25 * healthy, rel=0.01)


def test_load_switches_stuck(plant: Plant) -> None:
    plant.faults.inject("load_stuck_on", load="camera")
    plant.faults.inject("load_stuck_off", load="radio")
    switch_on(plant, "radio")
    plant.advance(20.0)
    readings = power(plant).read_all()
    assert readings["load_on_mask"] == [8.0]
    assert readings["load_current"][3] == pytest.approx(2.5 / 28.0, abs=0.02)
    assert readings["load_current"][1] == pytest.approx(0.0, abs=0.02)


def test_load_overcurrent_trips_unless_its_limit_allows(plant: Plant) -> None:
    switch_on(plant, "recorder", "beacon")
    plant.faults.inject("load_overcurrent", load="recorder", extra_a=0.2)
    plant.faults.inject("load_overcurrent", load="beacon", extra_a=0.5)
    plant.advance(20.0)
    readings = power(plant).read_all()
    assert readings["load_current"][4] == pytest.approx(3.0 / 28.0 + 0.2, abs=0.02)
    assert readings["load_trip_mask"] == [64.0]


# --- link -------------------------------------------------------------------------------------------------------------


def test_slave_silent_neither_answers_nor_listens(plant: Plant) -> None:
    plant.faults.inject("slave_silent", unit="power_unit")
    write = rtu.frame(bytes.fromhex("11 06 00 00 0B B8"))
    assert plant.bus.exchange(READ_POWER) is None and plant.bus.exchange(write) is None
    assert len(plant.bus.transact(READ_THERMAL)) == 7
    plant.faults.clear()
    assert plant.bus.transact(READ_POWER) == POWER_REPLY


def test_reply_late(plant: Plant) -> None:
    plant.faults.inject("reply_late", unit="power_unit", delay_s=0.75)
    reply = plant.bus.exchange(READ_POWER)
    assert reply is not None and reply == (0.75, POWER_REPLY)
    other = plant.bus.exchange(READ_THERMAL)
    assert other is not None and other.delay_s == 0.0


def test_reply_wrong_slave_has_a_good_crc(plant: Plant) -> None:
    plant.faults.inject("reply_wrong_slave", unit="power_unit", as_slave=0x12)
    assert plant.bus.transact(READ_POWER) == rtu.frame(bytes.fromhex("12 03 02 0F A0"))


@pytest.mark.parametrize("how", ["bits", "truncate", "garbage", "extend"])
def test_reply_corrupted_is_no_frame(plant: Plant, how: str) -> None:
    plant.faults.inject("reply_corrupted", unit="power_unit", how=how)
    replies = [plant.bus.transact(READ_POWER) for _ in range(200)]
    assert not any(rtu.is_frame(reply) and reply == POWER_REPLY for reply in replies)
    assert len(set(replies)) > 3
    lengths = {"bits": {7}, "garbage": {7}, "truncate": set(range(1, 7)), "extend": set(range(8, 16))}[how]
    assert {len(reply) for reply in replies} <= lengths


def test_share_of_the_replies_that_are_hit(plant: Plant) -> None:
    plant.faults.inject("reply_corrupted", unit="power_unit", how="truncate", share=0.3)
    hit = sum(plant.bus.transact(READ_POWER) != POWER_REPLY for _ in range(1000))
    assert 240 < hit < 360


def test_link_faults_repeat_with_the_seed(make_plant: Callable[..., Plant]) -> None:
    def replies(seed: int) -> list[bytes]:
        plant = make_plant(seed=seed)
        plant.faults.inject("reply_corrupted", unit="power_unit", how="garbage", share=0.5)
        return [plant.bus.transact(READ_POWER) for _ in range(50)]

    assert replies(5) == replies(5)
    assert replies(5) != replies(6)


def test_link_faults_on_a_real_line(plant: Plant) -> None:
    with (
        PlantServer(plant, tcp=("127.0.0.1", 0), clock=lambda: 0.0) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5.0) as line,
    ):

        def ask() -> bytes:
            line.sendall(READ_POWER)
            try:
                return line.recv(300)
            except TimeoutError:
                return b""

        assert ask() == POWER_REPLY
        server.call(lambda p: p.faults.inject("reply_late", unit="power_unit", delay_s=0.3))
        start = time.monotonic()
        assert ask() == POWER_REPLY
        assert 0.25 < time.monotonic() - start < 3.0
        server.call(lambda p: p.faults.clear())
        server.call(lambda p: p.faults.inject("reply_wrong_slave", unit="power_unit", as_slave=0x20))
        assert ask()[0] == 0x20
        server.call(lambda p: p.faults.clear())
        server.call(lambda p: p.faults.inject("reply_corrupted", unit="power_unit", how="extend"))
        assert len(ask()) > len(POWER_REPLY)
        server.call(lambda p: p.faults.clear())
        server.call(lambda p: p.faults.inject("slave_silent", unit="power_unit"))
        line.settimeout(0.3)
        assert ask() == b""


def test_port_in_memory_keeps_to_the_baud_rate_and_the_delay(plant: Plant) -> None:
    clock = [0.0]
    port = BusPort(plant.bus, lambda: clock[0], baud=115200, reply_s=0.002)
    plant.faults.inject("reply_late", unit="power_unit", delay_s=0.5)
    assert port.write(READ_POWER[:3]) == 3
    assert port.write(READ_POWER[3:]) == 5
    # Request done after 8 byte times at most, reply from then on + 2 ms + 0.5 s, 86.8 us for each of 7 bytes.
    clock[0] = 0.5
    assert port.read() == b""
    clock[0] = 0.503 + 3 * 86.8e-6
    part = port.read()
    assert 1 <= len(part) < 7
    clock[0] = 0.51
    assert part + port.read() == POWER_REPLY
    assert port.read() == b""


def test_silence_between_bytes_ends_a_frame_in_the_port(plant: Plant) -> None:
    clock = [0.0]
    port = BusPort(plant.bus, lambda: clock[0])
    port.write(b"\x11\x03\x00")
    clock[0] = 0.1
    port.write(READ_POWER)
    clock[0] = 0.2
    assert port.read() == POWER_REPLY


# --- the interface ----------------------------------------------------------------------------------------------------

TESTED = {
    "sensor_open",
    "sensor_short",
    "sensor_stuck",
    "sensor_drift",
    "sensor_noise",
    "heater_stuck_on",
    "heater_stuck_off",
    "heater_degraded",
    "battery_cell_lost",
    "feed_lost",
    "array_degraded",
    "load_stuck_on",
    "load_stuck_off",
    "load_overcurrent",
    "slave_silent",
    "reply_late",
    "reply_corrupted",
    "reply_wrong_slave",
}


def test_every_fault_of_the_catalogue_has_its_test_here() -> None:
    assert set(CATALOGUE) == TESTED


def test_faults_begin_and_end_at_their_times(plant: Plant) -> None:
    number = plant.faults.inject("feed_lost", at_s=100.0, duration_s=200.0)
    states = []
    for _ in range(40):
        plant.step()
        states.append(plant.power.feed_present)
    # Steps that begin at 100 s to 290 s run without the feed.
    assert states == [True] * 10 + [False] * 20 + [True] * 10
    assert number not in [f["number"] for f in plant.faults.listing()]


def test_listing_and_clearing(plant: Plant) -> None:
    first = plant.faults.inject("sensor_open", sensor="mast.0")
    plant.faults.inject("sensor_open", sensor="mast.1", at_s=1e6)
    plant.faults.inject("feed_lost")
    assert [(f["name"], f["active"]) for f in plant.faults.listing()] == [
        ("sensor_open", True), ("sensor_open", False), ("feed_lost", True),
    ]  # fmt: skip
    assert plant.faults.clear(first) == 1
    assert plant.faults.clear("feed_lost") == 1
    assert plant.faults.clear(99) == 0
    assert plant.faults.clear() == 1
    assert plant.faults.listing() == []


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("sensor_opened", {}, "expected one of sensor_stuck"),
        ("sensor_open", {}, "expected parameter sensor"),
        ("sensor_open", {"sensor": "structure.2"}, "out of structure.0"),
        ("sensor_open", {"sensor": "mast.0", "value": 3}, "expected parameters sensor, found value"),
        ("heater_stuck_on", {"heater": "structure"}, "out of electronics"),
        ("heater_degraded", {"heater": "mast", "share_left": 1.5}, "from 0 to 1"),
        ("heater_degraded", {"heater": "mast", "share_left": float("nan")}, "from 0 to 1"),
        ("reply_late", {"unit": "power_unit", "delay_s": 0.0}, "above 0"),
        ("reply_late", {"unit": "power_unit", "delay_s": "soon"}, "a number"),
        ("reply_corrupted", {"unit": "power_unit", "how": "badly"}, "bits, truncate"),
        ("reply_wrong_slave", {"unit": "power_unit", "as_slave": 248}, "1 to 247"),
        ("battery_cell_lost", {"count": 8}, "1 to 7"),
        ("battery_cell_lost", {"kind": "open", "count": 2.5}, "whole number"),
        ("load_stuck_on", {"load": "toaster"}, "heater_supply"),
        ("slave_silent", {"unit": "robot"}, "power_unit"),
    ],
)
def test_wrong_faults_are_refused(plant: Plant, name: str, parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        plant.faults.inject(name, **parameters)
    assert plant.faults.listing() == []


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("feed_lost", ("feed_lost", None, None, {})),
        ("feed_lost@600+60", ("feed_lost", 600.0, 60.0, {})),
        (
            "sensor_drift:sensor=mast.1,rate_k_per_h=4@10",
            ("sensor_drift", 10.0, None, {"sensor": "mast.1", "rate_k_per_h": "4"}),
        ),
    ],
)
def test_faults_as_typed(text: str, parsed: tuple[object, ...]) -> None:
    assert parse_fault(text) == parsed


@pytest.mark.parametrize("text", ["feed_lost@soon", "sensor_open:sensor", "feed_lost@1+x"])
def test_faults_typed_wrong(text: str) -> None:
    with pytest.raises(FaultError, match="expected"):
        parse_fault(text)
