"""The plant as a whole: determinism, state, speed, the runner's clock, the command line, and a dusk under control."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from perilune.run_record import read_run

from hil.plant import Plant, StateError
from hil.plant.__main__ import main
from hil.plant.reference import ReferenceController
from hil.plant.runner import STEPS_PER_CALL, RealTimeRunner
from hil.plant.sun import SYNODIC_DAY_S

from .conftest import power, state_text, switch_on, thermal


def eventful(make_plant: Callable[..., Plant], **arguments: object) -> tuple[Plant, ReferenceController]:
    """A plant before dusk with faults of many kinds to come, under control."""
    plant = make_plant(local_time_h=17.9, **arguments)
    plant.faults.inject("sensor_noise", at_s=300.0, sensor="battery.1")
    plant.faults.inject("sensor_stuck", at_s=700.0, sensor="mast.0")
    plant.faults.inject("sensor_drift", at_s=100.0, sensor="radio.0", rate_k_per_h=5.0)
    plant.faults.inject("heater_degraded", at_s=900.0, heater="battery", share_left=0.5)
    plant.faults.inject("feed_lost", at_s=1200.0, duration_s=600.0)
    plant.faults.inject("load_overcurrent", at_s=1500.0, load="instrument", extra_a=2.0)
    return plant, ReferenceController(plant)


# --- determinism and state --------------------------------------------------------------------------------------------


def test_same_seed_same_run_other_seed_other_measurements(make_plant: Callable[..., Plant]) -> None:
    texts, readings = [], []
    for seed in (7, 7, 8):
        plant, controller = eventful(make_plant, seed=seed)
        controller.run(7200.0)
        texts.append(state_text(plant))
        readings.append(thermal(plant).read_all()["temperature"])
    assert texts[0] == texts[1] and readings[0] == readings[1]
    assert readings[0] != readings[2]


def test_restored_plant_goes_on_bit_for_bit(make_plant: Callable[..., Plant]) -> None:
    plant, controller = eventful(make_plant, seed=3)
    controller.run(1200.0)
    for unit in (power(plant), thermal(plant)):
        unit.write("link_timeout", [3600.0])
    plant.advance(330.0)
    saved = json.loads(state_text(plant))
    twin = Plant.from_state(saved)
    assert state_text(twin) == json.dumps(saved)
    for _ in range(40):
        for one in (plant, twin):
            one.advance(170.0)
        assert power(plant).read_all() == power(twin).read_all()
        assert thermal(plant).read_all() == thermal(twin).read_all()
    assert state_text(plant) == state_text(twin)


def test_restored_registers_are_those_that_were_saved(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant()
    power(plant).write("load_command", [1.0] * 8)
    thermal(plant).write("heater_enable", [1.0] * 8)
    thermal(plant).write("heater_duty", [0.5] * 8)
    plant.advance(60.0)
    # What was told last takes effect with the next step, there as here.
    thermal(plant).write("heater_duty", [0.1] * 8)
    twin = Plant.from_state(json.loads(state_text(plant)))
    assert sum(current or 0.0 for current in thermal(plant).read_all()["heater_current"]) > 0.5
    assert thermal(twin).read_all() == thermal(plant).read_all()
    assert power(twin).read_all() == power(plant).read_all()
    assert twin.thermal_bank.input == plant.thermal_bank.input
    assert twin.thermal_bank.discrete == plant.thermal_bank.discrete


def test_restored_link_faults_go_on(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant()
    plant.faults.inject("reply_corrupted", unit="power_unit", how="garbage", share=0.5)
    request = bytes.fromhex("11 03 00 00 00 01 86 9A")
    for _ in range(10):
        plant.bus.transact(request)
    twin = Plant.from_state(json.loads(state_text(plant)))
    assert [plant.bus.transact(request) for _ in range(20)] == [twin.bus.transact(request) for _ in range(20)]


def test_state_of_another_plant_is_refused(make_plant: Callable[..., Plant]) -> None:
    plant, other = make_plant(), make_plant(seed=2)
    with pytest.raises(StateError, match="'seed': 1"):
        plant.restore(other.save())
    with pytest.raises(StateError, match="version"):
        plant.restore({**plant.save(), "version": 0})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [({"latitude_deg": 91.0}, "-90 to 90"), ({"step_s": 0.0}, "above 0"), ({"step_s": 61.0}, "to 60")],
)
def test_impossible_plants_are_refused(
    make_plant: Callable[..., Plant], arguments: dict[str, float], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        make_plant(**arguments)


def test_time_goes_in_whole_steps(plant: Plant) -> None:
    plant.advance(25.0)
    assert (plant.step_count, plant.now_s) == (2, 20.0)
    plant.advance_to(29.999999)
    assert plant.now_s == 30.0
    plant.advance_to(5.0)
    assert plant.now_s == 30.0


def test_sums_of_small_advances_lose_no_step(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(step_s=0.1)
    target = 0.0
    for _ in range(1000):
        target += 0.1
        plant.advance_to(target)
    assert plant.step_count == 1000


def test_local_time_runs_once_round_in_a_lunation(plant: Plant) -> None:
    assert plant.local_time_at(0.0) == 8.0
    assert plant.local_time_at(SYNODIC_DAY_S / 2) == pytest.approx(20.0)
    assert plant.local_time_at(SYNODIC_DAY_S) == pytest.approx(8.0)


# --- clock ------------------------------------------------------------------------------------------------------------


def test_runner_follows_the_clock_at_its_speed(make_plant: Callable[..., Plant]) -> None:
    clock = [100.0]
    plant = make_plant(step_s=1.0)
    runner = RealTimeRunner(plant, lambda: clock[0], speed=60.0)
    assert runner.catch_up() == 0
    clock[0] += 0.5
    assert runner.catch_up() == 30 and plant.now_s == 30.0
    clock[0] += 0.01
    assert runner.catch_up() == 0
    clock[0] += 0.01
    assert runner.catch_up() == 1


def test_runner_that_falls_behind_leaves_no_step_out(make_plant: Callable[..., Plant]) -> None:
    clock = [0.0]
    plant = make_plant(step_s=1.0)
    runner = RealTimeRunner(plant, lambda: clock[0], speed=60.0)
    clock[0] = 10.0
    assert runner.catch_up() == STEPS_PER_CALL
    assert runner.lag_s == pytest.approx(600.0 - STEPS_PER_CALL - 1.0)
    while runner.catch_up():
        continue
    assert plant.now_s == 600.0 and runner.lag_s == 0.0


def test_runner_holds_its_clock(plant: Plant) -> None:
    clock = [0.0]
    runner = RealTimeRunner(plant, lambda: clock[0])
    clock[0] = 1000.0
    runner.hold()
    assert runner.catch_up() == 0
    clock[0] = 1010.0
    assert runner.catch_up() == 1


@pytest.mark.parametrize("speed", [0.5, 61.0, -1.0, float("nan")])
def test_runner_keeps_to_speeds_that_lines_can_follow(plant: Plant, speed: float) -> None:
    with pytest.raises(ValueError, match="1 to 60"):
        RealTimeRunner(plant, lambda: 0.0, speed)


# --- command line -----------------------------------------------------------------------------------------------------


def test_run_records_what_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, state = tmp_path / "run.npz", tmp_path / "state.json"
    arguments = ["run", "--days", "0.25", "--local-time", "17.9", "--out", str(out), "--state", str(state)]
    assert main([*arguments, "--fault", "feed_lost@600+600"]) == 0
    record = read_run(out)
    assert record.time_s[-1] == pytest.approx(21600.0)
    assert [m.name for m in record.modes] == ["DAY", "NIGHT"]
    assert [(e.time_s, e.name) for e in record.events] == [(600.0, "feed_lost"), (1200.0, "feed_lost over")]
    assert record.column("feed_w").max() >= 0.0 and record.column("soc").min() > 0.5
    assert "times real time" in capsys.readouterr().out
    assert main(arguments) == 0
    assert read_run(out).time_s[0] == pytest.approx(21600.0)


def test_run_that_leaves_its_limits_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "run",
        "--days",
        "3",
        "--local-time",
        "18.2",
        "--no-control",
        "--soc",
        "0.5",
        "--out",
        str(tmp_path / "r.npz"),
    ]
    assert main(arguments) == 1
    assert "outside limits: mast" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("what", "expected"),
    [("plant", "sun_elevation_deg"), ("faults", "reply_wrong_slave"), ("registers", "heater_duty")],
)
def test_inspect(what: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", what]) == 0
    assert expected in capsys.readouterr().out


def test_equilibrate_shows_surface_temperatures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["equilibrate", "0"]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert [float(v) for v in row[1:3]] == pytest.approx([385.2, 100.3], abs=0.2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["inspect", "--latitude", "95"], "-90 to 90"),
        (["inspect", "--payload", "none"], "lander_28kg"),
        (["run", "--days", "0.01", "--fault", "meteorite"], "meteorite"),
        (["serve", "--seconds", "0.1"], "neither"),
        (["serve", "--tcp", "127.0.0.1:0", "--speed", "600"], "1 to 60"),
        (["serve", "--serial", "/dev/none", "--seconds", "0.1"], "none"),
    ],
)
def test_wrong_arguments_are_said_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_serve_for_a_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    assert (
        main(["serve", "--tcp", "127.0.0.1:0", "--pty", "--speed", "60", "--seconds", "0.3", "--state", str(state)])
        == 0
    )
    out = capsys.readouterr().out
    assert "Modbus RTU over TCP: 127.0.0.1:" in out and "serial line: /dev/" in out
    assert json.loads(state.read_text())["step_count"] >= 10


# --- living through the night -----------------------------------------------------------------------------------------


def survive(plant: Plant, seconds: float) -> ReferenceController:
    controller = ReferenceController(plant)
    controller.run(seconds)
    assert plant.limit_violations() == []
    assert plant.battery.cold_charge_ah == 0.0
    assert plant.extremes.soc_low > 0.10
    assert plant.power.powered
    return controller


def test_reference_controller_brings_the_payload_through_dusk(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(45.0, 17.8, start_soc=0.9)
    controller = survive(plant, 2.5 * 86400.0)
    assert [mode for _, mode in controller.mode_history] == ["DAY", "NIGHT"]
    # The night costs 5 to 8 W in all once the box has cooled.
    assert 5.0 < plant.power.budget.battery_out < 8.0


def test_without_heaters_the_night_is_not_survived(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(45.0, 18.5, start_soc=0.9)
    switch_on(plant)
    plant.advance(4 * 86400.0)
    assert any(text.startswith("battery") for text in plant.limit_violations())


@pytest.mark.long
@pytest.mark.parametrize("latitude", [0.0, 45.0, 80.0])
def test_reference_controller_brings_the_payload_through_a_lunation(
    make_plant: Callable[..., Plant], latitude: float
) -> None:
    plant = make_plant(latitude, 7.0, start_soc=0.7)
    controller = survive(plant, SYNODIC_DAY_S)
    assert [mode for _, mode in controller.mode_history] == ["DAY", "NIGHT", "DAY"]
    assert plant.battery.soc > 0.5


@pytest.mark.long
def test_heat_of_the_payload_over_a_lunation_closes_within_a_percent(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(45.0, 7.0)
    controller = ReferenceController(plant)
    came = lost = 0.0
    start = float(plant.thermal.capacity @ plant.thermal.temperature)
    for k in range(round(SYNODIC_DAY_S / 10.0)):
        if k % 6 == 0:
            controller.cycle()
        out = plant.thermal.net_outflow()
        plant.step()
        lost += 0.5 * (out + plant.thermal.net_outflow()) * 10.0
        came += float(plant.thermal.environment.sum() + plant._heat(plant.power.budget).sum()) * 10.0
    stored = float(plant.thermal.capacity @ plant.thermal.temperature) - start
    assert abs(came - lost - stored) < 0.01 * came
