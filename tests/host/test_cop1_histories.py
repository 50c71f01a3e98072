"""FOP-1 against the flight FARM-1 over a bad channel: every AD telecommand arrives exactly once, in order.

CCSDS 232.1-B-2 §2.2.1 promises it; `cop1_simulation` says what a history is. The seeded histories are for numbers, the
hypothesis ones for shrinking: a failure there prints the smallest bad channel that shows it.
"""

from __future__ import annotations

import random

import pytest
from flight.link.farm import E1, Farm
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.link.clcw import Clcw
from perilune.link.fop1 import Fop1, FrameType
from perilune.link.fop1_table import AlertCode, State
from perilune.link.sequence_controlled import Outcome, Phase, SequenceControlledService

from tests.host.cop1_simulation import (
    Channel,
    History,
    Simulation,
    campaign,
    draw_history,
    fault_of,
    run_range,
    run_seed,
)

NORMAL_HISTORIES = 10_000
LONG_HISTORIES = 1_000_000

# Histories that once stalled for ever: in S3 the Timer expired, was ignored as the standard says, and nothing started
# it again before the last frames were lost. About one history in 80 000 does this.
STALLED = (
    187428, 209001, 295042, 360996, 420924, 580438, 583183, 612822, 638413, 665277, 792587, 980050,
)  # fmt: skip


@pytest.mark.parametrize("first", range(0, NORMAL_HISTORIES, 2500))
def test_ten_thousand_histories(first: int) -> None:
    assert run_range(first, 2500) == []


def test_campaign_on_two_processes() -> None:
    assert campaign(400, processes=2, chunk=100) == []


@pytest.mark.parametrize("seed", STALLED)
def test_no_stall_after_an_expiry_in_s3(seed: int) -> None:
    assert fault_of(run_seed(seed)) is None


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_one_million_histories(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        faults = campaign(LONG_HISTORIES, first=NORMAL_HISTORIES)
    assert faults == []


PROBABILITY = st.sampled_from((0.0, 0.1, 0.5, 0.9))
CHANNEL = st.builds(
    Channel,
    loss=PROBABILITY,
    corruption=PROBABILITY,
    duplication=PROBABILITY,
    delay=st.integers(0, 4),
    jitter=st.integers(0, 5),
    reorders=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    uplink=CHANNEL,
    downlink=CHANNEL,
    telecommands=st.integers(0, 300),
    farm_v_r=st.integers(0, 255),
    half_window=st.integers(1, 127),
    window=st.integers(1, 127),
    t1_s=st.sampled_from((0.1, 0.5, 3.0)),
    transmission_limit=st.integers(1, 10),
    timeout_type=st.integers(0, 1),
    buffer_frames=st.integers(1, 10),
    drain=st.sampled_from((0.1, 1.0)),
    clcw_period=st.integers(1, 10),
    intrusion=st.sampled_from((0.0, 0.1)),
)
def test_any_channel(seed: int, half_window: int, window: int, **parameters: object) -> None:
    history = History(
        farm_window=2 * half_window,
        window=min(window, half_window),
        **parameters,  # type: ignore[arg-type]
    )
    simulation = Simulation(history, random.Random(seed))
    simulation.run()
    assert fault_of(simulation) is None


def test_the_histories_reach_the_bad_cases() -> None:
    simulations = [run_seed(seed) for seed in range(1500)]
    alerts = {code for simulation in simulations for code in simulation.fop.counters.alerts}
    assert alerts >= {
        AlertCode.LIMIT, AlertCode.T1, AlertCode.LOCKOUT, AlertCode.SYNCH, AlertCode.NNR, AlertCode.TERM,
    }  # fmt: skip
    assert sum(simulation.fop.counters.retransmissions for simulation in simulations) > 10_000
    assert sum(simulation.fop.counters.suspensions for simulation in simulations) > 100
    assert sum(simulation.service.counters.unlocks for simulation in simulations) > 500
    assert sum(simulation.fop.counters.not_applicable for simulation in simulations) == 0


def test_a_farm_that_forgets_to_count_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Farm.step
    monkeypatch.setattr(Farm, "step", lambda farm, event, v_r=0: 0 if event == E1 else step(farm, event, v_r))
    assert len(run_range(0, 20)) == 20


def test_a_service_that_repeats_with_new_numbers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    believe = SequenceControlledService._believe

    def take_any_report(service: SequenceControlledService, n_r: int) -> bool:
        service._base = n_r
        return believe(service, n_r)

    monkeypatch.setattr(SequenceControlledService, "_believe", take_any_report)
    assert run_range(0, 200) != []


# -- what the histories above do not contain: starts, stops, another FARM-1 behind the same link ----------------------


class Bench:
    """The service and a clock, with CLCWs made by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.fop = Fop1(lambda: self.now_s, window=4, t1_s=1.0, transmission_limit=3)
        self.service = SequenceControlledService(self.fop, lambda: self.now_s, foreign_report_s=10.0)
        self.service.start()

    def frames(self) -> list[tuple[str, int, bytes]]:
        taken = []
        while (frame := self.service.next_frame()) is not None:
            taken.append((frame.frame_type.value, frame.sequence, frame.data))
        return taken

    def clcw(self, n_r: int, **flags: bool) -> None:
        self.service.receive_clcw(Clcw(report_value=n_r, **flags))


def test_first_clcw_gives_the_sequence_number() -> None:
    bench = Bench()
    first = bench.service.send(b"a")
    assert bench.frames() == []
    bench.clcw(200)
    assert bench.frames() == [("AD", 200, b"a")]
    assert bench.service.phase is Phase.ACTIVE
    bench.clcw(201)
    assert first.outcome is Outcome.DELIVERED


def test_lockout_at_the_start_is_unlocked() -> None:
    bench = Bench()
    bench.service.send(b"a")
    bench.clcw(7, lockout=True)
    assert bench.frames() == [("BC", 0, b"\x00")]
    bench.clcw(7, lockout=True)
    assert bench.frames() == []
    bench.clcw(7)
    assert bench.frames() == [("AD", 7, b"a")]


def test_after_a_restart_of_the_board_nothing_is_sent_twice() -> None:
    bench = Bench()
    bench.clcw(100)
    sent = bench.service.send(b"a")
    bench.frames()
    bench.clcw(0)  # N(R) out of range: Alert, and the same report again is not believed yet
    waiting = bench.service.send(b"b")
    bench.now_s = 9.9
    bench.clcw(0)
    assert bench.frames() == []
    bench.now_s = 20.0
    bench.clcw(0)
    assert bench.frames() == [("AD", 0, b"b")]
    bench.clcw(1)
    assert (sent.outcome, waiting.outcome) == (Outcome.UNCERTAIN, Outcome.DELIVERED)
    assert bench.service.counters.adopted_reports == 1


def test_a_stray_report_between_good_ones_is_not_believed() -> None:
    bench = Bench()
    bench.clcw(100)
    sent = bench.service.send(b"a")
    bench.frames()
    for now_s in range(1, 40):
        bench.now_s = float(now_s)
        bench.clcw(0 if now_s % 3 else 100)
    bench.frames()
    bench.clcw(101)
    bench.clcw(101)
    assert sent.outcome is Outcome.DELIVERED
    assert bench.service.counters.adopted_reports == 0


def test_stop_tells_what_is_uncertain_and_what_never_left() -> None:
    bench = Bench()
    bench.clcw(0)
    deliveries = [bench.service.send(bytes([n])) for n in range(6)]
    bench.frames()
    bench.service.stop()
    assert [delivery.outcome for delivery in deliveries] == [Outcome.UNCERTAIN] * 4 + [Outcome.WITHDRAWN] * 2
    assert bench.fop.state is State.INITIAL
    assert bench.frames() == []


def test_what_is_sent_again_after_an_alert_counts_once() -> None:
    bench = Bench()
    bench.clcw(0)
    deliveries = [bench.service.send(bytes([n])) for n in range(6)]
    bench.frames()
    bench.clcw(0, lockout=True)
    bench.clcw(0, lockout=True)
    bench.clcw(0)
    assert bench.frames()[-4:] == [("AD", 0, b"\x00"), ("AD", 1, b"\x01"), ("AD", 2, b"\x02"), ("AD", 3, b"\x03")]
    bench.service.stop()
    assert [delivery.outcome for delivery in deliveries] == [Outcome.UNCERTAIN] * 4 + [Outcome.WITHDRAWN] * 2


def test_frames_that_arrived_while_unlocking_start_the_service_anew_at_once() -> None:
    bench = Bench()
    bench.clcw(0)
    deliveries = [bench.service.send(bytes([n])) for n in range(3)]
    bench.frames()
    bench.clcw(0, wait=True, retransmit=True, lockout=True)
    bench.clcw(0, lockout=True)
    assert bench.frames() == [("BC", 0, b"\x00")]
    bench.clcw(2)
    assert bench.frames() == [("AD", 2, b"\x02")]
    assert [delivery.outcome for delivery in deliveries] == [Outcome.DELIVERED] * 2 + [Outcome.PENDING]


def test_start_after_an_uncertain_stop_waits_until_the_link_must_be_empty() -> None:
    bench = Bench()
    bench.clcw(0)
    bench.service.send(b"old")
    bench.frames()
    bench.service.stop()
    bench.service.start()
    bench.service.send(b"new")
    bench.now_s = 9.0
    bench.clcw(0)
    assert bench.frames() == []
    bench.now_s = 10.0
    bench.clcw(1)
    assert bench.frames() == [("AD", 1, b"new")]


def test_withdraw_only_before_transmission() -> None:
    bench = Bench()
    bench.clcw(0)
    deliveries = [bench.service.send(bytes([n])) for n in range(6)]
    bench.frames()
    assert bench.service.withdraw(deliveries[0]) is False
    assert bench.service.withdraw(deliveries[5]) is True
    assert bench.service.withdraw(deliveries[5]) is False
    assert deliveries[5].outcome is Outcome.WITHDRAWN
    assert bench.service.pending == 5


def test_expedited_leaves_in_any_state_and_before_the_others() -> None:
    bench = Bench()
    expedited = [bench.service.send_expedited(b"x"), bench.service.send_expedited(b"y")]
    assert bench.frames() == [("BD", 0, b"x"), ("BD", 0, b"y")]
    assert [delivery.outcome for delivery in expedited] == [Outcome.SENT, Outcome.SENT]
    bench.clcw(0)
    bench.service.send(b"a")
    bench.service.send_expedited(b"z")
    assert bench.frames() == [("BD", 0, b"z"), ("AD", 0, b"a")]


def test_refused_frame_ends_the_service_and_the_next_clcw_starts_it_again() -> None:
    bench = Bench()
    bench.clcw(0)
    sent = bench.service.send(b"a")
    bench.frames()
    bench.service.refuse_frame(FrameType.AD)
    assert [alert.code for alert in bench.service.take_alerts()] == [AlertCode.LLIF]
    assert bench.service.phase is Phase.SYNCHRONISING
    bench.clcw(0)
    assert bench.frames() == [("AD", 0, b"a")]
    bench.clcw(1)
    assert sent.outcome is Outcome.DELIVERED


def test_suspended_service_recovers_with_the_next_clcw() -> None:
    history = History(telecommands=3, timeout_type=1, transmission_limit=2, t1_s=0.3, bad_steps=40)
    history.uplink.loss = 1.0
    history.downlink.loss = 0.8
    simulation = Simulation(history, random.Random(1))
    simulation.run()
    assert simulation.fop.counters.suspensions > 0
    assert fault_of(simulation) is None


def test_the_drawn_histories_differ() -> None:
    assert len({repr(draw_history(random.Random(seed))) for seed in range(100)}) == 100
