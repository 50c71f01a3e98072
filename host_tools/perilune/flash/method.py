"""The four ways onto a board: which tool, which commands, how its words are to be read.

The tools do the work (dfu-util, st-flash, openocd, stm32loader); this file knows their arguments and their answers.
Every way first asks which part is there, changes nothing when it is another one, leaves the storage sectors alone, and
compares what it wrote. Of several programmers, or boards in DFU mode, the one that is asked is the one that is written
to: its serial number has to be given.

Sources: ST AN2606 (boot loader: USB, USART1 on PA9/PA10, USART3 on PB10/PB11 or PC10/PC11), AN3155 (USART protocol),
RM0090 38.6.1 (device id 413 of STM32F405/F407), table 5 (sectors).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from ..boards import FLASH_BASE
from ..errors import FlashError

DEVICE_ID = 0x413  # STM32F405/F407 and F415/F417
DFU_DEVICE = "0483:df11"
# First octet behind each sector, from the start of the flash (RM0090 table 5).
SECTOR_ENDS = [0x4000, 0x8000, 0xC000, 0x1_0000, *range(0x2_0000, 0x10_0001, 0x2_0000)]
# stm32loader counts "pages" of this size and sends their numbers; the boot loader of an F4 takes them as sectors.
_STM32LOADER_PAGE = 1024


class Request(msgspec.Struct, frozen=True):
    """What is to be written where. size: octets. port, baud: of the serial way. serial: of the programmer; "" = any."""

    image: Path
    size: int
    port: str = ""
    baud: int = 115_200
    serial: str = ""


class Step(msgspec.Struct, frozen=True):
    """One call of a tool. text: for people. timeout_s: after it the tool is stopped. writes: it changes the board.

    copy: file that the tool makes, which must begin with the image. left: words with which the tool fails when the
    board has done what it was told and is gone; "" where it does not go.
    """

    text: str
    argv: list[str]
    timeout_s: float
    writes: bool = False
    copy: Path | None = None
    left: str = ""


class Method(msgspec.Struct, frozen=True):
    """One way onto a board.

    probe: asks for the part; read_probe(output, request) is "" when it is the right one, else what was
    found instead; it raises FlashError when it is not clear which programmer is meant.
    write: the calls that write and compare. silent: words of the tool that mean that nobody answered.
    connect: what to wire and press.
    """

    name: str
    tool: str
    package: str
    probe: Callable[[Request], Step]
    read_probe: Callable[[str, Request], str]
    write: Callable[[Request], list[Step]]
    silent: tuple[str, ...]
    connect: str


def sectors(size: int) -> int:
    """Sectors that the first *size* octets of the flash touch."""
    return next(number for number, end in enumerate(SECTOR_ENDS, start=1) if size <= end)


def _hexadecimal(pattern: str) -> Callable[[str, Request], str]:
    """A read_probe: the device id is what *pattern* finds."""

    def read(output: str, _request: Request) -> str:
        found = re.search(pattern, output, re.IGNORECASE)
        if found is None:
            return "no device id"
        identifier = int(found[1], 16) & 0xFFF
        return "" if identifier == DEVICE_ID else f"device id {identifier:#05x}"

    return read


def _chosen(what: str, found: dict[str, str], request: Request) -> str:
    """Of what was found, by serial number, the words about the one that is meant. Raises FlashError."""
    names = ", ".join(found)
    if request.serial:
        if request.serial not in found:
            raise FlashError(
                f"no {what} has this serial number; nothing was changed",
                expected=request.serial,
                found=names,
                next_step="--serial with one of them",
            )
        return found[request.serial]
    if len(found) > 1:
        raise FlashError(
            f"more than one {what} is connected; nothing was changed",
            expected="one, or --serial",
            found=names,
            next_step=f"--serial {next(iter(found))} (make flash SERIAL={next(iter(found))})",
        )
    return next(iter(found.values()))


# ---- USB: the boot loader's DFU -------------------------------------------------------------------------------------


def _dfu(request: Request, *arguments: str) -> list[str]:
    serial = ["--serial", request.serial] if request.serial else []
    return ["dfu-util", "--device", DFU_DEVICE, *serial, "--alt", "0", *arguments]


def _dfu_probe(_request: Request) -> Step:
    return Step("asking for boards in DFU mode", ["dfu-util", "--list"], 20)


def _read_dfu(output: str, request: Request) -> str:
    # A line for each memory of each board.
    boards: dict[str, str] = {}
    for line in output.splitlines():
        if DFU_DEVICE in line:
            serial = re.search(r'serial="([^"]*)"', line)
            key = serial[1] if serial else "UNKNOWN"
            boards[key] = f"{boards.get(key, '')}{line}\n"
    if not boards:
        return "no board in DFU mode"
    layouts = re.findall(r'name="([^"]*)"', _chosen("board in DFU mode", boards, request))
    flash = [layout for layout in layouts if "Internal Flash" in layout]
    if not flash:
        return "no board in DFU mode"
    # The parts that we know show 4 sectors of 16 KiB, one of 64 KiB, 7 of 128 KiB.
    if not any(re.search(r"/0x08000000/04\*0?16Kg,01\*0?64Kg,0?7\*128Kg", layout) for layout in flash):
        return f"flash '{flash[0]}'"
    return ""


def _dfu_write(request: Request) -> list[Step]:
    copy = request.image.with_suffix(".readback")
    return [
        Step(
            "erasing and writing",
            _dfu(request, "--dfuse-address", f"{FLASH_BASE:#010x}", "--download", str(request.image)),
            180,
            writes=True,
        ),
        Step(
            "reading back and comparing",
            _dfu(request, "--dfuse-address", f"{FLASH_BASE:#010x}:{request.size}", "--upload", str(copy)),
            120,
            copy=copy,
        ),
        # Without a file to read or write dfu-util only does what stands behind the address (since 0.10, of 2020). A
        # board that starts at once has no answer any more when it is asked whether it has left.
        Step(
            "starting the program",
            _dfu(request, "--dfuse-address", f"{FLASH_BASE:#010x}:leave"),
            20,
            left="Error during download get_status",
        ),
    ]


# ---- ST-LINK --------------------------------------------------------------------------------------------------------


def _stlink_serial(request: Request) -> list[str]:
    return ["--serial", request.serial] if request.serial else []


def _stlink_probe(_request: Request) -> Step:
    return Step("asking the ST-LINK for its part", ["st-info", "--probe"], 20)


def _read_stlink(output: str, request: Request) -> str:
    # Each programmer's lines begin with its version, or with its serial number in older st-info.
    first = "version" if re.search(r"^\s*version:", output, re.MULTILINE) else "serial"
    programmers: dict[str, str] = {}
    for words in re.split(rf"^(?=\s*{first}:)", output, flags=re.MULTILINE)[1:]:
        serial = re.search(r"^\s*serial:\s*(\S+)", words, re.MULTILINE)
        programmers[serial[1] if serial else f"one without a serial number ({len(programmers) + 1})"] = words
    return _hexadecimal(r"chipid:\s*(?:0x)?([0-9a-f]+)")(
        _chosen("ST-LINK", programmers, request) if programmers else output, request
    )


def _stlink_write(request: Request) -> list[Step]:
    # st-flash erases the sectors that it writes, and compares.
    argv = ["st-flash", *_stlink_serial(request), "--reset", "write", str(request.image), f"{FLASH_BASE:#010x}"]
    return [Step("erasing, writing and comparing", argv, 180, writes=True)]


# ---- OpenOCD --------------------------------------------------------------------------------------------------------


def _openocd(request: Request, *commands: str) -> list[str]:
    serial = ["--command", f"adapter serial {request.serial}"] if request.serial else []
    files = ["--file", "interface/stlink.cfg", *serial, "--file", "target/stm32f4x.cfg"]
    return ["openocd", *files, *(word for command in commands for word in ("--command", command))]


def _openocd_probe(request: Request) -> Step:
    return Step(
        "asking OpenOCD for the part", _openocd(request, "init", "reset halt", "mdw 0xE0042000", "shutdown"), 30
    )


def _openocd_write(request: Request) -> list[Step]:
    program = f"program {{{request.image}}} {FLASH_BASE:#010x} verify reset exit"
    return [Step("erasing, writing and comparing", _openocd(request, program), 180, writes=True)]


# ---- serial: the boot loader's USART --------------------------------------------------------------------------------


def _stm32loader(request: Request, *arguments: str) -> list[str]:
    common = ["--port", request.port, "--baud", str(request.baud), "--family", "F4"]
    return [sys.executable, "-m", "stm32loader", *common, *arguments]


def _serial_probe(request: Request) -> Step:
    return Step(f"asking the boot loader at {request.port}", _stm32loader(request), 40)


def _serial_write(request: Request) -> list[Step]:
    erased = str(sectors(request.size) * _STM32LOADER_PAGE)
    # Reading back takes as long as writing: 11 bits an octet, and as much again for what is asked and answered.
    timeout_s = 60 + 4 * request.size * 11 / request.baud
    return [
        Step(
            f"erasing sectors 0 to {sectors(request.size) - 1}",
            _stm32loader(request, "--erase", "--address", "0", "--length", erased),
            60,
            writes=True,
        ),
        Step(
            "writing and comparing",
            _stm32loader(request, "--write", "--verify", "--go-address", f"{FLASH_BASE:#010x}", str(request.image)),
            timeout_s,
            writes=True,
        ),
    ]


METHODS = {
    method.name: method
    for method in (
        Method(
            "dfu",
            "dfu-util",
            "dfu-util",
            _dfu_probe,
            _read_dfu,
            _dfu_write,
            ("No DFU capable USB device available", "Cannot open DFU device", "no board in DFU mode"),
            "connect USB and start the boot loader: {boot_loader}. Without permission, add a udev rule for 0483:df11.",
        ),
        Method(
            "stlink",
            "st-flash",
            "stlink-tools",
            _stlink_probe,
            _read_stlink,
            _stlink_write,
            ("Found 0 stlink programmers", "Couldn't find any ST-Link devices", "Failed to connect to target"),
            "connect the ST-LINK by USB, and SWDIO, SWCLK, NRST and GND to the board, which needs power of its own.",
        ),
        Method(
            "openocd",
            "openocd",
            "openocd",
            _openocd_probe,
            _hexadecimal(r"0xe0042000:\s*([0-9a-f]{8})"),
            _openocd_write,
            ("open failed", "init mode failed", "unable to connect to the target"),
            "connect the ST-LINK by USB, and SWDIO, SWCLK, NRST and GND to the board, which needs power of its own.",
        ),
        Method(
            "serial",
            "stm32loader",
            "stm32loader (a Python package)",
            _serial_probe,
            _hexadecimal(r"Chip id:\s*0x([0-9a-f]+)"),
            _serial_write,
            (
                "Can't init into bootloader",
                "Can't read port or timeout",
                "could not open port",
                "Bad reply",
                "IndexError",
            ),
            "wire a 3.3 V adapter to USART3 (PB10 sends, PB11 receives) or USART1 (PA9, PA10), GND to GND, and start"
            " the boot loader: {boot_loader}.",
        ),
    )
}
