"""The ground of the system tests: telecommands made and reports read by `spacepackets`, over a target's whole link.

Only the link below the packets is ours (frames, CLTUs): tests/codec and tests/flight hold that to literal octets. Every
frame and every report is checked on its way in: no check code wrong, no count left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from flight.limits import NUMBERS_AHEAD
from spacepackets.ecss.pus_1_verification import ManagedParamsVerification, Service1Tm
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flight"))

import downlink_bytes
import uplink_bytes

from hil.targets.sitl import Sitl

APID = 0x64
TIME_LENGTH = 7  # P-field, 4 octets of seconds, 2 of fraction
FRAME = 260  # a TM frame with its marker
MARKER = b"\x1a\xcf\xfc\x1d"
PACKETS_IN_FRAME = 227  # octets of packets in an authenticated TC frame
STEP_S = 0.01
# A board waits FLUSH_MS before it closes a frame that is not full. Reports that nobody looks at fill it: three times
# the longest structure of the core, to a destination of their own.
FILLER = bytes.fromhex("03 00 03 00 03 00 03")
NOBODY = 0xFFFF
VERIFICATION = ManagedParamsVerification(bytes_step_id=2, bytes_err_code=2)
FINAL = (2, 4, 7, 8)  # subtypes of ST[01] that end a request


EPOCH = 1_956_528_000  # 2020-01-01T00:00:00 TAI in seconds since 1958


def cuc(ms: int) -> bytes:
    """The time *ms* milliseconds after EPOCH as CUC: P-field, seconds since 1958, 1/65536 s."""
    return b"\x1e" + (EPOCH + ms // 1000).to_bytes(4, "big") + (ms % 1000 * 65536 // 1000).to_bytes(2, "big")


def time_ms(report: PusTm) -> float:
    """On-board time of a report in ms since EPOCH."""
    return (int.from_bytes(report.timestamp[1:], "big") / 65536 - EPOCH) * 1000


class Target(Protocol):
    """A board that a test reaches by octets."""

    def send(self, octets: bytes) -> None: ...

    def receive(self) -> bytes: ...

    def run(self, seconds: float) -> None: ...


class Answer(NamedTuple):
    """What came of a request. stages: subtypes of its ST[01] reports. notice: octets of the failure notice, as hex.

    reports: all that came down until the request was over.
    """

    stages: list[int]
    notice: str
    reports: list[PusTm]

    def data(self, service: int, subtype: int) -> list[str]:
        """Source data of the reports of this type, as hex."""
        return data_of(self.reports, service, subtype)


def data_of(reports: Iterable[PusTm], service: int, subtype: int) -> list[str]:
    """Source data of the reports of this type, as hex."""
    return [
        report.source_data.hex(" ")
        for report in reports
        if (report.service, report.message_subtype) == (service, subtype)
    ]


def identifier(packet: bytes) -> int:
    """Request identifier: the first four octets of the telecommand packet."""
    return int.from_bytes(packet[:4], "big")


class Ground:
    """Sends requests in authenticated BD frames and reads all packets that come down.

    reports: all of them since the board last started. exact: time runs only when it is let, so it can be told exactly.
    may_lose: the board is asked for more reports than the line carries, and what it cannot send is no fault.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.exact = isinstance(target, Sitl)
        self.may_lose = False
        self.count = 0
        self.reports: list[PusTm] = []
        self._number = 0
        self._frames = downlink_bytes.Ground()
        self._rest = b""
        self._read = 0
        self._last_count = -1
        self._restarts = False

    # --- up ----------------------------------------------------------------------------------------------------------

    def request(self, service: int, subtype: int, data: bytes = b"", **fields: int) -> PusTc:
        """One request with all acknowledgements, not yet sent. fields: of `PusTc`."""
        fields.setdefault("seq_count", self.count & 0x3FFF)
        packet = PusTc(**{"apid": APID, "service": service, "message_subtype": subtype, "app_data": data, **fields})
        self.count += 1
        return packet

    def send(self, service: int, subtype: int, data: bytes = b"", **fields: int) -> PusTc:
        """One request, in a frame of its own."""
        packet = self.request(service, subtype, data, **fields)
        self.send_packets([bytes(packet.pack())])
        return packet

    def send_packets(self, packets: Iterable[bytes]) -> None:
        """Packets in as few frames as hold them."""
        frame = b""
        for packet in packets:
            if len(frame) + len(packet) > PACKETS_IN_FRAME:
                self._send_frame(frame)
                frame = b""
            frame += packet
        self._send_frame(frame)

    def _send_frame(self, packets: bytes) -> None:
        self._number += 1
        self.target.send(uplink_bytes.cltu(uplink_bytes.protect(uplink_bytes.BD, 0, packets, self._number)))

    # --- down --------------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> list[PusTm]:
        """Let time pass; every report that came down in it."""
        self.target.run(seconds)
        return self.receive()

    def until(
        self, found: Callable[[list[PusTm]], object], limit_s: float = 10.0, already: Iterable[PusTm] = ()
    ) -> list[PusTm]:
        """Let time pass until *found* is content with the reports *already* there and those that come; all of them."""
        reports = [*already, *self.receive()]
        for _ in range(round(limit_s / STEP_S)):
            if found(reports):
                return reports
            reports += self.run(STEP_S)
        shown = [f"{report.service}/{report.message_subtype} {report.source_data.hex(' ')}" for report in reports]
        raise AssertionError(f"what was waited for did not come in {limit_s} s; reports: {shown}")

    def until_data(self, service: int, subtype: int, start: str = "", limit_s: float = 10.0) -> list[PusTm]:
        """As `until`: a report of this type whose source data begin so (hex)."""
        octets = bytes.fromhex(start)
        return self.until(
            lambda reports: any(
                (report.service, report.message_subtype) == (service, subtype) and report.source_data.startswith(octets)
                for report in reports
            ),
            limit_s,
        )

    def receive(self) -> list[PusTm]:
        """Every report that has come down since the last call."""
        self._rest += self.target.receive()
        reports = []
        while len(self._rest) >= FRAME:
            self._take_frame()
            reports += self._take_packets()
        return reports

    def _take_packets(self) -> list[PusTm]:
        packets = self._frames.packets[0][self._read :]
        self._read += len(packets)
        reports = []
        for report in [PusTm.unpack(packet, TIME_LENGTH) for packet in packets]:
            follows = report.seq_count == (self._last_count + 1) & 0x3FFF
            assert self.may_lose or self._last_count < 0 or follows, "a report was lost"
            self._last_count = report.seq_count
            if report.pus_tm_sec_header.dest_id != NOBODY:
                reports.append(report)
        self.reports += reports
        return reports

    def _take_frame(self) -> None:
        if self._restarts and not self._rest.startswith(MARKER):
            # The restart may have cut a frame.
            self._rest = self._rest[max(self._rest.find(MARKER), 1) :]
            return
        frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
        if self._restarts and frame[6:8] == b"\0\0":
            self._restarts = False
            self._begin()
        self._frames.take(frame)

    def _begin(self) -> None:
        """The board has started: its counts begin anew, and its anti-replay numbers are ahead."""
        self._frames = downlink_bytes.Ground()
        self._read = 0
        self._last_count = -1
        self.reports = []
        self._number += NUMBERS_AHEAD

    # --- requests and what comes of them ------------------------------------------------------------------------------

    def execute(self, service: int, subtype: int, data: bytes | str = b"", **fields: int) -> Answer:
        """Send a request with all acknowledgements and wait until it is over. data: octets, or hex."""
        octets = bytes.fromhex(data) if isinstance(data, str) else data
        return self.execute_all([self.request(service, subtype, octets, **fields)])[0]

    def function(self, function: int, arguments: str = "", **fields: int) -> Answer:
        """The same for a function of ST[08]."""
        return self.execute(8, 1, function.to_bytes(2, "big") + bytes.fromhex(arguments), **fields)

    def execute_all(self, requests: Sequence[PusTc], limit_s: float = 10.0) -> list[Answer]:
        """Send requests together and wait until all are over."""
        packets = [bytes(request.pack()) for request in requests]
        filler = PusTc(
            apid=APID, service=3, message_subtype=27, app_data=FILLER, source_id=NOBODY, seq_count=0x3FFF, ack_flags=0
        )
        self.send_packets(packets if self.exact else [*packets, bytes(filler.pack())])
        wanted = [identifier(packet) for packet in packets]
        reports = self.until(lambda found: set(wanted) <= over(found), limit_s)
        return [answer(number, reports) for number in wanted]

    # --- ends --------------------------------------------------------------------------------------------------------

    def restart(self, function: int) -> list[PusTm]:
        """Execute the function that restarts the board; the reports of the start."""
        sent = self.send(8, 1, function.to_bytes(2, "big"))
        self._restarts = True
        # The reports before the restart and those after it; `reports` begins anew in between.
        self.until(lambda found: identifier(bytes(sent.pack())) in over(found))
        self.until(lambda _: not self._restarts)
        already = list(self.reports)
        return self.until(lambda found: data_of(found, 5, 1)[1:], already=already)

    def now_ms(self) -> int:
        """On-board time, asked for: ms since EPOCH."""
        [report] = [report for report in self.execute(9, 129).reports if report.service == 9]
        return round(time_ms(report))

    def power_cut(self) -> list[PusTm]:
        """Take the power away and give it back; the reports of the start. What was on its way is lost."""
        self.target.power_cut()  # type: ignore[attr-defined]
        self._rest = b""
        self._begin()
        return self.await_start()

    def await_start(self) -> list[PusTm]:
        """Wait until the board has left BOOT; its reports since the start."""
        return self.until_data(5, 1, "00 40 00 00", limit_s=20)


def verification(reports: Iterable[PusTm]) -> list[Service1Tm]:
    """The ST[01] reports, read by spacepackets."""
    return [Service1Tm.from_tm(report, VERIFICATION) for report in reports if report.service == 1]


def over(reports: Iterable[PusTm]) -> set[int]:
    """Identifiers of the requests that are over."""
    return {report.tc_req_id.as_u32() for report in verification(reports) if report.pus_tm.message_subtype in FINAL}


def answer(number: int, reports: list[PusTm]) -> Answer:
    """What came of the request with this identifier."""
    own = [report for report in verification(reports) if report.tc_req_id.as_u32() == number]
    stages = [report.pus_tm.message_subtype for report in own]
    notices = [
        report.error_code.val.to_bytes(2, "big") + report.failure_notice.data
        for report in own
        if report.failure_notice is not None
    ]
    return Answer(stages, notices[0].hex(" ") if notices else "", reports)
