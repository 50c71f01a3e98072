"""Register maps, banks, frames: literal bytes by hand from the maps, crcmod and pymodbus as second opinions."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import crcmod.predefined
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from hil.plant import Plant, rtu, units
from hil.plant.bank import RegisterBank
from hil.plant.master import NoReply, Refused
from hil.plant.pty_pair import PtyPair
from hil.plant.serve import PlantServer

from .conftest import power, thermal

CRC = crcmod.predefined.mkPredefinedCrcFun("modbus")


def plain_banks() -> dict[int, RegisterBank]:
    """Both units with nothing behind them: inputs read 0."""
    return {unit.slave: RegisterBank(unit) for unit in (units.power_unit(), units.thermal_unit())}


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


# --- CRC --------------------------------------------------------------------------------------------------------------


def test_crc_of_the_specification() -> None:
    # MODBUS over Serial Line V1.02, 6.2.2: 02 07 gives 1241h, low byte first on the line.
    assert rtu.crc16(hexed("02 07")) == 0x1241
    assert rtu.frame(hexed("02 07")) == hexed("02 07 41 12")


@given(st.binary(max_size=300))
def test_crc_is_crcmods(data: bytes) -> None:
    assert rtu.crc16(data) == CRC(data)


# --- frames by hand ---------------------------------------------------------------------------------------------------

# Requests and replies of units as after power-on with all inputs 0; CRCs by crcmod, once, and checked again below.
FRAMES = [
    # slave 11, function 03, address 0000, 1 register -> 2 bytes: 4000 mA = 0FA0
    ("11 03 00 00 00 01 86 9A", "11 03 02 0F A0 7C 0F"),
    # the trip currents of loads 0 and 1, from 0002: 3000 mA = 0BB8, 1000 mA = 03E8
    ("11 03 00 02 00 02 67 5B", "11 03 04 0B B8 03 E8 69 4D"),
    # function 01, coils 0..15: only feed_enable (9) is on -> bytes 00, 02
    ("11 01 00 00 00 10 3F 56", "11 01 02 00 02 F9 FE"),
    # function 05, coil 0 on; the reply repeats the request
    ("11 05 00 00 FF 00 8E AA", "11 05 00 00 FF 00 8E AA"),
    # function 15, coils 0..9: 03, 01 -> loads 0 and 1 and charger_enable, feed_enable off
    ("11 0F 00 00 00 0A 02 03 01 E9 C8", "11 0F 00 00 00 0A D7 5C"),
    # function 06, charge_current_limit 3000 mA
    ("11 06 00 00 0B B8 8C 18", "11 06 00 00 0B B8 8C 18"),
    # function 16, registers 2 and 3: 2000 mA each
    ("11 10 00 02 00 02 04 07 D0 07 D0 25 97", "11 10 00 02 00 02 E2 98"),
    # slave 12, function 16, heater_duty of outputs 0 and 1: 250, 1000 thousandths
    ("12 10 00 00 00 02 04 00 FA 03 E8 88 A4", "12 10 00 00 00 02 43 6B"),
    # function 04 beyond the last register: exception 02
    ("11 04 00 1C 00 01 F2 9C", "11 84 02 C3 04"),
    # function 03 of no register: exception 03
    ("11 03 00 00 00 00 47 5A", "11 83 03 00 F4"),
    # function 06, charge_current_limit 65535 mA, more than the maximum: exception 03
    ("11 06 00 00 FF FF 8A EA", "11 86 03 03 A4"),
    # function 05 with a value that is neither FF00 nor 0000: exception 03
    ("11 05 00 00 12 34 C2 2D", "11 85 03 03 54"),
    # function 2B is not served: exception 01
    ("11 2B 0E 01 00 B1 B4", "11 AB 01 9F 35"),
    # slave 33 is not there: silence
    ("33 03 00 00 00 01 80 18", ""),
    # broadcast: function 05, coil 1 on, done and not answered
    ("00 05 00 01 FF 00 DC 2B", ""),
    # a wrong CRC: silence
    ("11 03 00 00 00 01 86 9B", ""),
]


@pytest.mark.parametrize(("request_hex", "reply_hex"), FRAMES)
def test_frames_by_hand(request_hex: str, reply_hex: str) -> None:
    assert rtu.serve(plain_banks(), hexed(request_hex)) == hexed(reply_hex)


def test_frames_by_hand_have_crcmods_crc() -> None:
    good = [hexed(text) for pair in FRAMES[:-1] for text in pair if text] + [hexed(FRAMES[-1][1])]
    for frame in filter(None, good):
        assert struct.pack("<H", CRC(frame[:-2])) == frame[-2:]


def test_writes_arrive_in_the_registers() -> None:
    banks = plain_banks()
    for request, _ in FRAMES[3:8]:
        rtu.serve(banks, hexed(request))
    rtu.serve(banks, hexed("00 05 00 02 FF 00 2C 2B"))
    power_bank, thermal_bank = banks[0x11], banks[0x12]
    assert power_bank.coil == 0b01_0000_0111
    assert thermal_bank.coil == 0b100
    assert power_bank.holding[:8] == hexed("0BB8 8020 07D0 07D0")
    assert thermal_bank.holding[:4] == hexed("00FA 03E8")
    assert (power_bank.writes, thermal_bank.writes) == (5, 2)


@pytest.mark.parametrize(
    "body",
    [
        "11", "11 03", "11 03 00 00 00", "11 03 00 00 00 01 00", "11 10 00 00 00 01", "11 10 00 00 00 01 02 00",
        "11 10 00 00 00 01 03 00 00 00", "11 0F 00 00 00 09 01 FF", "11 0F 00 00 00 00 00", "11 06 00 00",
        "11 01 00 00 07 D1", "11 0F 00 18 00 10 02 FF FF", "11 03 FF FF 00 02", "11 04 00 00 00 7E",
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_and_change_nothing(body: str) -> None:
    banks = plain_banks()
    before = banks[0x11].save()
    reply = rtu.serve(banks, rtu.frame(hexed(body)))
    assert reply == b"" or reply[1] & 0x80
    assert banks[0x11].save() == before


@given(st.binary(max_size=40), st.booleans())
def test_garbage_is_never_more_than_refused(data: bytes, with_crc: bool) -> None:
    request = rtu.frame(data) if with_crc else data
    reply = rtu.serve(plain_banks(), request)
    assert reply == b"" or (rtu.is_frame(reply) and reply[0] == request[0])


def test_write_of_a_group_is_done_whole_or_not_at_all() -> None:
    bank = plain_banks()[0x11]
    before = bytes(bank.holding)
    # Registers 0 and 1: a good current and a voltage below its minimum of 26 V.
    assert rtu.serve({0x11: bank}, rtu.frame(hexed("11 10 00 00 00 02 04 03 E8 03 E8")))[1:3] == hexed("90 03")
    assert bytes(bank.holding) == before


def test_bits_without_a_name_read_0_and_ignore_writes() -> None:
    banks = plain_banks()
    rtu.serve(banks, rtu.frame(hexed("11 0F 00 00 00 20 04 FF FF FF FF")))
    assert banks[0x11].coil == 0x00FF03FF


# --- what the registers mean ------------------------------------------------------------------------------------------


def test_input_registers_of_a_plant_by_hand(plant: Plant) -> None:
    plant.advance(70_000.0)
    data = plant.bus.transact(rtu.frame(hexed("11 04 00 00 00 1C")))[3:-2]
    words = struct.unpack(">28H", data)
    assert words[0] == 1
    # feed_present, array_producing, bus_regulated
    assert words[1] == 0b100_0011
    # uptime 70 000 s = 1 1170h
    assert words[2:4] == (0x0001, 0x1170)
    assert words[4] / 1000 == pytest.approx(28.0, abs=0.1)
    assert words[8] / 1000 == pytest.approx(28.0, abs=0.1)
    assert words[10] / 1000 == pytest.approx(plant.power.battery_voltage, abs=0.1)
    assert words[12] / 100 == pytest.approx(plant.node_c("battery"), abs=1.5)
    assert words[27] == 0


def test_temperature_channels_by_zone(plant: Plant) -> None:
    readings = thermal(plant).read_all()["temperature"]
    for zone in plant.thermal_map.zones:
        channels = readings[3 * zone.index : 3 * zone.index + 3]
        fitted, rest = channels[: zone.sensors], channels[zone.sensors :]
        assert [t == pytest.approx(plant.node_c(zone.name), abs=1.5) for t in fitted] == [True] * zone.sensors
        assert rest == [None] * (3 - zone.sensors)
    raw = plant.bus.transact(rtu.frame(hexed("12 04 00 0E 00 18")))[3:-2]
    # Structure has two sensors: channel 2 is open, 7FFF.
    assert raw[4:6] == hexed("7FFF")


def test_temperatures_below_zero_are_twos_complement(plant: Plant) -> None:
    plant.faults.inject("sensor_stuck", sensor="battery.0", value_c=-123.45)
    raw = plant.bus.transact(rtu.frame(hexed("12 04 00 14 00 01")))[3:-2]
    assert raw == struct.pack(">h", -12345)


def test_discrete_inputs_show_the_masks(plant: Plant) -> None:
    power(plant).write("load_command", [1, 0, 1, 0, 0, 0, 0, 0])
    plant.advance(20.0)
    reply = plant.bus.transact(rtu.frame(hexed("11 02 00 00 00 20")))
    assert reply[3:-2] == bytes((0b101, 0, 0b011, 0))
    assert power(plant).read_all()["load_on_mask"] == [5.0]


def test_reading_twice_in_a_step_gives_the_same(plant: Plant) -> None:
    first = thermal(plant).read_all()
    assert thermal(plant).read_all() == first
    plant.advance(10.0)
    assert thermal(plant).read_all()["temperature"] != first["temperature"]


def test_write_count_tells_accepted_writes(plant: Plant) -> None:
    master = power(plant)
    master.write("load_command", [1])
    with pytest.raises(Refused):
        master.write("charge_voltage_limit", [20.0])
    assert master.read_all()["write_count"] == [1.0]


def test_master_says_what_did_not_come(plant: Plant) -> None:
    plant.faults.inject("slave_silent", unit="power_unit")
    with pytest.raises(NoReply, match=r"power_unit.*found nothing"):
        power(plant).read_all()


# --- maps as data -----------------------------------------------------------------------------------------------------


def test_maps_are_read_in_one_request() -> None:
    for unit in (units.power_unit(), units.thermal_unit()):
        named = sum(r.count * r.width for r in unit.in_space("input"))
        assert named == unit.extent("input") <= 125


def test_every_register_has_a_description_and_a_reachable_default() -> None:
    for unit in (units.power_unit(), units.thermal_unit()):
        for register in unit.registers:
            assert len(register.description) > 10
            if register.space == "holding":
                low, high = register.minimum or 0.0, register.maximum
                assert high is not None and low <= register.default <= high
                assert register.to_si(register.to_raw(high)) == pytest.approx(high)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("address = 1\n", "address = 0\n", "expected an address from 1, found 0"),
        ('type = "u16"', 'type = "u17"', "u17"),
        ('space = "input"', 'space = "output"', "output"),
        ('access = "r"', 'access = "x"', "access"),
        ('space = "coil"', 'space = "holding"', "bit in coil"),
        ("address = 27", "address = 65536", "0..65535"),
        ('name = "status"', 'nam = "status"', "nam"),
        ("[unit]", "[unit", "power_unit.toml"),
    ],
)
def test_wrong_maps_say_what_is_wrong(old: str, new: str, reason: str, tmp_path: Path) -> None:
    text = (units.UNITS_DIR / "power_unit.toml").read_text()
    assert old in text
    path = tmp_path / "power_unit.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(units.MapError, match=reason.replace(".", r"\.")):
        units.load_unit(path)


# --- real lines -------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(plant: Plant) -> Iterator[PlantServer]:
    """A plant on TCP whose clock stands still."""
    with PlantServer(plant, tcp=("127.0.0.1", 0), clock=lambda: 0.0) as server:
        yield server


def test_pymodbus_client_over_tcp(served: PlantServer) -> None:
    client = ModbusTcpClient("127.0.0.1", port=served.port, framer=FramerType.RTU, timeout=5)
    try:
        assert client.connect()
        exercise(client, served)
    finally:
        client.close()


def test_pymodbus_client_over_a_serial_line(plant: Plant) -> None:
    with PtyPair() as cable, PlantServer(plant, serial=cable.left, clock=lambda: 0.0) as server:
        client = ModbusSerialClient(cable.right, framer=FramerType.RTU, baudrate=115200, timeout=5)
        try:
            assert client.connect()
            exercise(client, server)
        finally:
            client.close()


def exercise(client: ModbusTcpClient | ModbusSerialClient, server: PlantServer) -> None:
    """Read and write with a library that is not ours, and look into the plant."""
    words = client.read_input_registers(0, count=28, device_id=0x11).registers
    assert words[0] == 1 and words[4] == pytest.approx(28000, abs=100)
    assert not client.write_registers(0, [250, 1000], device_id=0x12).isError()
    assert not client.write_coils(0, [True] * 8, device_id=0x12).isError()
    assert not client.write_coil(0, True, device_id=0x11).isError()
    assert client.read_coils(0, count=8, device_id=0x11).bits[:2] == [True, False]
    assert client.read_holding_registers(0, count=2, device_id=0x12).registers == [250, 1000]
    assert client.write_register(0, 65535, device_id=0x11).exception_code == 3
    assert client.read_holding_registers(11, count=1, device_id=0x11).exception_code == 2
    server.call(lambda plant: plant.advance(60.0))
    assert client.read_discrete_inputs(0, count=16, device_id=0x12).bits[:3] == [True, True, False]
    current = client.read_input_registers(4, count=2, device_id=0x12).registers
    assert current == pytest.approx([0.25 * 28000 / 78.4, 28000 / 65.3], abs=20)


def test_line_and_process_give_the_same_bytes(served: PlantServer) -> None:
    requests = [hexed(request) for request, reply in FRAMES[:13] if reply and "12 34" not in request]
    requests.append(rtu.frame(hexed("12 04 00 00 00 26")))
    requests.append(rtu.frame(hexed("11 04 00 00 00 1B")))
    with socket.create_connection(("127.0.0.1", served.port), timeout=5.0) as line:
        for request in requests:
            line.sendall(request)
            over_line = line.recv(300)
            with served.paused() as plant:
                assert over_line == plant.bus.transact(request), request.hex(" ")


def ask(line: socket.socket, request: bytes) -> bytes:
    """The reply to a request, sent again as a master does when nothing comes; empty after some tries."""
    line.settimeout(0.5)
    for _ in range(10):
        line.sendall(request)
        try:
            return line.recv(300)
        except TimeoutError:
            continue
    return b""


@pytest.mark.parametrize("quiet", ["33 03 00 00 00 01 80 18", "00 05 00 01 FF 00 DC 2B", "11 03 00", "FF FF FF FF FF"])
def test_line_is_silent_where_nobody_answers_and_goes_on(served: PlantServer, quiet: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=5.0) as line:
        line.settimeout(0.2)
        line.sendall(hexed(quiet))
        with pytest.raises(TimeoutError):
            line.recv(300)
        reply = ask(line, rtu.frame(hexed("11 01 00 00 00 10")))
    assert reply[:3] == hexed("11 01 02")
    # Only the broadcast has switched load 1 on.
    assert reply[3] == (0b10 if quiet.startswith("00") else 0)


def test_port_in_use_is_said(served: PlantServer, plant: Plant) -> None:
    with pytest.raises(OSError, match="in use"):
        PlantServer(plant, tcp=("127.0.0.1", served.port)).start()


def test_server_without_a_line_is_refused(plant: Plant) -> None:
    with pytest.raises(ValueError, match="neither"):
        PlantServer(plant)
