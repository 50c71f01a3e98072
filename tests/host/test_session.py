"""The link session against the flight link, without a socket: a hand-moved clock and a line between the two."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from flight.limits import NUMBERS_AHEAD
from perilune.errors import KeyFileError, LinkLostError, NoClcwError, NotDeliveredError, PacketError
from perilune.link.downlink import DownlinkEvent, FrameGap
from perilune.link.fop1 import Alert
from perilune.link.fop1_table import AlertCode, State
from perilune.link.keys import NumberFile
from perilune.link.session import Fop1Settings, LinkSession, TelecommandState
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand, unpack_telemetry

from tests.host.flight_link import FlightLink
from tests.system.fingerprint import Numbers

TICK_S = 0.05


class Line:
    """A transport to a flight link; each read lets time pass. `error_rate` is that of bits, both ways."""

    def __init__(self, board: FlightLink) -> None:
        self.board = board
        self.now_s = 100.0
        self.up = bytearray()
        self.is_broken = False
        self.is_deaf = False
        self.dice = random.Random(1)
        self.error_rate = 0.0

    def clock(self) -> float:
        return self.now_s

    def fileno(self) -> int | None:
        return None

    def read(self, timeout_s: float) -> bytes:
        if self.is_broken:
            raise LinkLostError("line is broken")
        self.now_s += min(timeout_s, TICK_S) or TICK_S
        up = self.spoil(bytes(self.up))
        self.up.clear()
        down = self.board.exchange(b"" if self.is_deaf else up, int(self.now_s * 1000))
        return b"" if self.is_deaf else self.spoil(down)

    def write(self, data: bytes) -> bool:
        if self.is_broken:
            raise LinkLostError("line is broken")
        self.up += data
        return True

    def close(self) -> None:
        self.is_broken = True

    def spoil(self, data: bytes) -> bytes:
        if not self.error_rate:
            return data
        octets = bytearray(data)
        for bit in range(8 * len(octets)):
            if self.dice.random() < self.error_rate:
                octets[bit // 8] ^= 1 << bit % 8
        return bytes(octets)


def ping(number: int) -> bytes:
    return Telecommand(apid=1, service=17, subtype=1, sequence_count=number).pack()


def session_on(line: Line, **options: object) -> LinkSession:
    return LinkSession(line, line.clock, **options)  # type: ignore[arg-type]


def test_telecommand_is_delivered_and_answered() -> None:
    line = Line(FlightLink())
    session = session_on(line)
    session.start(timeout_s=5)
    assert session.deliver(ping(0), timeout_s=5).state is TelecommandState.DELIVERED
    while not session.packets:
        session.step()
    report = unpack_telemetry(session.packets[0].packet)
    assert (report.service, report.subtype, report.data.hex()) == (17, 2, "1801c000")
    assert line.board.received == [ping(0)]


def test_many_telecommands_share_frames_and_keep_their_order() -> None:
    line = Line(FlightLink(answers=False))
    session = session_on(line)
    session.start(timeout_s=5)
    sent = [session.send(ping(number)) for number in range(200)]
    while session.undelivered:
        session.step()
    assert line.board.received == [ping(number) for number in range(200)]
    assert {telecommand.state for telecommand in sent} == {TelecommandState.DELIVERED}
    assert session.frames_up == -(-200 // (session.encoder.room // 13))


@pytest.mark.parametrize("protect", [False, True], ids=["plain", "authenticated"])
def test_noisy_line_delivers_everything_once_in_order(protect: bool) -> None:
    keys = (b"a" * 32, b"b" * 32)
    board = FlightLink(ad_key=keys[0], bd_key=keys[1], answers=False) if protect else FlightLink(answers=False)
    line = Line(board)
    line.error_rate = 3e-4
    encoder = UplinkEncoder(Authenticator(*keys, Numbers())) if protect else UplinkEncoder()
    gaps: list[DownlinkEvent] = []
    session = session_on(
        line, encoder=encoder, on_event=lambda event: gaps.append(event) if isinstance(event, FrameGap) else None
    )
    session.start(timeout_s=60)
    packets = [Telecommand(apid=2, service=8, subtype=1, data=bytes(90), sequence_count=n).pack() for n in range(150)]
    for packet in packets:
        session.send(packet)
    while session.undelivered and line.now_s < 2000:
        session.step()
    assert board.received == packets
    assert session.fop.counters.retransmissions > 0
    assert gaps != []


def test_alert_is_reported_and_survived() -> None:
    line = Line(FlightLink())
    alerts: list[Alert] = []
    session = session_on(line, on_alert=alerts.append, settings=Fop1Settings(transmission_limit=2, t1_s=0.5))
    session.start(timeout_s=5)
    line.is_deaf = True
    telecommand = session.send(ping(0))
    for _ in range(100):
        session.step()
    assert [alert.code for alert in alerts] == [AlertCode.T1]
    states = [telecommand.state]
    line.is_deaf = False
    while session.undelivered and line.now_s < 2000:
        session.step()
    states.append(telecommand.state)
    assert states == [TelecommandState.UNDER_WAY, TelecommandState.DELIVERED]
    assert line.board.received == [ping(0)]


def test_silence_is_an_error_that_says_what_was_seen() -> None:
    line = Line(FlightLink())
    line.is_deaf = True
    with pytest.raises(NoClcwError, match="0 octets, 0 frames, 0 CLCWs, synchronising; try: check port"):
        session_on(line).start(timeout_s=3)


def test_no_acknowledgement_is_an_error_and_the_telecommand_stays_under_way() -> None:
    line = Line(FlightLink())
    session = session_on(line)
    session.start(timeout_s=5)
    line.is_deaf = True
    with pytest.raises(NotDeliveredError, match="within 2 s; found under way"):
        session.deliver(ping(0), timeout_s=2)
    assert session.undelivered == 1


def test_telecommand_that_never_left_is_withdrawn_after_the_timeout() -> None:
    session = session_on(Line(FlightLink()), settings=Fop1Settings(window=1))
    waiting = [session.send(ping(number)) for number in range(100)]
    with pytest.raises(NotDeliveredError, match=r"found withdrawn, .*then send it again"):
        session.deliver(ping(100), timeout_s=1)
    assert session.withdraw(waiting[99]) is True
    assert waiting[99].state is TelecommandState.WITHDRAWN
    assert session.withdraw(waiting[0]) is False


def test_stop_settles_every_telecommand() -> None:
    line = Line(FlightLink())
    session = session_on(line, settings=Fop1Settings(window=2))
    session.start(timeout_s=5)
    line.is_deaf = True
    sent = [session.send(ping(number)) for number in range(100)]
    session.step()
    session.stop()
    states = [telecommand.state for telecommand in sent]
    assert set(states) == {TelecommandState.UNCERTAIN, TelecommandState.WITHDRAWN}
    assert states == sorted(states)  # the uncertain ones come first
    assert session.undelivered == 0


def test_expedited_telecommand_needs_no_service() -> None:
    line = Line(FlightLink())
    session = session_on(line)
    assert session.send_expedited(ping(5)).state is TelecommandState.SENT
    session.step()
    assert line.board.received == [ping(5)]
    assert session.fop.state is State.INITIAL


def test_packet_that_fits_into_no_frame_is_refused_at_once() -> None:
    session = session_on(Line(FlightLink()))
    with pytest.raises(PacketError, match="does not fit into a frame; expected 1 to 248 octets; found 249"):
        session.send(bytes(249))
    with pytest.raises(PacketError, match="found 0"):
        session.send_expedited(b"")


def test_broken_line_raises_and_ends_the_service() -> None:
    line = Line(FlightLink())
    session = session_on(line)
    session.start(timeout_s=5)
    line.is_broken = True
    session.send(ping(0))
    with pytest.raises(LinkLostError):
        session.step()
    assert session.fop.counters.alerts == {AlertCode.LLIF: 1}


KEYS = (b"a" * 32, b"b" * 32)


def secured(line: Line, numbers: Path) -> LinkSession:
    """A session with the numbers in this file, and a window of four frames."""
    encoder = UplinkEncoder(Authenticator(*KEYS, NumberFile(numbers)))
    return session_on(line, encoder=encoder, settings=Fop1Settings(window=4))


def frame_filling(first: int, count: int) -> list[bytes]:
    """Telecommands of which no two fit into one frame."""
    return [
        Telecommand(apid=2, service=8, subtype=1, data=bytes(200), sequence_count=number).pack()
        for number in range(first, first + count)
    ]


def cut_power(line: Line) -> None:
    """Start the board anew with its numbers as far ahead as they may be."""
    association = line.board.associations[0]
    assert association is not None
    number = association.number_high << 16 | association.number_low
    line.board = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False, number=number + NUMBERS_AHEAD)


def work(session: LinkSession, line: Line, for_s: float) -> None:
    until_s = line.now_s + for_s
    while session.undelivered and line.now_s < until_s:
        session.step()


def test_power_cut_with_units_waiting_loses_only_what_was_under_way_w054(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    session = secured(line, tmp_path / "numbers.json")
    session.start(timeout_s=5)
    for packet in frame_filling(0, 20):
        session.deliver(packet, timeout_s=5)
    line.is_deaf = True
    sent = [session.send(packet) for packet in frame_filling(20, 30)]
    session.step()
    cut_power(line)
    line.is_deaf = False
    work(session, line, 200)
    states = [telecommand.state for telecommand in sent]
    assert states == [TelecommandState.UNCERTAIN] * 4 + [TelecommandState.DELIVERED] * 26
    assert line.board.received == frame_filling(24, 26)


def test_power_cut_between_sessions_loses_nothing_w054(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    for _ in range(20):  # as often as SDLS_WINDOW would be used up if skips were kept
        session = secured(line, tmp_path / "numbers.json")
        sent = [session.send(packet) for packet in frame_filling(0, 7)]
        session.start(timeout_s=5)
        work(session, line, 60)
        assert {telecommand.state for telecommand in sent} == {TelecommandState.DELIVERED}
        assert line.board.received == frame_filling(0, 7)
        cut_power(line)


def test_sessions_that_deliver_nothing_do_not_lock_themselves_out(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    for _ in range(20):
        session = secured(line, tmp_path / "numbers.json")
        session.start(timeout_s=5)
        line.is_deaf = True
        session.send(ping(0))
        session.step()
        line.up.clear()
        line.is_deaf = False
    session = secured(line, tmp_path / "numbers.json")
    session.start(timeout_s=5)
    assert session.deliver(ping(1), timeout_s=5).state is TelecommandState.DELIVERED


def test_expedited_telecommands_get_past_a_power_cut(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    for _ in range(20):  # sessions without any: what they leave out does not add up
        session = secured(line, tmp_path / "numbers.json")
        session.start(timeout_s=5)
        session.deliver(ping(0), timeout_s=5)
    line.board = FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False, number=NUMBERS_AHEAD)
    session.send_expedited(ping(1))
    session.step()
    assert line.board.received == [ping(1)]


def test_a_number_that_cannot_be_noted_costs_its_telecommands_and_nothing_else(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    session = secured(line, tmp_path / "numbers.json")
    in_the_way = tmp_path / "numbers.json.new"
    in_the_way.mkdir()
    session.start(timeout_s=5)
    packets = frame_filling(0, 4)
    refused = [session.send(packet) for packet in packets[:2]]
    work(session, line, 5)
    assert [telecommand.state for telecommand in refused] == [TelecommandState.WITHDRAWN] * 2
    assert "cannot note the sequence numbers" in refused[1].refused
    with pytest.raises(KeyFileError, match="cannot note"):
        session.send_expedited(packets[2])
    with pytest.raises(NotDeliveredError, match=r"cannot note the sequence numbers .*, then send it again"):
        session.deliver(packets[2], timeout_s=5)
    in_the_way.rmdir()
    assert session.deliver(packets[3], timeout_s=5).refused == ""
    assert line.board.received == packets[3:]


def test_what_can_get_no_new_number_after_a_restart_is_withdrawn(tmp_path: Path) -> None:
    line = Line(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1], answers=False))
    session = secured(line, tmp_path / "numbers.json")
    session.start(timeout_s=5)
    packets = frame_filling(0, 8)
    session.deliver(packets[0], timeout_s=5)
    line.is_deaf = True
    sent = [session.send(packet) for packet in packets[1:7]]
    session.step()
    in_the_way = tmp_path / "numbers.json.new"
    in_the_way.mkdir()
    cut_power(line)
    session.board_restarted()
    line.is_deaf = False
    work(session, line, 60)
    under_way, waiting = sent[:4], sent[4:]
    assert {telecommand.state for telecommand in under_way} == {TelecommandState.UNCERTAIN}
    assert {telecommand.state for telecommand in waiting} == {TelecommandState.WITHDRAWN}
    assert all("cannot note" in telecommand.refused for telecommand in waiting)
    in_the_way.rmdir()
    session.deliver(packets[7], timeout_s=5)
    assert line.board.received == packets[7:]


def test_an_acceptance_that_cannot_be_noted_is_noted_later(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    numbers = NumberFile(path)
    numbers.skip()
    numbers.take(1)
    in_the_way = tmp_path / "numbers.json.new"
    in_the_way.mkdir()
    numbers.confirm()
    in_the_way.rmdir()
    assert "skips" in path.read_text(encoding="utf-8")
    numbers.confirm()
    assert "skips" not in path.read_text(encoding="utf-8")
