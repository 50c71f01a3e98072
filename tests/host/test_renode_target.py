"""Renode as a target, against a program that answers like Renode: whose time it is, and who answers on the bus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.boards import BOARDS_DIR, sector_address

from hil.bench import Bench
from hil.plant import rtu
from hil.plant.attached import AttachedPlant
from hil.plant.plant import Plant
from hil.targets.errors import CapabilityMissing
from hil.targets.renode_target import RenodeTarget
from tests.host.test_renode_driver import Install, elf, install

__all__ = ["elf", "install"]  # fixtures


@pytest.fixture
def target(elf: Path, tmp_path: Path) -> Iterator[RenodeTarget]:
    """A target on the double, not booted."""
    with RenodeTarget(Bench(target="renode", board="pyboard_v11", image=str(elf), name="renode"), tmp_path) as target:
        yield target


def test_time_moves_only_in_run_for(install: Install, target: RenodeTarget) -> None:
    log = install()
    target.boot()
    assert "start" not in log.read_text(encoding="utf-8").splitlines()
    begin = target.now_s()
    target.run_for(0.025)
    assert target.now_s() - begin == pytest.approx(0.025)
    slices = [line for line in log.read_text(encoding="utf-8").splitlines() if "RunFor" in line]
    assert slices == [f'emulation RunFor "{seconds}"' for seconds in ("0.010000", "0.010000", "0.005000")]


def test_renode_does_not_wait_for_the_hosts_clock(install: Install, target: RenodeTarget) -> None:
    log = install()
    target.boot()
    commands = log.read_text(encoding="utf-8").splitlines()
    assert commands[-1] == "emulation SetGlobalAdvanceImmediately true"
    script = (BOARDS_DIR / "stm32f4.resc").read_text(encoding="utf-8")
    assert "AdvanceImmediately" not in script, "a board for people goes with their clock"


def test_evidence_has_the_storage_as_it_is_now(install: Install, target: RenodeTarget) -> None:
    install()
    target.boot()
    assert target.evidence()["storage.bin"][:8] == b"\xff" * 8
    target.memory.write(sector_address(10), b"now")
    assert target.evidence()["storage.bin"][:8] == b"now" + b"\xff" * 5
    target.memory.write(sector_address(10), b"end")
    target.power_off()
    assert target.evidence()["storage.bin"][:8] == b"end" + b"\xff" * 5


def test_what_the_link_says_ends_the_wait_for_it(install: Install, target: RenodeTarget) -> None:
    install()
    target.boot()
    target.link.write(b"echo")
    target.await_octets(60.0)
    assert target.link.read() == b"echo"
    assert target.now_s() < 60.0


def test_the_plant_answers_on_the_bus_and_keeps_renodes_time(
    install: Install,
    target: RenodeTarget,
) -> None:
    install()
    plant = AttachedPlant(Plant(step_s=1.0))
    target.attach(plant)
    target.boot()
    slave = plant.call(lambda p: p.power_map.slave)
    request = rtu.frame(bytes((slave, 4, 0, 0, 0, 2)))
    target.bus.write(request)  # the double sends it back, as if the board had asked
    target.run_until(lambda: len(target.bus.sent) > len(request), target.deadline(60.0), "an answer of the plant")
    answer = target.bus.sent[len(request) :][:9]
    assert answer[:3] == bytes((slave, 4, 4))
    assert rtu.is_frame(answer)
    target.run_for(2.0)
    assert plant.call(lambda p: p.now_s) == pytest.approx(target.now_s(), abs=1.01)


def test_parts_are_models_that_a_script_of_the_bench_adds(install: Install, elf: Path, tmp_path: Path) -> None:
    log = install()
    (tmp_path / "my parts.resc").touch()
    bench = Bench(
        target="renode", board="netduinoplus2", image=str(elf), name="renode", parts=str(tmp_path / "my parts.resc")
    )
    with RenodeTarget(bench, tmp_path) as target:
        target.boot()
        target.parts.set_line("battery", 29.5, -0.25)
        target.parts.set_temperature("battery_1", -7.5)
        target.parts.set_analogue("A2", 0.5)
        assert target.parts.is_on("D9")
        commands = log.read_text(encoding="utf-8").splitlines()
        assert commands[-5:] == [
            "sysbus.i2c1.battery Voltage 29.500000",
            "sysbus.i2c1.battery Current -0.250000",
            "sysbus.i2c1.battery_1 Temperature -7.500000",
            "sysbus.adc1 FeedSample 2048 12 -1",
            "sysbus.gpioPortA.heater_electronics State",
        ]
        includes = [command for command in commands if command.startswith("include")]
        assert [line.rpartition("/")[2] for line in includes] == ["netduinoplus2.resc", "my\\ parts.resc"]
        target.power_cut()
        assert log.read_text(encoding="utf-8").count("parts.resc") == 2


def test_a_bench_without_parts_says_so(target: RenodeTarget) -> None:
    assert target.why_not("parts") == "its bench names none"
    with pytest.raises(CapabilityMissing, match="renode has no parts: its bench names none"):
        _ = target.parts


def test_power_off_leaves_time_to_pass(install: Install, target: RenodeTarget) -> None:
    install()
    target.boot()
    begin = target.now_s()
    target.power_cut(0.5)
    assert target.now_s() - begin == pytest.approx(0.5)
    assert target.renode.pid is not None
    assert target.capabilities == {
        "reset",
        "power",
        "bus",
        "console",
        "storage",
        "memory",
        "exact_time",
        "fresh",
    }
