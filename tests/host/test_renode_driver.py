"""The Renode target against a program that answers like Renode; the real one is used where it is installed."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from perilune.boards import BOARDS_DIR, sector_address

from hil import renode_package
from hil.renode_package import check_version, find_renode
from hil.targets import renode as driver
from hil.targets.errors import ControlError, EmulatorMissing
from hil.targets.renode import Renode

DOUBLE = Path(__file__).with_name("renode_double.py")
STORAGE_SIZE = 2 * 128 * 1024
STORAGE_AT = sector_address(10)
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts the double into RENODE_ROOT; returns the file that its commands go to."""

    def put(version: str = "1.16.1.12345", later: bool = False) -> Path:
        root = tmp_path / "renode root"
        root.mkdir(exist_ok=True)
        script = root / "renode"
        # As Renode's own start command: a shell script that starts the program as a child.
        script.write_text(f'#!/bin/sh\n"{sys.executable}" "{DOUBLE}" "$@"\nexit $?\n', encoding="utf-8")
        script.chmod(0o755)
        log = tmp_path / "commands.log"
        log.touch()
        monkeypatch.setenv("RENODE_ROOT", str(root))
        monkeypatch.setenv("RENODE_DOUBLE_LOG", str(log))
        monkeypatch.setenv("RENODE_DOUBLE_VERSION", version)
        if later:
            monkeypatch.setenv("RENODE_DOUBLE_LATER", "1")
        return log

    return put


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    path = tmp_path / "my firmware.elf"
    path.write_bytes(b"\x7fELF")
    return path


@pytest.fixture
def target() -> Iterator[Renode]:
    with Renode("pyboard_v11") as target:
        yield target


def test_missing_renode_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RENODE_ROOT", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(renode_package, "UNPACKED", Path("nowhere"))
    with pytest.raises(EmulatorMissing) as error:
        find_renode()
    assert str(error.value) == (
        "Renode is not installed: download renode-1.16.1.linux-portable-dotnet.tar.gz from "
        "https://github.com/renode/renode/releases/tag/v1.16.1 and run `make renode PACKAGE=<the file>`, "
        "or set RENODE_ROOT to an unpacked one"
    )


def test_folder_without_renode_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENODE_ROOT", str(tmp_path))
    with pytest.raises(EmulatorMissing, match=r"RENODE_ROOT is .*, but there is no command 'renode' in it"):
        find_renode()


@pytest.mark.parametrize("version", ["1.16.1", "1.16.1.33024", "1.17.0", "2.0.0"])
def test_version_that_is_new_enough_is_taken(install: Install, version: str) -> None:
    install(version)
    assert check_version(find_renode()) == tuple(int(part) for part in version.split(".")[:3])


@pytest.mark.parametrize("version", ["1.16.0.1", "1.15.3", "0.99.9"])
def test_version_that_is_too_old_is_said(install: Install, version: str) -> None:
    install(version)
    with pytest.raises(EmulatorMissing, match=r"^Renode 1\.16\.1 or later is needed, .* is " + version[:4]):
        check_version(find_renode())


def test_program_that_says_no_version_is_not_taken(install: Install) -> None:
    install("nightly")
    with pytest.raises(EmulatorMissing, match="says no version"):
        check_version(find_renode())


@pytest.mark.parametrize(("later", "versioned"), [(False, "1.16"), (True, "later")])
def test_boot_gives_the_script_what_it_takes(
    install: Install, target: Renode, elf: Path, later: bool, versioned: str
) -> None:
    log = install(later=later)
    target.boot(elf)
    commands = log.read_text(encoding="utf-8").splitlines()
    ports = [re.fullmatch(r"\$(\w+)_port=(\d+)", command) for command in commands]
    assert [found[1] for found in ports if found] == ["link", "bus", "console"]
    assert len({found[2] for found in ports if found}) == 3
    assert [command for command in commands if "_port=" not in command and "LoadBinary" not in command] == [
        "mach create",
        'machine LoadPlatformDescriptionFromString "probe: I2C.STM32F1_I2C @ sysbus 0x40005400"',
        "[ResetEmulation]",
        f"$elf=@{elf.parent}/my\\ firmware.elf",
        f"$versioned=@{BOARDS_DIR}/stm32f4_i2c_spi_rng_{versioned}.repl",
        f"include @{BOARDS_DIR}/pyboard_v11/pyboard_v11.resc",
        "start",
    ]


def test_uarts_are_three_lines(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    for name, channel in target.uarts.items():
        channel.write(name.encode())
    for name, channel in target.uarts.items():
        assert channel.read_exactly(len(name)) == name.encode()


def test_memory_is_read_and_written(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    target.memory.write_word(0x2000_0000, 0x1234_5678)
    target.memory.write(0x2000_0001, b"\xab\xcd")
    assert target.memory.read_word(0x2000_0000) == 0x12CD_AB78
    assert target.memory.read(0x2000_0000, 5) == b"\x78\xab\xcd\x12\x00"


def test_numbers_in_another_form_are_told_and_not_waited_for(
    install: Install, target: Renode, elf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user's setting of the monitor may have it; so the driver gives Renode settings of its own."""
    monkeypatch.setenv("RENODE_DOUBLE_DECIMAL", "1")
    install()
    target.boot(elf)
    with pytest.raises(ControlError, match=r"expected 5 numbers of Renode, 0x..., found 0 in "):
        target.memory.read(0x2000_0000, 5)
    with pytest.raises(ControlError, match=r"expected 1 numbers of Renode, 0x..., found 0 in '0'"):
        target.memory.read_word(0x2000_0000)
    target.stop()


def test_renode_gets_settings_of_its_own(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    arguments = Path(f"/proc/{target.pid}/cmdline").read_bytes().split(b"\0")
    assert b"/perilune-renode-" in arguments[arguments.index(b"--config") + 1]


def test_a_renode_that_hangs_does_not_hang_its_user(
    install: Install, target: Renode, elf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE_DOUBLE_HANGS", "machine Reset")
    install()
    monkeypatch.setattr(driver, "ANSWER_TIMEOUT_S", 4.0)  # above what the double needs to load the storage
    target.boot(elf)
    with pytest.raises(ControlError, match="did not take ExecuteCommand machine Reset: timed out"):
        target.reset()


def test_the_version_is_asked_for_once_and_not_at_each_boot(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    started = Path(os.environ["RENODE_ROOT"], "renode")
    started.write_text(
        started.read_text(encoding="utf-8").replace("#!/bin/sh", '#!/bin/sh\n[ "$1" != --version ] || exit 9')
    )
    target.boot(elf)
    assert target.pid is not None


def test_time_is_stopped_and_granted(install: Install, target: Renode, elf: Path) -> None:
    log = install()
    target.boot(elf, paused=True)
    target.run_for(0.25)
    target.resume()
    target.pause()
    target.reset()
    assert log.read_text(encoding="utf-8").splitlines()[-4:] == [
        'emulation RunFor "0.250000"',
        "start",
        "pause",
        "machine Reset",
    ]


def test_storage_is_erased_at_first_and_kept_over_a_power_cut(
    install: Install, target: Renode, elf: Path, tmp_path: Path
) -> None:
    install()
    target.boot(elf)
    assert target.memory.read(STORAGE_AT, 16) == b"\xff" * 16
    target.memory.write(STORAGE_AT + 5, b"kept")
    target.memory.write_word(0x2000_0000, 1)
    target.power_cut()
    assert target.memory.read(STORAGE_AT, 10) == b"\xff" * 5 + b"kept\xff"
    assert target.memory.read_word(0x2000_0000) == 0


def test_storage_file_is_read_and_written(install: Install, target: Renode, elf: Path, tmp_path: Path) -> None:
    install()
    storage = tmp_path / "storage.bin"
    storage.write_bytes(b"old")
    target.boot(elf, storage=storage)
    assert target.memory.read(STORAGE_AT, 5) == b"old\xff\xff"
    target.memory.write(STORAGE_AT + STORAGE_SIZE - 3, b"new")
    target.stop()
    assert storage.read_bytes() == b"old" + b"\xff" * (STORAGE_SIZE - 6) + b"new"


def test_refused_command_is_told_in_renodes_words(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    with pytest.raises(ControlError, match=r"Renode refused ExecuteCommand .*: KeywordException: Error E11"):
        target.execute('machine LoadPlatformDescriptionFromString "x"')


def test_nothing_stays_behind(install: Install, target: Renode, elf: Path) -> None:
    install()
    target.boot(elf)
    assert target.pid is not None
    group = target.pid
    members = [pid for pid in Path("/proc").glob("[0-9]*") if group_of(pid) == group]
    assert len(members) == 2  # the start script and the program
    target.stop()
    assert [pid for pid in members if group_of(pid) == group] == []
    assert target.pid is None
    with pytest.raises(ControlError, match="no machine is running"):
        target.execute("start")


def group_of(process: Path) -> int:
    try:
        state, _parent, group = process.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return int(group) if state != "Z" else 0


def test_program_that_is_not_there_is_named(install: Install, target: Renode, tmp_path: Path) -> None:
    install()
    with pytest.raises(FileNotFoundError, match=r"none\.elf is not there"):
        target.boot(tmp_path / "none.elf")
    assert os.environ["RENODE_ROOT"]
