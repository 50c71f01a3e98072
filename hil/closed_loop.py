"""The flight software and the lunar plant in closed loop, in this process and in virtual time.

    loop = ClosedLoop(Plant(latitude_deg=45.0, local_time_h=16.0))
    loop.command("modes.change", mode="NOMINAL")
    loop.run(3 * 86400.0)
    assert not loop.findings()
    print(loop.modes, loop.value("power.battery_soc"))

Lives here: `sitl` and the plant joined at the octets of the payload bus, commands by name, what the board did (modes,
events) and what became of the payload (findings). Does not live here: drawing (recording goes to perilune's run
record), scenarios and their assertions.

Both sides share one time. The plant is advanced when the board puts octets on the bus, and at the end of each run():
nothing else can tell the difference. Modes and events are heard where the board raises them; with `listen` the
downlink is decoded octet by octet as well, which costs ten times the rest. Without it reports of housekeeping are
counted and not written (unheard.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from flight.hal.host import MemoryStorage, VirtualClock
from flight.hal.null import PORT_COUNTERS, RESET_POWER_ON, Port
from flight.limits import APID, EPOCH_HIGH, EPOCH_LOW, NUMBERS_AHEAD
from flight.topology import Core
from perilune.dictionary import Dictionary, load
from perilune.dictionary.encode import Item, encode
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.link.downlink import DownlinkDecoder
from perilune.link.fop1 import FrameType
from perilune.link.packet_extractor import PacketReceived
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import ACK_ALL, Telecommand
from perilune.run_record import SEVERITIES, Column, RunRecorder
from perilune.telemetry import Decoder, Report, Undecodable

from hil.coast import Coast
from hil.plant.line import BusPort
from hil.plant.plant import Plant
from hil.plant.recording import columns
from hil.targets.sitl import Sitl
from hil.unheard import leave_unwritten

PAYLOAD = CORE / "payload"
# Below this the battery counts as empty; what is left is for the way back.
SOC_LOW = 0.10
# Lunar temperatures move by fractions of a kelvin in ten minutes.
SAMPLE_S = 600.0
# Longest piece of board time that is paced as one when somebody watches.
PACE_S = 0.1
# Board seconds for each second: slower than real time is no use, faster cannot be slept for.
SPEED_MIN, SPEED_MAX = 1.0, 10_000.0
EPOCH = EPOCH_HIGH << 16 | EPOCH_LOW
# What the board knows, beside what is true.
OF_BOARD = [
    Column("power.battery_soc", "", "State of charge", "as the board counts it"),
    Column("night.sun_elevation_deg", "deg", "Sun", "as the board reckons"),
]


def check_speed(speed: float) -> float:
    """A speed that a loop can be run at. Raises ValueError."""
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise ValueError(
            f"speed: expected {SPEED_MIN:g} to {SPEED_MAX:g} board seconds for each second, found {speed:g}"
        )
    return speed


class ModeChange(NamedTuple):
    """A mode that began. time_s: plant time."""

    time_s: float
    mode: str
    reason: str


class BoardEvent(NamedTuple):
    """An event that the board raised. time_s: plant time. values: of its fields, raw, by name."""

    time_s: float
    name: str
    severity: str
    text: str
    values: dict[str, float]


class PlantPort(Port):
    """The board's end of the payload bus. catch_up: brings the plant to now before it hears a request."""

    def __init__(self, line: BusPort, catch_up: Callable[[], None]) -> None:
        self._line = line
        self._catch_up = catch_up
        self._counts = [0] * PORT_COUNTERS

    def read_into(self, buffer: bytearray) -> int:
        octets = self._line.read(len(buffer))
        count = len(octets)
        if count:
            buffer[:count] = octets
            self._counts[0] += count
        return count

    def write(self, buffer: bytearray, start: int = 0, end: int = -1) -> bool:
        self._catch_up()
        octets = bytes(buffer[start : end if end >= 0 else len(buffer)])
        self._line.write(octets)
        self._counts[1] += len(octets)
        return True

    def counters(self, out: list[int]) -> None:
        out[:] = self._counts


class _Numbers:
    """Anti-replay numbers of one run."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def take(self, spi: int) -> int:
        self._last[spi] = self._last.get(spi, 0) + 1
        return self._last[spi]

    def skip(self) -> None:
        for spi in self._last:
            self._last[spi] += NUMBERS_AHEAD

    def confirm(self) -> None:
        return


class _Board(Sitl):
    """`sitl` on the plant's bus."""

    def __init__(
        self,
        loop: ClosedLoop,
        folders: list[Path],
        storage: MemoryStorage | None,
        dictionary: Dictionary,
        leave_out: bool,
    ) -> None:
        self._loop = loop
        super().__init__(folders, storage, dictionary=dictionary, leave_out=leave_out)

    def bus_port(self) -> Port:
        return self._loop.attach(self)

    def made(self) -> None:
        self._loop.watch(self.core)
        if not self._loop.listens:
            leave_unwritten(self.core)
        self._coast = Coast(self.core, self.clock, written=self._loop.listens)

    def run(self, seconds: float) -> None:
        if not self._leave_out:
            super().run(seconds)
            return
        left_ms = round(seconds * 1000)
        while left_ms > 0:
            wait_ms = self.core.executive.turn()
            if not self.core.executive.running:
                self._restart_as_asked()
                continue
            left_ms -= self._coast.run(wait_ms, left_ms)
        self.core.executive.turn()


class ClosedLoop:
    """A board with its payload on the Moon.

    folders: dictionary folders of the mission. storage: of the board. listen: decode all that comes down into
    `reports`. leave_out: as of Sitl. record: where samples go, every sample_s of plant time.

    modes, events: histories. plant: its truth is for assertions; the board sees the bus alone. board: the Sitl.
    """

    def __init__(
        self,
        plant: Plant,
        folders: Iterable[Path] = (CORE, PAYLOAD),
        *,
        storage: MemoryStorage | None = None,
        dictionary: Dictionary | None = None,
        listen: bool = False,
        leave_out: bool = True,
        record: Path | None = None,
        sample_s: float = SAMPLE_S,
        title: str = "",
    ) -> None:
        self.plant = plant
        self.modes: list[ModeChange] = []
        self.events: list[BoardEvent] = []
        self.reports: list[Report | Undecodable] = []
        self._base_s = plant.now_s
        self._clock: VirtualClock | None = None
        self._count = 0
        self._numbers = _Numbers()
        self._encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, self._numbers))
        folders = list(folders)
        self.dictionary = load(folders) if dictionary is None else dictionary
        self._events = {event.id: event for event in self.dictionary.events.values()}
        self._mode_names = {mode.number: mode.name for mode in self.dictionary.modes}
        self.listens = listen
        self._downlink = DownlinkDecoder() if listen else None
        self._decoder = Decoder(self.dictionary)
        self._sample_s = sample_s
        self._next_sample_s = plant.now_s
        self.recorder: RunRecorder | None = None
        if record is not None:
            self.recorder = RunRecorder(record, title or record.stem, columns(plant) + OF_BOARD)
            self.recorder.facts.update(latitude=f"{plant.latitude_deg:g} deg", payload=plant.payload.name)
        self.board = _Board(self, folders, storage, self.dictionary, leave_out)

    # --- time ---------------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Plant time, s: the board's, and that of the boards before its last restart."""
        return self._base_s + (0.0 if self._clock is None else _seconds(self._clock))

    def run(self, seconds: float, speed: float | None = None, progress: Callable[[float], None] | None = None) -> None:
        """Let time pass, in pieces between samples. speed: board seconds for each second, 1 to 10 000; None: all.

        progress: told the time that has passed. Raises ValueError for another speed.
        """
        if speed is not None:
            check_speed(speed)
        end_s = self.now_s + seconds
        start_s = self.now_s
        began = time.monotonic()
        self._sample()
        while (left_s := end_s - self.now_s) > 1e-6:
            piece_s = min(left_s, self._next_sample_s - self.now_s)
            if speed is not None:
                piece_s = min(piece_s, PACE_S * speed)
            self.board.run(piece_s)
            self._take_down()
            self._sample()
            if progress is not None:
                progress(self.now_s - start_s)
            if speed is not None:
                time.sleep(max(0.0, began + (self.now_s - start_s) / speed - time.monotonic()))
        self._catch_up()

    def run_until(self, found: Callable[[], object], limit_s: float, step_s: float = 10.0) -> float:
        """Let time pass until *found* is content; seconds that it took. Raises TimeoutError."""
        start_s = self.now_s
        while not found():
            if self.now_s - start_s >= limit_s:
                raise TimeoutError(f"what was waited for did not come in {limit_s:g} s; modes: {self.modes[-3:]}")
            self.run(min(step_s, limit_s))
        return self.now_s - start_s

    def restart(self, cause: int = RESET_POWER_ON) -> None:
        """The board starts anew, by default as after a power cut; the plant goes on."""
        self._take_down()
        self.board.restart(cause)
        self._numbers.skip()

    def _catch_up(self) -> None:
        self.plant.advance_to(self.now_s)

    # --- commands and values ------------------------------------------------------------------------------------------

    def command(
        self, name: str, run_s: float = 0.5, *, items: Sequence[Item] = (), octets: bytes = b"", **arguments: object
    ) -> int:
        """Send a request by its name, and let *run_s* pass; 0, or how many failed or were not heard."""
        before, judged = self._refused(), self._judged()
        command = self.dictionary.commands[name]
        data = encode(command, arguments, items, octets, self.dictionary.points)
        packet = Telecommand(APID, command.service, command.subtype, data, self._count & 0x3FFF, ACK_ALL).pack()
        self._count += 1
        unit = self._encoder.data_unit([packet], FrameType.BD)
        self.board.send(self._encoder.cltu(self._encoder.frame(FrameType.BD, 0, unit)))
        self.run(run_s)
        return self._refused() - before if self._judged() != judged else 1

    def _judged(self) -> int:
        verification = self.board.core.verification
        return int(verification.accepted + verification.rejected)

    def _refused(self) -> int:
        verification = self.board.core.verification
        return int(verification.failed + verification.rejected)

    def set_parameter(self, name: str, value: float) -> int:
        """ST[20]: set a parameter by its name."""
        return self.command(
            "core.set_parameters", items=[{"parameter": self.dictionary.points[name].id, "value": value}]
        )

    def set_time(self, seconds: int) -> int:
        """ST[09]: on-board time is *seconds* after the board's epoch."""
        return self.command("time.set_time", octets=b"\x1e" + (EPOCH + seconds).to_bytes(4, "big") + b"\0\0")

    def value(self, name: str) -> float:
        """Engineering value of an on-board parameter, as the board has it now."""
        point = self.dictionary.points[name]
        return float(point.engineering(self.board.core.values[point.index]))

    @property
    def mode(self) -> str:
        """The board's mode."""
        return self._mode_names[int(self.board.core.modes.mode)]

    # --- what happened ------------------------------------------------------------------------------------------------

    def raised(self, name: str, since_s: float = 0.0) -> list[BoardEvent]:
        """Events of a name, from a plant time on."""
        return [event for event in self.events if event.name == name and event.time_s >= since_s]

    def findings(self, soc_low: float = SOC_LOW) -> list[str]:
        """What is wrong with the run so far, in words; empty when all is well. soc_low: state of charge, 0 to 1.

        Overruns and late cycles are the board's own counters. They cannot show here, where computing takes no virtual
        time: only a board, emulated or real, can tell whether the software is fast enough.
        """
        plant, core = self.plant, self.board.core
        found = [f"outside limits: {violation}" for violation in plant.limit_violations()]
        if plant.battery.cold_charge_ah > 0.0:
            found.append(f"charged below 0 degC: {plant.battery.cold_charge_ah:.3f} A h")
        if plant.extremes.soc_low < soc_low:
            found.append(f"state of charge down to {100 * plant.extremes.soc_low:.1f} %")
        counts = {
            "overruns": sum(group.overruns for group in core.executive.groups),
            "late cycles": core.executive.late,
            "drops": core.drops.total,
            "reports lost": core.tm.lost,
            "actions of modes failed": core.modes.actions_failed,
            "event-actions failed": core.event_actions.failed,
            "sequences aborted": core.sequencing.executor.aborted,
        }
        return found + [f"{name}: {count}" for name, count in counts.items() if count]

    def _take_down(self) -> None:
        octets = self.board.receive()
        if self._downlink is not None:
            for event in self._downlink.feed(octets):
                if isinstance(event, PacketReceived):
                    self.reports.append(self._decoder.decode(event.packet))

    def _sample(self) -> None:
        if self.now_s < self._next_sample_s - 1e-6:
            return
        self._next_sample_s += self._sample_s
        if self.recorder is None:
            return
        self._catch_up()
        values = self.plant.truth()
        for column in OF_BOARD:
            if column.name in self.dictionary.points:
                values[column.name] = self.value(column.name) * (0.01 if column.name.endswith("_soc") else 1.0)
        self.recorder.sample(self.now_s, values)

    # --- the board's surroundings -------------------------------------------------------------------------------------

    def attach(self, board: Sitl) -> Port:
        """The bus of a board that is being made."""
        clock = board.clock
        self._base_s = self.now_s
        self._clock = clock
        return PlantPort(BusPort(self.plant.bus, lambda: _seconds(clock)), self._catch_up)

    def watch(self, core: Core) -> None:
        """Hear every event of a board that is about to start."""
        raise_ = core.events.raise_
        changed = core.modes._event_changed

        def heard(event_id: int, a: float = 0, b: float = 0, c: float = 0, d: float = 0) -> None:
            self._hear(event_id, (a, b, c, d), event_id == changed)
            raise_(event_id, a, b, c, d)

        core.events.raise_ = heard  # type: ignore[method-assign]

    def _hear(self, event_id: int, numbers: tuple[float, ...], is_mode: bool) -> None:
        event = self._events[event_id]
        values = dict(zip((field.name for field in event.fields), numbers, strict=False))
        shown = {
            field.name: field.enumeration.text_of(int(values[field.name])) if field.enumeration else values[field.name]
            for field in event.fields
        }
        severity, text = SEVERITIES[event.severity - 1], event.message(shown)
        self.events.append(BoardEvent(self.now_s, event.name, severity, text, values))
        if is_mode:
            self.modes.append(ModeChange(self.now_s, str(shown["after"]), str(shown["reason"])))
        if self.recorder is not None:
            if is_mode:
                self.recorder.mode(self.now_s, str(shown["after"]))
            else:
                self.recorder.event(self.now_s, severity, event.name, text)


def _seconds(clock: VirtualClock) -> float:
    return clock.seconds + clock.microseconds * 1e-6
