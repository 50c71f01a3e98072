"""The ground's end of the line to a target, for tests of sequences: noise in both directions, and cuts of the line."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from flight.limits import APID
from perilune.dictionary import Dictionary, load
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.errors import LinkLostError
from perilune.link.sequence_controlled import Phase
from perilune.link.session import Fop1Settings, LinkSession
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand
from perilune.sequence.board import SentRequest
from perilune.sequence.octets import CompiledSequence, compile_steps
from perilune.sequence.text import read_sequence
from perilune.telemetry import Decoder, Report, Undecodable
from perilune.telemetry.reports import VerificationReport

from tests.system.fingerprint import Numbers
from tests.system.noisy_transport import Noise, NoisyTransport
from tests.system.targets import TRIAL, QemuTarget, SitlTarget

DICTIONARY: Dictionary = load([CORE, TRIAL])
# The board says something new within CLCW_CHANGE_MS; a second is a round trip with a full queue.
SETTINGS = Fop1Settings(t1_s=1.0, transmission_limit=10, foreign_report_s=2.0)
LOOK_S = 0.05
COUNTS = 0x4000

# 64 steps, the most there are: gains one after the other, a wait that comes true, a ping at the end.
LONG = "SEQUENCE 80 long\n" + "".join(
    f"R00:00:00.010 CORE.SET_PARAMETERS (parameter=trial.gain value={number})\n" for number in range(1, 63)
)
LONG += "WAIT trial.gain == 62 TIMEOUT 00:00:10\nR00:00:00.1 CORE.PING\n"


def compiled(text: str = LONG) -> CompiledSequence:
    """The sequence of a text that is good."""
    sequence, problems = read_sequence(text, DICTIONARY)
    assert sequence is not None, problems
    assert sequence.id is not None
    return CompiledSequence(sequence.id, sequence.name, len(sequence.steps), compile_steps(sequence.steps))


class SessionBoard:
    """A board at the end of a link session. first_count: sequence count of the first request.

    on_report: told every report. A session that was not started, or has lost its board, starts by itself.
    """

    def __init__(
        self,
        session: LinkSession,
        dictionary: Dictionary,
        clock: Callable[[], float],
        *,
        first_count: int = 0,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        self.session = session
        self.dictionary = dictionary
        self.decoder = Decoder(dictionary)
        self._clock = clock
        self._count = first_count
        self._requests: dict[int, SentRequest] = {}
        self._on_report = on_report

    @property
    def room(self) -> int:
        return self.session.encoder.room

    def now(self) -> float:
        return self._clock()

    def request(self, service: int, subtype: int, data: bytes = b"", text: str = "") -> SentRequest:
        if self.session.service.phase is Phase.STOPPED:
            self.session.service.start()
        packet = Telecommand(APID, service, subtype, data, sequence_count=self._count % COUNTS)
        self._count += 1
        sent = SentRequest(text or f"{service}/{subtype}", self.session.send(packet.pack()))
        self._requests[packet.request_id] = sent
        return sent

    def step(self, timeout_s: float) -> list[Report]:
        # After a lost port the transport opens it again, or the patience of whoever waits ends.
        with contextlib.suppress(LinkLostError):
            self.session.step(timeout_s)
        reports = []
        while self.session.packets:
            packet = self.session.packets.popleft()
            report = self.decoder.decode(packet.packet, packet.vcid)
            if isinstance(report, Undecodable):
                continue
            reports.append(report)
            if isinstance(report, VerificationReport) and report.header.destination == 0:
                request = self._requests.get(report.request_id)
                if request is not None:
                    request.reports.append(report)
            if self._on_report is not None:
                self._on_report(report)
        return reports


class TargetLine:
    """A transport to a target. Octets that are under way while the line is cut are lost."""

    def __init__(self, target: SitlTarget | QemuTarget) -> None:
        self.target = target
        self.cuts: list[tuple[float, float]] = []  # from, to, by the target's clock
        self.lost = 0
        self.sent = 0
        self._cut_at_octet: tuple[int, float] | None = None

    def cut_after(self, octets: int, seconds: float) -> None:
        """Cut the line for so long when so many octets more have gone up."""
        self._cut_at_octet = self.sent + octets, seconds

    @property
    def is_cut(self) -> bool:
        now = self.target.now_s()
        return any(start <= now < end for start, end in self.cuts)

    def fileno(self) -> int | None:
        return None

    def read(self, timeout_s: float) -> bytes:
        self.target.run(min(timeout_s, LOOK_S))
        octets = self.target.receive()
        if self.is_cut:
            self.lost += len(octets)
            return b""
        return octets

    def write(self, data: bytes) -> bool:
        self.sent += len(data)
        if self._cut_at_octet is not None and self.sent >= self._cut_at_octet[0]:
            now = self.target.now_s()
            self.cuts.append((now, now + self._cut_at_octet[1]))
            self._cut_at_octet = None
        if self.is_cut:
            self.lost += len(data)
        else:
            self.target.send(data)
        return True

    def close(self) -> None:
        """The target is its maker's."""


class SequenceGround:
    """A session to a target with a board for the sequence tools on it. reports: all that came."""

    def __init__(
        self, target: SitlTarget | QemuTarget, numbers: Numbers, bit_error_rate: float = 0.0, seed: int = 1
    ) -> None:
        self.target = target
        self.line = TargetLine(target)
        noise = Noise(bit_error_rate)
        self.noisy = NoisyTransport(self.line, noise, noise, seed)
        encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, numbers))
        self.session = LinkSession(self.noisy, target.now_s, encoder=encoder, settings=SETTINGS)
        self.reports: list[Report] = []
        self.board = SessionBoard(
            self.session, DICTIONARY, target.now_s, first_count=1000 * seed, on_report=self.reports.append
        )

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.target.now_s() + seconds
        while self.target.now_s() < end_s:
            self.board.step(LOOK_S)

    def ends(self, seconds: float) -> None:
        """The tool is gone; time passes without it, and what comes down meanwhile is heard by nobody."""
        self.target.run(seconds)
        self.target.receive()
