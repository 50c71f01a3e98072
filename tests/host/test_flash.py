"""Flashing: wrong images refused, the serial way against a simulated boot loader, the words of the other tools."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest
from perilune import boards, cli
from perilune.boards import load_board
from perilune.errors import FlashError, ImageError, UsageError
from perilune.flash.flasher import flash
from perilune.flash.identity import Identity, check_image, read_identity
from perilune.flash.method import METHODS, Request, sectors

from hil.boot_loader import ACK, NACK, BootLoader

BOARD = load_board("pyboard_v11")
# Big enough for three sectors, and no multiple of the 256 octets of one write.
SIZE = 0x8000 + 332


def image_of(board: str = "pyboard_v11", mcu: str = "STM32F405RG", size: int = SIZE, format_: int = 1) -> bytes:
    """An image with an identity at the place where the linker puts it, behind 98 vectors."""
    identity = struct.pack(
        "<8sII32s16s8s", b"PERILUNE", format_, 0x0800_0000 + size, board.encode(), mcu.encode(), b"flight"
    )
    body = bytes(range(256)) * (size // 256 + 1)
    return (b"\x55" * 392 + identity + body)[:size]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.bin"
    path.write_bytes(image_of())
    return path


# ---- the image ------------------------------------------------------------------------------------------------------


def test_the_built_images_say_what_they_are() -> None:
    path = Path("build/netduinoplus2-flight/firmware.bin")
    if not path.exists():
        pytest.skip("build/netduinoplus2-flight is not built: make test-images")
    identity = check_image(path, load_board("netduinoplus2"))
    assert identity == Identity("netduinoplus2", "STM32F405RG", "flight", path.stat().st_size)


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (b"", "no image of this firmware"),
        (b"\xff" * 4096, "no image of this firmware"),
        (image_of(format_=2), "identity of another format"),
        (image_of()[:-1], "is not whole"),
        (image_of()[:420], "no image of this firmware"),
        (image_of(board="netduinoplus2"), "is for another board"),
        (image_of(mcu="STM32F407VG"), "is for another board"),
        (image_of(size=0x10_0004), "does not fit"),
    ],
    ids=["empty", "blank", "format", "cut", "cut in the identity", "board", "part", "size"],
)
def test_a_wrong_image_is_refused_and_no_tool_is_run(
    octets: bytes, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "firmware.bin").write_bytes(octets)
    with pytest.raises(ImageError, match=what):
        flash(BOARD, tmp_path / "firmware.bin")


def test_a_missing_image_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="make firmware BOARD=pyboard_v11"):
        flash(BOARD, tmp_path / "firmware.bin")


def test_identity_is_read_behind_the_vectors_only() -> None:
    with pytest.raises(ImageError):
        read_identity(b"\x55" * 1020 + image_of()[392:])


@pytest.mark.parametrize(
    ("size", "count"), [(1, 1), (0x4000, 1), (0x4001, 2), (0x10001, 5), (0x20000, 5), (0x20001, 6)]
)
def test_sectors_of_an_image(size: int, count: int) -> None:
    assert sectors(size) == count


# ---- the serial way, with the real stm32loader ----------------------------------------------------------------------

# A pseudo-terminal has neither modem lines nor parity, and setting them fails; a serial port whose DTR and RTS are not
# wired takes them and nothing happens. Nor need the tests wait five seconds for a boot loader that is in step already.
NO_MODEM_LINES = """
import termios
import serial.serialposix
termios.PARENB = 0
make = serial.Serial.__init__
serial.Serial.__init__ = lambda self, **given: make(self, **{**given, "timeout": 1})
serial.serialposix.Serial._update_dtr_state = serial.serialposix.Serial._update_rts_state = lambda self: None
"""


@pytest.fixture(autouse=True)
def unwired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pyserial, in programs that are started, take a pseudo-terminal for a port whose modem lines are not wired."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_MODEM_LINES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def test_serial_writes_compares_and_starts_and_leaves_the_storage_alone(image: Path) -> None:
    said: list[str] = []
    with BootLoader() as board:
        board.flash[0:16] = bytes(16)  # an old program
        board.flash[0xC_0000:0xC_0004] = b"kept"  # storage, sector 10
        flash(BOARD, image, "serial", port=board.port, report=said.append)
    assert bytes(board.flash[:SIZE]) == image.read_bytes()
    assert board.erased == [0, 1, 2]
    assert bytes(board.flash[0xC_0000:0xC_0004]) == b"kept"
    assert board.started_at == 0x0800_0000
    assert said[-1] == "pyboard_v11: written and compared"


def test_serial_refuses_another_part_and_changes_nothing(image: Path) -> None:
    with BootLoader(device_id=0x419) as board, pytest.raises(FlashError, match="another part") as caught:
        flash(BOARD, image, "serial", port=board.port)
    assert caught.value.found == "device id 0x419"
    assert board.erased == []
    assert set(board.flash) == {0xFF}


@pytest.mark.parametrize(("command", "doing"), [(0x44, "erasing"), (0x31, "writing"), (0x11, "writing")])
def test_serial_says_what_was_refused(command: int, doing: str, image: Path) -> None:
    with BootLoader(refuse=frozenset({command})) as board, pytest.raises(FlashError, match=f"failed while {doing}"):
        flash(BOARD, image, "serial", port=board.port)
    assert board.started_at is None


def test_serial_with_a_lost_line_says_that_the_board_has_no_whole_program(image: Path) -> None:
    # Behind the probe and the erasure, in the middle of the data.
    with BootLoader(silent_after=10_000) as board, pytest.raises(FlashError) as caught:
        flash(BOARD, image, "serial", port=board.port)
    assert "no longer answers" in str(caught.value)
    assert "no whole program now" in caught.value.next_step
    assert 0 < sum(octet != 0xFF for octet in board.flash) < SIZE


def test_serial_with_worn_flash_fails_the_comparison(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a tool says last is what counts, also when it says it by another way than the rest.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    # Offset 1000 holds 0x1E in the image: its lowest bit stays 1.
    offset = next(index for index in range(1000, 2000) if not image.read_bytes()[index] & 1)
    with BootLoader(wear=frozenset({offset})) as board, pytest.raises(FlashError, match="Verification FAILED"):
        flash(BOARD, image, "serial", port=board.port)


def test_serial_with_nobody_there_says_what_to_wire_and_press(image: Path) -> None:
    with BootLoader(silent_after=0) as board, pytest.raises(FlashError, match="connect P1") as caught:
        flash(BOARD, image, "serial", port=board.port)
    assert "no board answers" in str(caught.value)


def test_serial_without_such_a_port_names_the_ports(image: Path, tmp_path: Path) -> None:
    with pytest.raises(FlashError, match="--port one of"):
        flash(BOARD, image, "serial", port=str(tmp_path / "ttyNONE"))


def test_serial_needs_a_port(image: Path) -> None:
    with pytest.raises(UsageError, match="needs a port"):
        flash(BOARD, image, "serial")


# ---- the simulated boot loader itself: literal octets of AN3155 -----------------------------------------------------


def test_boot_loader_octets() -> None:
    board = BootLoader()
    assert board.feed(b"\x00\x7f") == bytes((ACK,))
    assert board.feed(b"\x7f\x7f") == bytes((NACK,)), "already in step: not a command and its complement"
    assert board.feed(b"\x02\xfd") == bytes.fromhex("79 01 04 13 79")
    assert board.feed(b"\x00\xff") == bytes.fromhex("79 07 31 00 01 02 11 21 31 44 79")
    assert board.feed(b"\x01\xfe") == bytes.fromhex("79 31 00 00 79")
    assert board.feed(b"\x43\xbc") == bytes((NACK,)), "F4 knows Extended Erase alone"
    assert board.feed(b"\x31\xce" + bytes.fromhex("08 00 00 00 08")) == bytes((ACK, ACK))
    assert board.feed(bytes.fromhex("03 de ad be ef 21")) == bytes((ACK,))  # 03 ^ de ^ ad ^ be ^ ef
    assert board.flash[:4].hex() == "deadbeef"
    assert board.feed(b"\x31\xce" + bytes.fromhex("08 00 00 00 09")) == bytes((ACK, NACK)), "checksum of the address"
    assert board.feed(b"\x11\xee" + bytes.fromhex("08 00 00 00 08") + b"\x03\xfc") == bytes.fromhex("797979deadbeef")
    assert board.feed(b"\x11\xee" + bytes.fromhex("10 00 00 00 10") + b"\x03\xfc") == bytes((ACK, ACK, NACK))
    assert board.feed(b"\x44\xbb" + bytes.fromhex("00 00 00 0b 0b")) == bytes((ACK, ACK))
    assert board.feed(b"\x44\xbb" + bytes.fromhex("00 00 00 0c 0c")) == bytes((ACK, NACK)), "there are sectors 0 to 11"
    assert board.erased == [11]


# ---- the other tools, by words that they say ------------------------------------------------------------------------

# ruff: noqa: E501  # words of a tool
DFU_F405 = """dfu-util 0.11
Found DFU: [0483:df11] ver=2200, devnum=9, cfg=1, intf=0, path="1-2", alt=1, name="@Option Bytes  /0x1FFFC000/01*016 e", serial="1"
Found DFU: [0483:df11] ver=2200, devnum=9, cfg=1, intf=0, path="1-2", alt=0, name="@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg", serial="1"
"""
DFU_F103 = DFU_F405.replace("04*016Kg,01*064Kg,07*128Kg", "128*001Kg")
# Two boards in DFU mode: an F405 with serial "1" and an F103 with serial "2".
DFU_TWO = DFU_F405 + DFU_F103.replace('serial="1"', 'serial="2"').replace('"1-2"', '"1-3"').partition("\n")[2]
STLINK_ONE = """  version:    V2J37S7
  serial:     066CFF
  flash:      1048576 (pagesize: 16384)
  sram:       196608
  chipid:     0x413
  dev-type:   STM32F4x5_F4x7
"""
STLINK_F405 = "Found 1 stlink programmers\n" + STLINK_ONE
# Two programmers: 066CFF on an F405, 0670FF on an F103.
STLINK_TWO = "Found 2 stlink programmers\n" + STLINK_ONE + STLINK_ONE.replace("66C", "670").replace("0x413", "0x410")
STLINK_OLD = STLINK_TWO.replace("  version:    V2J37S7\n", "")
OPENOCD_F405 = "Open On-Chip Debugger 0.12.0\n0xe0042000: 10076413 \nshutdown command invoked\n"


@pytest.mark.parametrize(
    ("method", "words", "found"),
    [
        ("dfu", DFU_F405, ""),
        ("dfu", DFU_F103, "flash '@Internal Flash  /0x08000000/128*001Kg'"),
        ("dfu", "dfu-util 0.11\n", "no board in DFU mode"),
        ("stlink", STLINK_F405, ""),
        ("stlink", STLINK_F405.replace("0x413", "0x0410"), "device id 0x410"),
        ("stlink", "Found 1 stlink programmers\n", "no device id"),
        ("openocd", OPENOCD_F405, ""),
        ("openocd", OPENOCD_F405.replace("413 ", "419 "), "device id 0x419"),
        ("serial", "Chip id: 0x413 (STM32F405xx/07xx and STM32F415xx/17xx)\n", ""),
    ],
)
def test_what_a_probe_says(method: str, words: str, found: str) -> None:
    assert METHODS[method].read_probe(words, Request(Path("firmware.bin"), SIZE)) == found


@pytest.mark.parametrize(
    ("method", "words", "serial", "found"),
    [
        ("dfu", DFU_TWO, "1", ""),
        ("dfu", DFU_TWO, "2", "flash '@Internal Flash  /0x08000000/128*001Kg'"),
        ("stlink", STLINK_TWO, "066CFF", ""),
        ("stlink", STLINK_TWO, "0670FF", "device id 0x410"),
        ("stlink", STLINK_OLD, "0670FF", "device id 0x410"),
    ],
)
def test_the_part_that_is_asked_is_that_of_the_programmer_that_writes(
    method: str, words: str, serial: str, found: str
) -> None:
    assert METHODS[method].read_probe(words, Request(Path("firmware.bin"), SIZE, serial=serial)) == found


@pytest.mark.parametrize(
    ("method", "words", "serial", "what"),
    [
        ("dfu", DFU_TWO, "", "more than one board in DFU mode is connected; .*; found 1, 2; try: --serial 1"),
        ("dfu", DFU_TWO, "3", "no board in DFU mode has this serial number; .* expected 3; found 1, 2"),
        (
            "stlink",
            STLINK_TWO,
            "",
            "more than one ST-LINK is connected; .*; found 066CFF, 0670FF; try: --serial 066CFF",
        ),
        ("stlink", STLINK_OLD, "", "more than one ST-LINK is connected"),
        ("stlink", STLINK_TWO, "0671FF", "no ST-LINK has this serial number; .* found 066CFF, 0670FF"),
    ],
)
def test_without_the_serial_number_of_one_of_several_programmers_nothing_is_written(
    method: str, words: str, serial: str, what: str, tools: Path, image: Path
) -> None:
    (tools / "words").write_text(words)
    for name in ("dfu-util", "st-info", "st-flash"):
        tool(tools, name, f'cat "{tools}/words"')
    with pytest.raises(FlashError, match=what):
        flash(BOARD, image, method, serial=serial)
    assert len((tools / "calls").read_text().splitlines()) == 1, "nothing was written"


def tool(folder: Path, name: str, script: str) -> None:
    """A program of this name that does what a shell script says."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{folder}/calls"\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


# The board is a file; --upload writes it to the last argument. As dfu-util 0.11 does: --detach looks at nothing else, and
# what stands behind the address is done behind a transfer, or alone without one; the board that starts is a file too.
DFU_UTIL = """
case "$*" in
  *--list*) cat "{tools}/list" ;;
  *--detach*) ;;
  *--download*) for last; do :; done; cp "$last" "{tools}/board" ;;
  *--upload*) for last; do :; done; cp "{tools}/board" "$last" ;;
  *:leave) cp "{tools}/board" "{tools}/started"; {leaving} ;;
  *) echo "dfu-util: You need to specify one of -D or -U"; exit 64 ;;
esac"""


@pytest.mark.parametrize(
    "leaving", ["echo Submitting leave request...", "echo dfu-util: Error during download get_status; exit 74"]
)
def test_dfu_starts_what_it_has_written_and_compared(leaving: str, tools: Path, image: Path) -> None:
    (tools / "list").write_text(DFU_F405)
    tool(tools, "dfu-util", DFU_UTIL.format(tools=tools, leaving=leaving))
    flash(BOARD, image, "dfu")
    assert (tools / "started").read_bytes() == image.read_bytes()


def test_dfu_that_cannot_start_the_program_says_so(tools: Path, image: Path) -> None:
    (tools / "list").write_text(DFU_F405)
    tool(tools, "dfu-util", DFU_UTIL.format(tools=tools, leaving="echo dfu-util: Lost device; exit 74"))
    with pytest.raises(FlashError, match=r"failed while starting the program; .*Lost device"):
        flash(BOARD, image, "dfu")


def test_dfu_reads_back_and_compares(tools: Path, image: Path) -> None:
    (tools / "list").write_text(DFU_F405)
    script = DFU_UTIL.format(tools=tools, leaving="true")
    tool(tools, "dfu-util", script)
    flash(BOARD, image, "dfu")
    assert (tools / "board").read_bytes() == image.read_bytes()
    assert len((tools / "calls").read_text().splitlines()) == 4
    tool(tools, "dfu-util", script.replace('cp "$last"', "true"))
    (tools / "board").write_bytes(image.read_bytes()[:100] + b"\0" + image.read_bytes()[101:])
    with pytest.raises(FlashError, match="another octet at offset 0x64"):
        flash(BOARD, image, "dfu")
    assert not image.with_suffix(".readback").exists()
    assert len((tools / "calls").read_text().splitlines()) == 4 + 3, "what is wrong is not started"


@pytest.mark.parametrize(
    ("method", "name", "script"),
    [
        ("dfu", "dfu-util", "echo dfu-util 0.11"),
        ("stlink", "st-info", "echo Found 0 stlink programmers"),
        ("openocd", "openocd", "echo Error: open failed; exit 1"),
    ],
)
def test_nobody_there(method: str, name: str, script: str, tools: Path, image: Path) -> None:
    for other in ("dfu-util", "st-info", "st-flash", "openocd"):
        tool(tools, other, "exit 9")
    tool(tools, name, script)
    with pytest.raises(FlashError, match="no board answers"):
        flash(BOARD, image, method)
    assert len((tools / "calls").read_text().splitlines()) == 1, "nothing was written"


def test_openocd_and_stlink_write_after_the_probe(tools: Path, image: Path) -> None:
    (tools / "words").write_text(STLINK_F405 + OPENOCD_F405)
    for name in ("st-info", "st-flash", "openocd"):
        tool(tools, name, f'cat "{tools}/words"')
    flash(BOARD, image, "stlink", serial="066CFF")
    flash(BOARD, image, "openocd")
    calls = (tools / "calls").read_text().splitlines()
    assert calls[1] == f"st-flash --serial 066CFF --reset write {image} 0x08000000"
    assert calls[3].endswith(f"--command program {{{image}}} 0x08000000 verify reset exit")


def test_a_tool_that_is_missing_is_named(image: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlashError, match="dfu-util is not installed"):
        flash(BOARD, image)


def test_a_way_that_the_board_does_not_have(image: Path) -> None:
    with pytest.raises(UsageError, match="netduinoplus2 is not flashed by 'stlink'"):
        flash(load_board("netduinoplus2"), image, "stlink")


@pytest.mark.parametrize("name", boards.board_names())
def test_every_way_of_every_board_says_what_it_would_do(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    board = load_board(name)
    path = tmp_path / "firmware.bin"
    path.write_bytes(image_of(name, board.mcu))
    for method in board.flash.methods:
        arguments = ["flash", name, "--image", str(path), "--method", method, "--port", "/dev/ttyX", "--dry-run"]
        assert cli.main(arguments) == 0
        printed = capsys.readouterr().out
        assert "would run (asking" in printed
        assert str(path) in printed


def test_the_command_says_which_boards_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flash", "arduino"]) == 2
    assert "pyboard_v11" in capsys.readouterr().err
