"""The converter's driver on a model that follows RM0090 13 and takes the channel over when Renode's does."""

import ctypes

import pytest

from tests.registers.hardware import Absent, Hardware

ADC1, COMMON = 0x40012000, 0x40012300
SR, CR1, CR2, SMPR1, SMPR2, SQR1, SQR3, DR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x2C, 0x34, 0x4C
EOC, ADON, SWSTART = 1 << 1, 1 << 0, 1 << 30
CCR, TSVREFE, VBATE = 0x04, 1 << 23, 1 << 22
CLOCK_NS = 1000 / 21  # 84 MHz over 4
CYCLES = (3, 15, 28, 56, 84, 112, 144, 480)
TEMPERATURE, VREFINT, VBAT = 16, 17, 18
STABILISE_NS, SENSOR_NS = 3_000, 10_000  # DS8626 tables 67 and 69


class Converter:
    """Answers channel n with 100 * n + 1."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.words: dict[int, int] = {}
        self.common: dict[int, int] = {}
        self.channel = 0
        self.on_ns = self.done_ns = 0
        self.loaded_ns = 0  # of the bridge on VBAT, or the sensor
        self.converted: list[tuple[int, int]] = []  # channel, cycles of sampling

    def read(self, offset: int) -> int:
        if offset == SR:
            return EOC if self.done_ns and self.hardware.now_ns >= self.done_ns else 0
        if offset == DR:
            self.done_ns = 0
            return 100 * self.channel + 1
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        before = self.words.get(offset, 0)
        self.words[offset] = value
        if offset == CR2 and value & ADON and not before & ADON:
            assert SQR1 in self.words and self.words[SQR1] >> 20 == 0, "a sequence of one"
            self.channel = self.words[SQR3] & 31
            self.on_ns = self.hardware.now_ns
        if offset == CR2 and value & SWSTART:
            assert before & ADON and self.hardware.now_ns - self.on_ns >= STABILISE_NS
            self._convert()

    def _convert(self) -> None:
        assert self.common.get(CCR, 0) >> 16 & 3 == 1, "PCLK2 / 4"
        smpr = (
            self.words[SMPR1] >> 3 * (self.channel - 10)
            if self.channel >= 10
            else self.words[SMPR2] >> 3 * self.channel
        )
        cycles = CYCLES[smpr & 7]
        if self.channel in (TEMPERATURE, VREFINT):
            assert self.common[CCR] & TSVREFE and self.hardware.now_ns - self.on_ns >= SENSOR_NS
            assert cycles * CLOCK_NS >= 10_000
        assert bool(self.common[CCR] & VBATE) == (self.channel == VBAT)
        self.converted.append((self.channel, cycles))
        self.done_ns = self.hardware.now_ns + int((cycles + 12) * CLOCK_NS)


class Common:
    def __init__(self, converter: Converter) -> None:
        self.converter = converter

    def read(self, offset: int) -> int:
        return self.converter.common.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.converter.common[offset] = value


@pytest.fixture
def converter(hardware: Hardware) -> Converter:
    converter = Converter(hardware)
    hardware.attach(ADC1, converter, 0x100)
    hardware.attach(COMMON, Common(converter), 0x100)
    return converter


def convert(hardware: Hardware, channel: int, sample_ns: int = 4000) -> int | None:
    value = ctypes.c_uint32(0xDEAD)
    done = hardware.call("adc_convert", channel, sample_ns, ctypes.byref(value)) & 0xFF
    return value.value if done else None


@pytest.mark.parametrize("channel", range(19))
def test_each_channel_is_converted(hardware: Hardware, converter: Converter, channel: int) -> None:
    assert convert(hardware, channel) == 100 * channel + 1
    assert [found for found, _ in converter.converted] == [channel]


def test_channels_follow_each_other(hardware: Hardware, converter: Converter) -> None:
    order = [3, 18, 0, 16, 3, 15]
    assert [convert(hardware, channel) for channel in order] == [100 * channel + 1 for channel in order]


def test_converter_and_sources_are_off_between_conversions(hardware: Hardware, converter: Converter) -> None:
    for channel in (3, TEMPERATURE, VBAT):
        convert(hardware, channel)
        assert converter.words[CR2] == 0
        assert converter.common[CCR] & (TSVREFE | VBATE) == 0


def test_converter_that_was_left_on_takes_the_channel_over(hardware: Hardware, converter: Converter) -> None:
    converter.words[CR2] = ADON
    assert convert(hardware, 7) == 701


@pytest.mark.parametrize(
    ("sample_ns", "cycles"), [(0, 3), (142, 3), (143, 15), (4000, 84), (4001, 112), (22_000, 480), (22_857, 480)]
)
def test_sampling_is_not_shorter_than_asked(
    hardware: Hardware, converter: Converter, sample_ns: int, cycles: int
) -> None:
    convert(hardware, 5, sample_ns)
    assert converter.converted == [(5, cycles)]


def test_without_a_converter_the_call_ends(hardware: Hardware) -> None:
    """As in QEMU, where no conversion ever ends."""
    hardware.attach(ADC1, Absent(), 0x400)
    assert convert(hardware, 5) is None
    assert 2_000_000 < hardware.now_ns < 2_100_000


@pytest.mark.parametrize(("channel", "pin"), [(0, 0), (7, 7), (8, 16), (9, 17), (10, 32), (15, 37)])
def test_pins_of_the_channels(hardware: Hardware, channel: int, pin: int) -> None:
    assert hardware.call("adc_pin_of_channel", channel) == pin
