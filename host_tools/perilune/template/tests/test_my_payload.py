"""The payload, commanded and seen over the whole link; the same tests on every target of `make test TARGET=...`."""

from pathlib import Path

from hil.ground import Ground

SEQUENCES = Path(__file__).resolve().parents[1] / "sequences"


def test_a_measurement_is_taken_to_its_end(ground: Ground) -> None:
    ground.do("my_payload.measure", samples=2)
    ground.wait_event("my_payload.finished", samples=2)
    values = ground.housekeeping("my_payload.state")
    assert values["my_payload.taken"].engineering == 2
    assert values["my_payload.activity"].text == "IDLE"


def test_a_measurement_that_is_stopped_has_failed(ground: Ground) -> None:
    measurement = ground.send("my_payload.measure", samples=100)
    ground.wait_value("my_payload.taken", lambda taken: taken > 0, timeout_s=10, ask=True)
    ground.do("my_payload.stop")
    ground.finish(measurement)
    assert measurement.failure is not None
    ground.wait_event("my_payload.stopped")


def test_no_samples_are_refused(ground: Ground) -> None:
    command = ground.dictionary.commands["my_payload.measure"]
    nothing = bytes([*command.function.to_bytes(2, "big"), 0])  # what the ground's own tools would not send
    request = ground.finish(ground.send_packet(ground.any_packet(command.service, command.subtype, nothing)))
    assert request.stages == ["no acceptance"]


def test_the_period_is_kept_over_a_power_cut(ground: Ground) -> None:
    ground.set({"my_payload.period_s": 5})
    if ground.target.can("power"):
        ground.mark()  # what came before the cut is not looked at
        ground.target.power_cut(2.0)
        ground.await_boot()
    assert ground.value("my_payload.period_s") == 5


def test_first_light_is_loaded_and_runs_to_its_end(ground: Ground) -> None:
    sequence = ground.load_sequence((SEQUENCES / "first_light.seq").read_text(encoding="utf-8"))
    request = ground.do("sequence.activate", sequence=sequence, timeout_s=60)
    assert request.failure is None
    assert ground.value("my_payload.taken") == 3
