"""FOP-1 and the Sequence-Controlled Service against the flight FARM-1, over a channel that misbehaves.

One history is: a number of telecommands, a channel and a FARM-1 that are bad in ways drawn from a seed, and a clock
that is moved by hand. Frames travel as (N(S), number of the telecommand), so that a history costs under a millisecond
and a million of them are affordable; the bytes are tested elsewhere. The channel is bad for a while and then perfect,
so that every history can end.

What a history must show: every telecommand is delivered exactly once, in order, and the sender knows it.

Long campaigns: `PYTHONPATH=host_tools:firmware python -m tests.host.cop1_simulation 1000000`.
"""

from __future__ import annotations

import heapq
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from flight.link import farm as flight_farm
from perilune.link.clcw import Clcw
from perilune.link.fop1 import CONTROL_UNLOCK, Fop1, FrameType, TransmitFrame
from perilune.link.sequence_controlled import Delivery, Outcome, SequenceControlledService

STEP_S = 0.1
# A history that has not ended by then never will: the bad time lasts at most 600 steps.
MAX_STEPS = 6000


@dataclass
class Channel:
    """One direction. Probabilities are per message, delays in steps; `reorders`: each message has its own delay."""

    loss: float = 0.0
    corruption: float = 0.0
    duplication: float = 0.0
    delay: int = 0
    jitter: int = 0
    reorders: bool = False


@dataclass
class History:
    """Everything that decides how a history goes, apart from the seed of its dice."""

    telecommands: int = 10
    uplink: Channel = field(default_factory=Channel)
    downlink: Channel = field(default_factory=Channel)
    farm_window: int = 128
    farm_v_r: int = 0
    window: int = 10
    t1_s: float = 1.0
    transmission_limit: int = 8
    timeout_type: int = 0
    bad_steps: int = 100
    buffer_frames: int = 4
    drain: float = 1.0
    clcw_period: int = 1
    intrusion: float = 0.0  # a foreign AD frame far outside of the window, which locks FARM-1 out
    request: float = 1.0  # how often the user hands over the next telecommand


def draw_history(dice: random.Random) -> History:
    """A history of any kind: most are mildly bad, some are terrible."""
    severity = dice.choice((0.0, 0.05, 0.2, 0.5))
    farm_window = dice.choice((2, 4, 10, 20, 128, 254))

    def channel() -> Channel:
        return Channel(
            loss=dice.random() * severity,
            corruption=dice.random() * severity,
            duplication=dice.random() * severity,
            delay=dice.randrange(0, 4),
            jitter=dice.choice((0, 0, 1, 5)),
            reorders=dice.random() < 0.3,
        )

    return History(
        telecommands=dice.randrange(1, 25),
        uplink=channel(),
        downlink=channel(),
        farm_window=farm_window,
        farm_v_r=dice.choice((0, dice.randrange(256), 250)),
        window=dice.randrange(1, min(farm_window // 2, 20) + 1),
        t1_s=dice.choice((0.3, 1.0, 2.5)),
        transmission_limit=dice.choice((1, 2, 3, 8)),
        timeout_type=dice.randrange(2),
        bad_steps=dice.randrange(0, 60),
        buffer_frames=dice.choice((1, 2, 8)),
        drain=dice.choice((1.0, 1.0, 0.3)),
        clcw_period=dice.choice((1, 1, 3)),
        intrusion=dice.choice((0.0, 0.0, 0.02)),
        request=dice.choice((1.0, 0.5)),
    )


class Pipe:
    """A channel at work. Without `reorders` a later message never overtakes an earlier one."""

    def __init__(self, channel: Channel, dice: random.Random, arrive: Callable[[object], None]) -> None:
        self._channel = channel
        self._dice = dice
        self._arrive = arrive
        self._flying: list[tuple[int, int, object]] = []
        self._order = itertools.count()
        self._latest = 0
        self.corrupted = 0

    def put(self, message: object, now: int) -> None:
        channel = self._channel
        dice = self._dice
        if dice.random() < channel.loss:
            return
        if dice.random() < channel.corruption:
            self.corrupted += 1  # the frame error control catches it
            return
        copies = 2 if dice.random() < channel.duplication else 1
        for _ in range(copies):
            due = now + channel.delay + (dice.randrange(channel.jitter + 1) if channel.jitter else 0)
            if not channel.reorders:
                due = self._latest = max(due, self._latest)
            heapq.heappush(self._flying, (due, next(self._order), message))

    def step(self, now: int) -> None:
        while self._flying and self._flying[0][0] <= now:
            self._arrive(heapq.heappop(self._flying)[2])

    def become_perfect(self) -> None:
        self._channel = Channel(delay=self._channel.delay)


class Spacecraft:
    """The flight FARM-1 with a buffer of `buffer_frames` frames behind it, and what it handed on, in order."""

    def __init__(self, history: History) -> None:
        self.farm = flight_farm.Farm(history.farm_window)
        self.farm.v_r = history.farm_v_r
        self.capacity = history.buffer_frames
        self.buffered = 0
        self.delivered: list[int] = []

    def receive(self, message: object) -> None:
        assert isinstance(message, tuple)
        frame_type, n_s, content = message
        farm = self.farm
        if frame_type is FrameType.BC:
            assert content == CONTROL_UNLOCK
            farm.step(flight_farm.E7)
            return
        event = farm.classify(n_s, self.buffered < self.capacity)
        if farm.step(event) == 0 and event == flight_farm.E1:
            self.buffered += 1
            self.delivered.append(content)

    def drain(self) -> None:
        if self.buffered:
            self.buffered = 0
            self.farm.step(flight_farm.E10)

    def clcw(self) -> Clcw:
        report = self.farm.report()
        flags = report >> 8
        return Clcw(
            lockout=bool(flags & flight_farm.LOCKOUT_FLAG),
            wait=bool(flags & flight_farm.WAIT_FLAG),
            retransmit=bool(flags & flight_farm.RETRANSMIT_FLAG),
            report_value=report & 0xFF,
        )


class Simulation:
    """One history under way."""

    def __init__(self, history: History, dice: random.Random) -> None:
        self.history = history
        self.dice = dice
        self.now = 0
        self.spacecraft = Spacecraft(history)
        self.fop = Fop1(
            self.clock,
            window=history.window,
            t1_s=history.t1_s,
            transmission_limit=history.transmission_limit,
            timeout_type=history.timeout_type,
        )
        # Longer than any message can be under way: at most 3 + 5 steps.
        self.service = SequenceControlledService(self.fop, self.clock, foreign_report_s=2.0)
        self.up = Pipe(history.uplink, dice, self.spacecraft.receive)
        self.down = Pipe(history.downlink, dice, self._clcw_arrives)
        self.deliveries: list[Delivery] = []

    def clock(self) -> float:
        return self.now * STEP_S

    def _clcw_arrives(self, message: object) -> None:
        assert isinstance(message, Clcw)
        self.service.receive_clcw(message)

    def _transmit(self) -> None:
        frame: TransmitFrame | None = self.service.next_frame()
        while frame is not None:
            if frame.frame_type is FrameType.AD:
                assert frame.request is not None
                self.up.put((FrameType.AD, frame.sequence, frame.request.tag.tag), self.now)
            else:
                self.up.put((frame.frame_type, 0, frame.data), self.now)
            frame = self.service.next_frame()

    def step(self) -> None:
        history = self.history
        dice = self.dice
        bad = self.now < history.bad_steps
        if self.now == history.bad_steps:
            self.up.become_perfect()
            self.down.become_perfect()
        if len(self.deliveries) < history.telecommands and dice.random() < history.request:
            self.deliveries.append(self.service.send(b"", len(self.deliveries)))
        if bad and dice.random() < history.intrusion:
            self.spacecraft.receive((FrameType.AD, (self.spacecraft.farm.v_r + 128) & 0xFF, -1))
        self._transmit()
        self.up.step(self.now)
        if dice.random() < history.drain or not bad:
            self.spacecraft.drain()
        if self.now % history.clcw_period == 0:
            self.down.put(self.spacecraft.clcw(), self.now)
        self.down.step(self.now)
        self.service.poll()
        self.service.take_alerts()
        self.now += 1

    def is_over(self) -> bool:
        return len(self.deliveries) == self.history.telecommands and self.service.pending == 0

    def run(self) -> None:
        self.service.start()
        while not self.is_over() and self.now < MAX_STEPS:
            self.step()


def fault_of(simulation: Simulation) -> str | None:
    """What is wrong with a finished history, None if nothing is."""
    expected = list(range(simulation.history.telecommands))
    if simulation.spacecraft.delivered != expected:
        return f"delivered {simulation.spacecraft.delivered}, expected {expected}"
    others = {delivery.outcome for delivery in simulation.deliveries} - {Outcome.DELIVERED}
    if others:
        return f"outcomes {others} in state {simulation.fop.state!r}, phase {simulation.service.phase}"
    return None


def run_seed(seed: int) -> Simulation:
    """The history of `seed`, run to its end."""
    dice = random.Random(seed)
    simulation = Simulation(draw_history(dice), dice)
    simulation.run()
    return simulation


def run_range(first: int, count: int) -> list[str]:
    """Faults of `count` histories from seed `first` on, each as a line that names its seed."""
    faults = []
    for seed in range(first, first + count):
        fault = fault_of(run_seed(seed))
        if fault is not None:
            faults.append(f"seed {seed}: {fault}")
    return faults


def campaign(histories: int, first: int = 0, processes: int | None = None, chunk: int = 2000) -> list[str]:
    """Run `histories` histories on all cores, with progress on standard error; the faults found."""
    faults: list[str] = []
    starts = range(first, first + histories, chunk)
    done = 0
    began = time.monotonic()
    # Spawned, not forked: the test runner has threads, and a fork of those may hang.
    with ProcessPoolExecutor(processes or os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        sizes = [min(chunk, first + histories - start) for start in starts]
        for size, found in zip(sizes, pool.map(run_range, starts, sizes), strict=True):
            for fault in found:
                print(f"\n{fault}", file=sys.stderr)
            faults += found
            done += size
            rate = done / (time.monotonic() - began)
            print(f"\r{done}/{histories} histories, {rate:.0f}/s, {len(faults)} faults", end="", file=sys.stderr)
    print(file=sys.stderr)
    return faults


if __name__ == "__main__":
    found_faults = campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print("\n".join(found_faults[:20]) or "every telecommand exactly once, in order")
    sys.exit(1 if found_faults else 0)
