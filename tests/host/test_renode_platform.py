"""Renode's platform files against the firmware's own addresses, the board data and the classes that Renode has.

Renode itself is not needed. The table of classes holds what the sources of 1.16.1 and of later versions offer: names
and parameters of constructors, and properties that a platform may set.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from perilune.boards import BOARDS_DIR, board_names, load_board
from perilune.dictionary import load
from perilune.dictionary.load import CORE

from hil.targets.parts import CHANNELS, LAMPS, LINES, SHUNTS_OHM, THERMOMETERS
from tests.rules.test_document_commands import commands

ROOT = BOARDS_DIR.parent
REGISTERS = (ROOT / "firmware/stm32f4/stm32f4.h").read_text(encoding="utf-8")
BASE = BOARDS_DIR / "stm32f4.repl"
PARTS = ROOT / "hil/renode_parts"
VERSIONED = {
    "1.16": BOARDS_DIR / "stm32f4_i2c_spi_rng_1.16.repl",
    "later": BOARDS_DIR / "stm32f4_i2c_spi_rng_later.repl",
}

NEW_BOARD = "my_board"  # of boards/README.md

# Class -> parameters that may be given, in every version.
CLASSES = {
    "Analog.STM32_ADC": set(),
    "CPU.CortexM": {"cpuType", "nvic", "numberOfMPURegions"},
    "CRC.STM32_CRC": {"series", "configurablePoly"},
    "GPIOPort.STM32_GPIOPort": {"modeResetValue", "outputSpeedResetValue", "pullUpPullDownResetValue", "numberOfAFs"},
    "IRQControllers.NVIC": {"priorityMask", "systickFrequency"},
    "IRQControllers.STM32F4_EXTI": {"numberOfOutputLines", "firstDirectLine"},
    "MTD.STM32F4_FlashController": {"flash"},
    "Memory.MappedMemory": {"size"},
    "Miscellaneous.Button": {"invert"},
    "Miscellaneous.CombinedInput": {"numberOfInputs"},
    "Miscellaneous.DWT": {"frequency"},
    "Miscellaneous.LED": {"invert"},
    "Perilune.Ina226": {"microohms"},
    "Perilune.Tmp117": set(),
    "Miscellaneous.STM32F4_RCC": {"rtcPeripheral"},
    "Miscellaneous.STM32_PWR": set(),
    "Miscellaneous.STM32_SYSCFG": set(),
    "Timers.STM32F4_RTC": {"wakeupTimerFrequency"},
    "Timers.STM32_IndependentWatchdog": {"frequency", "windowOption", "defaultPrescaler"},
    "Timers.STM32_Timer": {"frequency", "initialLimit"},
    "UART.STM32_UART": {"frequency"},
}
VERSIONED_CLASSES: dict[str, dict[str, set[str]]] = {
    "1.16": {"I2C.STM32F4_I2C": set(), "SPI.STM32SPI": {"bufferCapacity"}, "Miscellaneous.STM32F4_RNG": set()},
    "later": {
        "I2C.STM32F1_I2C": set(),
        "SPI.STM32SPI": {"series", "bufferCapacity"},
        "Miscellaneous.STM32_RNG": {"series"},
    },
}
# A constructor refuses to do without these.
REQUIRED = {
    "CPU.CortexM": {"cpuType", "nvic"},
    "CRC.STM32_CRC": {"series"},
    "MTD.STM32F4_FlashController": {"flash"},
    "Memory.MappedMemory": {"size"},
    "Miscellaneous.DWT": {"frequency"},
    "Miscellaneous.STM32F4_RCC": {"rtcPeripheral"},
    "Timers.STM32_IndependentWatchdog": {"frequency"},
    "Timers.STM32_Timer": {"frequency", "initialLimit"},
}
REQUIRED_LATER = {"SPI.STM32SPI": {"series"}, "Miscellaneous.STM32_RNG": {"series"}}


@dataclass
class Entry:
    """One device: what it is, where, what it is given, and where its lines go."""

    name: str
    kind: str = ""
    place: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> int:
        found = re.search(r"0x([0-9A-Fa-f]+)", self.place)
        return int(found[1], 16) if found else -1


def parse(text: str) -> tuple[list[str], dict[str, Entry]]:
    """Return the files that *text* uses and its entries; ValueError on a line that is none of the known kinds."""
    used: list[str] = []
    entries: dict[str, Entry] = {}
    current: Entry | None = None
    braces = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("//")[0].rstrip()
        if braces or line.endswith("@ {"):
            braces += line.count("{") - line.count("}")
        if not line:
            continue
        if found := re.fullmatch(r'using "(.+)"', line):
            used.append(found[1])
        elif found := re.fullmatch(r"(\w+)(?:: ([\w.]+) @ (.+))?:?", line) if not line[0].isspace() else None:
            current = entries.setdefault(found[1], Entry(found[1], found[2] or "", found[3] or ""))
        elif current is None:
            raise ValueError(f"line {number} belongs to nothing: {raw}")
        elif found := re.fullmatch(r"\s+sysbus (.+);?", line):
            current.place += " " + found[1]
        elif line.strip() == "}":
            pass
        elif found := re.fullmatch(r"\s+(.*?)\s*-> (.+)", line):
            current.lines.append((found[1], found[2]))
        elif found := re.fullmatch(r"\s+(\w+): (.+)", line):
            current.parameters[found[1]] = found[2]
        else:
            raise ValueError(f"line {number} is not understood: {raw}")
    if braces:
        raise ValueError("a brace is open at the end")
    return used, entries


def platform(path: Path) -> dict[str, Entry]:
    """Entries of *path* and of the files that it uses."""
    used, entries = parse(path.read_text(encoding="utf-8"))
    merged: dict[str, Entry] = {}
    for name in used:
        merged |= platform((path.parent / name).resolve(strict=True))
    for name, entry in entries.items():
        if name in merged and not entry.kind:
            merged[name].lines += entry.lines
            merged[name].parameters |= entry.parameters
        else:
            merged[name] = entry
    return merged


def whole(board: str, version: str, boards: Path = BOARDS_DIR) -> dict[str, Entry]:
    """Everything that a board has in one version of Renode."""
    renode = load_board(board, boards).renode
    assert renode is not None
    return platform(boards / board / renode.platform) | platform(VERSIONED[version])


@pytest.fixture(scope="module")
def boards_and_a_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of boards, with a new one that was made as its README says."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(BOARDS_DIR, folder / "boards")
    [copy] = commands((BOARDS_DIR / "README.md").read_text(encoding="utf-8"))
    subprocess.run(copy, cwd=folder, check=True)
    assert set(board_names(folder / "boards")) == {*board_names(), NEW_BOARD}
    return folder / "boards"


def register_base(macro: str) -> int:
    """Address of a peripheral in the firmware's header."""
    found = re.search(rf"#define {re.escape(macro)} .*?0x([0-9A-Fa-f]+)u", REGISTERS)
    assert found, macro
    return int(found[1], 16)


@pytest.mark.parametrize("version", VERSIONED)
@pytest.mark.parametrize("board", board_names())
def test_devices_are_of_classes_that_renode_has_and_get_what_these_take(board: str, version: str) -> None:
    known = CLASSES | VERSIONED_CLASSES[version]
    required = REQUIRED | (REQUIRED_LATER if version == "later" else {})
    for entry in whole(board, version).values():
        assert entry.kind in known, entry
        assert set(entry.parameters) <= known[entry.kind], entry
        assert required.get(entry.kind, set()) <= set(entry.parameters), entry


@pytest.mark.parametrize("version", VERSIONED)
@pytest.mark.parametrize("board", board_names())
def test_every_line_ends_at_a_device(board: str, version: str) -> None:
    entries = whole(board, version)
    for entry in entries.values():
        for _source, destinations in entry.lines:
            for destination in destinations.split("|"):
                assert re.split("[@#]", destination.strip())[0] in entries, (entry.name, destination)
        for value in ("flash", "nvic", "rtcPeripheral"):
            assert entry.parameters.get(value, "cpu") in entries, entry


@pytest.mark.parametrize(
    ("name", "macro"),
    [
        ("rcc", "RCC"),
        ("pwr", "PWR"),
        ("flash_controller", "FLASH"),
        ("usart1", "USART1"),
        ("usart2", "USART2"),
        ("usart3", "USART3"),
        ("timer2", "TIM2"),
        ("adc1", "ADC1"),
        ("iwdg", "IWDG"),
        ("exti", "EXTI"),
        ("syscfg", "SYSCFG"),
        ("spi1", "SPI1"),
        ("spi2", "SPI2"),
        ("spi3", "SPI3"),
        ("i2c1", "I2C(n)"),
        ("gpioPortA", "GPIO(port)"),
        ("dwt", "DWT_CTRL"),
        ("flash", "FLASH_BASE"),
        ("sram", "SRAM_BASE"),
        ("ccm", "CCM_BASE"),
    ],
)
@pytest.mark.parametrize("version", VERSIONED)
def test_devices_lie_where_the_firmware_expects_them(name: str, macro: str, version: str) -> None:
    assert whole("netduinoplus2", version)[name].address == register_base(macro)


def test_numbered_devices_follow_each_other() -> None:
    entries = whole("netduinoplus2", "1.16")
    for port in "ABCDEH":
        assert entries[f"gpioPort{port}"].address == register_base("GPIO(port)") + 0x400 * (ord(port) - ord("A"))
    for number in (1, 2, 3):
        assert entries[f"i2c{number}"].address == register_base("I2C(n)") + 0x400 * (number - 1)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_uart_interrupts_are_those_of_the_vector_table(number: int) -> None:
    irq = re.search(rf"#define IRQ_USART{number} (\d+)", REGISTERS)
    assert irq
    assert whole("netduinoplus2", "1.16")[f"usart{number}"].lines == [("", f"nvic@{irq[1]}")]


def test_clock_rates_are_those_of_the_firmware() -> None:
    entries = whole("netduinoplus2", "1.16")
    rates = {
        name: int(entry.parameters["frequency"]) for name, entry in entries.items() if "frequency" in entry.parameters
    }
    assert rates == {
        "dwt": 168_000_000,
        "usart1": 84_000_000,
        "usart2": 42_000_000,
        "usart3": 42_000_000,
        "timer2": 84_000_000,
        "iwdg": 32_000,
    }
    assert entries["nvic"].parameters["systickFrequency"] == "168000000"


@pytest.mark.parametrize("board", [*board_names(), NEW_BOARD])
def test_led_is_on_the_pin_of_the_board(boards_and_a_copy: Path, board: str) -> None:
    entries = whole(board, "1.16", boards_and_a_copy)
    [(port, source)] = [
        (entry.name, source) for entry in entries.values() for source, to in entry.lines if to == "led@0"
    ]
    assert load_board(board, boards_and_a_copy).led.pin == f"P{port.removeprefix('gpioPort')}{source}"
    assert entries["led"].place == port


def test_parts_are_where_the_dictionary_of_their_mission_wires_them() -> None:
    """hil/renode_parts on a Netduino Plus 2, firmware/dictionary/parts and the names in hil/targets/parts.py."""
    board = load_board("netduinoplus2")
    entries = platform(PARTS / "parts.repl")
    devices = load([CORE, CORE / "parts"]).devices
    wiring = {name: values for device in devices for name, values in device.wiring}
    assert wiring["i2c"] == (1,)
    for names, expected in ((LINES, [wiring[name][0] for name in LINES]), (THERMOMETERS, list(wiring["battery_c"]))):
        assert list(names.values()) == expected
        assert [entries[name].place for name in names] == [f"i2c1 0x{address:X}" for address in expected]
    switched = [pin for name in ("charger", "loads", "heaters") for pin in wiring[name] if pin]
    assert set(switched) == set(LAMPS)
    for pin, lamp in LAMPS.items():
        port, name = lamp.split(".")
        number = board.pins[pin].lstrip("PABC")
        assert board.pins[pin] == f"P{port[-1]}{number}"
        assert entries[name].place == f"{port} {number}"
        assert (number, f"{name}@0") in entries[port].lines
    assert {pin for pin in wiring["thermistors"] if pin} == set(CHANNELS)
    assert [board.pins[pin] for pin in CHANNELS] == [f"PC{channel - 10}" for channel in CHANNELS.values()]
    shunts = {name: 1e-6 * int(entries[name].parameters["microohms"]) for name in LINES}
    assert shunts == pytest.approx(SHUNTS_OHM)


def test_the_script_of_the_parts_names_devices_and_properties_that_there_are() -> None:
    script = (PARTS / "parts.resc").read_text(encoding="utf-8")
    names = re.findall(r"\$ORIGIN/(\S+)", script)
    assert names == ["Parts.cs", "parts.repl"]
    source = (PARTS / "Parts.cs").read_text(encoding="utf-8")
    properties = re.findall(r"public decimal (\w+) \{ get; set; \}", source)
    assert properties == ["Voltage", "Current", "Temperature"]
    for name, found in re.findall(r"sysbus\.i2c1\.(\w+) (\w+) \S+\n", script):
        assert found in (properties[:2] if name in LINES else properties[2:]), name
    assert re.findall(r"public class (\w+)", source) == ["Ina226", "Tmp117"]


@pytest.mark.parametrize("board", [*board_names(), NEW_BOARD])
def test_script_loads_files_that_exist_and_the_program_once(boards_and_a_copy: Path, board: str) -> None:
    renode = load_board(board, boards_and_a_copy).renode
    assert renode is not None
    folder = boards_and_a_copy / board
    script = (folder / renode.script).read_text(encoding="utf-8")
    assert not any(name in re.sub(r"\$ORIGIN/\S+|^:.*", "", script, flags=re.MULTILINE) for name in board_names())
    assert 'mach create "board"\n' in script
    names = re.findall(r"\$ORIGIN/(\S+)", script)
    assert names == [renode.platform, "../stm32f4.resc"]
    for name in names:
        assert (folder / name).is_file()
    common = (BOARDS_DIR / "stm32f4.resc").read_text(encoding="utf-8")
    assert (script + common).count("sysbus LoadELF") == 1
    assert "macro" not in re.sub("#.*", "", script + common)
    assert not re.search("https?:|ApplySVD", script + common + BASE.read_text(encoding="utf-8"))


def test_script_names_every_variable_that_it_takes() -> None:
    text = (BOARDS_DIR / "stm32f4.resc").read_text(encoding="utf-8")
    comments, commands = "".join(re.findall("#.*\n", text)), re.sub("#.*", "", text)
    taken = set(re.findall(r"\$\w+", commands))
    assert taken == {"$elf", "$versioned", "$link_port", "$bus_port", "$console_port"}
    assert all(name in comments for name in taken)


def test_the_command_for_a_shell_gives_renode_what_it_says(tmp_path: Path) -> None:
    """A shell must not take Renode's variables for its own."""
    text = (BOARDS_DIR / "stm32f4.resc").read_text(encoding="utf-8")
    command = re.search(r"^#   (renode (?:.*\\\n#)*.*)$", text, re.MULTILINE)
    assert command
    renode = tmp_path / "renode"
    renode.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n", encoding="utf-8")
    renode.chmod(0o755)
    lines = command[1].replace("\n#", "\n")
    said = subprocess.run(
        ["/bin/sh", "-c", lines], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    given = [part.strip() for line in said.stdout.splitlines() if line != "-e" for part in line.split(";")]
    assert [part.split("=")[0] for part in given] == [
        *("$elf", "$versioned", "$link_port", "$bus_port", "$console_port"),
        "include @boards/pyboard_v11/pyboard_v11.resc",
        "start",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("    size: 5", "belongs to nothing"),
        ("a: B.C @ sysbus 0x0\n    size = 5", "is not understood"),
        ("a: B.C @ {\n    sysbus 0x0;\n", "a brace is open"),
    ],
)
def test_platform_that_is_none_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)
