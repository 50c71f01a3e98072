"""Boards as data: what a ``board.toml`` may say, what each mistake is answered with, and what is made from it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from perilune import boards
from perilune.boards import BoardError, load_board

from hil.targets.symbols import Symbols

REPOSITORY_BOARDS = ["feather_stm32f405", "netduinoplus2", "pyboard_v11", "stm32f4_discovery"]
LINKER = shutil.which("arm-none-eabi-ld")
COMPILER = shutil.which("arm-none-eabi-gcc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of boards with a copy of one board, ``mine``."""
    target = tmp_path / "boards" / "mine"
    target.mkdir(parents=True)
    shutil.copy(boards.BOARDS_DIR / "netduinoplus2" / "board.toml", target)
    return target.parent


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "mine" / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the board"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_repository_has_its_boards_and_all_can_be_read() -> None:
    names = boards.board_names()
    assert set(REPOSITORY_BOARDS) <= set(names)
    assert names == sorted(names)
    for name in names:
        assert load_board(name).name == name


def test_unknown_board_gets_the_list_and_the_way_to_a_new_one(folder: Path) -> None:
    shutil.copytree(folder / "mine", folder / "another")
    with pytest.raises(BoardError) as error:
        load_board("nosuch", folder)
    assert str(error.value) == (
        "unknown board 'nosuch'. Known boards:\n  another\n  mine\nA new one is a new folder: boards/README.md"
    )


def test_copied_folder_is_a_board(folder: Path) -> None:
    assert boards.board_names(folder) == ["mine"]
    assert load_board("mine", folder).mcu == "STM32F405RG"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('mcu = "STM32F405RG"', 'mcu = "STM32F411RE"', "mcu 'STM32F411RE' is not one of STM32F405RG, STM32F407VG"),
        ("hse_hz = 25_000_000", "hse_hz = 25_500_000", "hse_hz is 25500000; the PLL set-up needs whole MHz"),
        ("hse_hz = 25_000_000", "hse_hz = 27_000_000", "Expected `int` <= 26000000 - at `$.hse_hz`"),
        ("hse_hz = 25_000_000", 'hse_hz = "fast"', "Expected `int`, got `str` - at `$.hse_hz`"),
        ("hse_hz = 25_000_000", "", "Object missing required field `hse_hz`"),
        ("hse_hz = 25_000_000", "hse_hz = ", "Invalid value"),
        ('description = "Netduino Plus 2"', 'description = "12\\" board"', "- at `$.description`"),
        ("sectors = [10, 11]", "sectors = [9, 11]", "storage.sectors must be consecutive, found [9, 11]"),
        ("sectors = [10, 11]", "sectors = [11, 10]", "storage.sectors must be consecutive, found [11, 10]"),
        ("sectors = [10, 11]", "sectors = [11]", "Expected `array` of length >= 2 - at `$.storage.sectors`"),
        ("sectors = [10, 11]", "sectors = [5, 6]", "Expected `int` >= 6 - at `$.storage.sectors[0]`"),
        ("sectors = [10, 11]", "sectors = [11, 12]", "Expected `int` <= 11 - at `$.storage.sectors[1]`"),
        ("flash_kib = 512", "flash_kib = 800", "budget.flash_kib = 800 reaches into storage sector 10"),
        ("heap_kib = 88", "heap_kib = 200", "Expected `int` <= 120 - at `$.budget.heap_kib`"),
        ('pin = "PA10"', 'pin = "A10"', "- at `$.led.pin`"),
        ('pin = "PA10"', 'pin = "PA16"', "- at `$.led.pin`"),
        ('pin = "PA10"', 'pin = "PD12"', "led.pin = PD12, a pin that the STM32F405RG does not have"),
        ('A0 = "PC0"', 'A0 = "PE1"', "pins.A0 = PE1, a pin that the STM32F405RG does not have"),
        ('A0 = "PC0"', '"A-0" = "PC0"', "- at `key` in `$.pins`"),
        ('A0 = "PC0"', 'LED = "PC0"', "pins.LED is made from led.pin; give this pin another name"),
        ('tx = "PB6"', 'tx = "PC6"', "uart.link.tx = PC6, but must be one of PA9, PB6"),
        ('rx = "PB11"', 'rx = "PC10"', "uart.console.rx = PC10, but must be one of PB11, PC11, PD9"),
        ('scl = "PB8"', 'scl = "PB10"', "i2c.1.scl = PB10, but must be one of PB6, PB8"),
        ('sda = "PB9"', 'sda = "PB7"', "i2c.1.sda and uart.link.rx are both PB7"),
        ("[i2c.1]", "[i2c.4]", "- at `key` in `$.i2c`"),
        ('tx = "PB6"', 'tx = "PB6"\nbaud = 1000000', "Expected `int` <= 921600 - at `$.uart.link.baud`"),
        ('tx = "PB6"', 'tx = "PB6"\nrx_size = 63', "Expected `int` >= 64 - at `$.uart.link.rx_size`"),
        ('tx = "PB6"', 'tx = "PB6"\nspeed = 1', "Object contains unknown field `speed` - at `$.uart.link`"),
        ('methods = ["dfu", "serial"]', "methods = []", "Expected `array` of length >= 1 - at `$.flash.methods`"),
        ('methods = ["dfu", "serial"]', 'methods = ["jtag"]', "Invalid enum value 'jtag' - at `$.flash.methods[0]`"),
    ],
)
def test_mistake_is_answered_with_file_and_field(folder: Path, old: str, new: str, message: str) -> None:
    change(folder, old, new)
    with pytest.raises(BoardError) as error:
        load_board("mine", folder)
    assert str(error.value).startswith(f"{folder}/mine/board.toml: ")
    assert message in str(error.value)


def test_command_lists_boards_and_generates_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boards.main(["--boards", str(folder), "list"]) == 0
    assert capsys.readouterr().out == "mine\n"
    assert boards.main(["--boards", str(folder), "generate", "mine", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["board.h", "board.ld", "pins.h"]
    assert boards.main(["--boards", str(folder), "generate", "yours", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: unknown board 'yours'")


def test_header_says_what_the_board_says(folder: Path) -> None:
    change(folder, "hse_hz = 25_000_000", "hse_hz = 8_000_000\nhse_bypass = true")
    change(folder, 'tx = "PB6"', 'tx = "PA9"\nrx_size = 2048\ntx_size = 512\nbaud = 9600')
    change(folder, 'pin = "PA10"', 'pin = "PC1"\nactive_low = true')
    change(folder, "sectors = [10, 11]", "sectors = [8, 9, 10]")
    defines = dict(
        line.split(" //")[0].split(maxsplit=2)[1:]
        for line in boards.header(load_board("mine", folder)).splitlines()
        if line.count(" ") >= 2 and line.startswith("#define")
    )
    expected = {
        "BOARD_NAME": '"mine"',
        "BOARD_DESCRIPTION": '"Netduino Plus 2"',
        "BOARD_MCU": '"STM32F405RG"',
        "BOARD_HSE_HZ": "8000000u",
        "BOARD_HSE_BYPASS": "1",
        "BOARD_FLASH_SIZE": "1048576u",
        "BOARD_STORAGE_FIRST_SECTOR": "8u",
        "BOARD_STORAGE_SECTORS": "3u",
        "BOARD_LED": "33u",
        "BOARD_LED_ACTIVE_LOW": "1",
        "BOARD_UART1_TX": "9u",
        "BOARD_UART1_RX": "23u",
        "BOARD_UART1_RX_SIZE": "2048u",
        "BOARD_UART1_TX_SIZE": "512u",
        "BOARD_UART1_BAUD": "9600u",
        "BOARD_UART2_TX": "2u",
        "BOARD_UART2_RX_SIZE": "512u",
        "BOARD_UART3_RX_SIZE": "1024u",
        "BOARD_UART3_TX": "26u",
        "BOARD_UART3_BAUD": "115200u",
        "BOARD_I2C_PINS": "{ { 24u, 25u }, { 255u, 255u }, { 255u, 255u } }",
        "BOARD_SPI_PINS": "{ { 255u, 255u, 255u }, { 29u, 31u, 30u }, { 255u, 255u, 255u } }",
    }
    assert {name: defines.get(name) for name in expected} == expected


def test_pin_table_has_the_led_and_the_names_of_the_board(folder: Path) -> None:
    rows = boards.pin_table(load_board("mine", folder)).splitlines()[1:]
    assert "PIN(LED, 10)" in rows
    assert "PIN(A0, 32)" in rows
    assert "PIN(D13, 29)" in rows
    assert rows == sorted(rows)


@pytest.mark.parametrize(("sector", "address"), [(5, 0x0802_0000), (6, 0x0804_0000), (11, 0x080E_0000)])
def test_sectors_lie_where_the_manual_has_them(sector: int, address: int) -> None:
    assert boards.sector_address(sector) == address


def test_generated_files_are_touched_only_when_they_change(folder: Path, tmp_path: Path) -> None:
    board = load_board("mine", folder)
    boards.generate(board, "flight", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("board.*")}
    boards.generate(board, "flight", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("board.*")} == before
    boards.generate(board, "dev", tmp_path)
    assert (tmp_path / "board.ld").stat().st_mtime_ns != before[tmp_path / "board.ld"]


# ---- The linker script at work ----


def link(folder: Path, variant: str, static_ram: int, flash: int, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Link a program that takes so much with the script of board ``mine``."""
    assert COMPILER
    assert LINKER
    boards.generate(load_board("mine", folder), variant, tmp_path)
    source = tmp_path / "program.c"
    source.write_text(
        f"static char ram[{static_ram}]; static const char flash[{flash}] = {{1}};\n"
        "int data = 5;\n"
        '__attribute__((section(".isr_vector"), used)) static const int vectors[4];\n'
        "void Reset_Handler(void) { for (;;) ((volatile char *)ram)[data] = ((volatile const char *)flash)[data]; }\n"
    )
    subprocess.run(
        [COMPILER, "-mcpu=cortex-m4", "-mthumb", "-O1", "-c", str(source), "-o", str(tmp_path / "program.o")],
        check=True,
    )
    return subprocess.run(
        [LINKER, "-T", str(tmp_path / "board.ld"), "-o", str(tmp_path / "program.elf"), str(tmp_path / "program.o")],
        capture_output=True,
        text=True,
        check=False,
    )


def symbols(elf: Path) -> dict[str, int]:
    table = Symbols(elf)
    names = ("_stack_guard", "_stack_bottom", "_stack_top", "_fault_stack_top", "_bss_end", "_heap_start", "_heap_end")
    return {name: table.address(name) for name in names}


def test_memory_is_laid_out_as_the_script_says(folder: Path, tmp_path: Path) -> None:
    assert link(folder, "flight", 1000, 1000, tmp_path).stderr == ""
    at = symbols(tmp_path / "program.elf")
    assert at["_stack_guard"] == 0x2000_0000
    assert at["_stack_bottom"] == 0x2000_0000 + 256
    assert at["_stack_top"] == at["_stack_bottom"] + 12 * 1024
    assert at["_fault_stack_top"] == at["_stack_top"] + 512
    assert at["_bss_end"] <= at["_heap_start"] < at["_bss_end"] + 16
    assert at["_heap_end"] == 0x2002_0000


def test_static_memory_that_leaves_too_little_heap_does_not_link(folder: Path, tmp_path: Path) -> None:
    room = 128 * 1024 - 12 * 1024 - 256 - 512 - 88 * 1024
    assert link(folder, "flight", room - 32, 100, tmp_path).returncode == 0
    failed = link(folder, "flight", room + 32, 100, tmp_path)
    assert failed.returncode != 0
    assert "SRAM heap is under budget.heap_kib of board.toml" in failed.stderr


def test_flight_image_over_its_budget_does_not_link_and_dev_may_grow_to_storage(folder: Path, tmp_path: Path) -> None:
    over = 512 * 1024 + 1
    failed = link(folder, "flight", 100, over, tmp_path)
    assert failed.returncode != 0
    assert "region `FLASH' overflowed" in failed.stderr
    assert link(folder, "dev", 100, over, tmp_path).returncode == 0
    assert link(folder, "dev", 100, boards.sector_address(10) - boards.FLASH_BASE, tmp_path).returncode != 0
