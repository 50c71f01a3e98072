"""W-125: what a board says about its start, in literal octets; and that COP-1 believes it more than an N(R)."""

from __future__ import annotations

from perilune.dictionary import load
from perilune.link.downlink import FrameGap
from perilune.link.packet_extractor import PacketReceived
from perilune.link.restart_watch import RestartWatch
from perilune.link.session import LinkSession, TelecommandState
from perilune.packet.pus import CucTime, Telemetry
from perilune.packet.start_report import BOOT_EVENT, HEALTH_SID, StartReport, read_start

from tests.host.flight_link import FlightLink
from tests.host.test_session import Line, ping


def report(service: int, subtype: int, data: str) -> bytes:
    return Telemetry(100, service, subtype, CucTime(1), bytes.fromhex(data)).pack()


def boot(count: int) -> PacketReceived:
    return PacketReceived(0, 100, 0, report(5, 1, f"0001 00 {count:04x} 02"))


def health(count: int, uptime_s: int, vcid: int = 0) -> PacketReceived:
    data = f"0001 01 aabbccdd {uptime_s:08x} {count:04x} 02"
    return PacketReceived(vcid, 100, 0, report(3, 25, data))


def test_octets_of_the_start() -> None:
    assert read_start(boot(7).packet) == StartReport(7, 0, is_new=True)
    assert read_start(health(7, 70000).packet) == StartReport(7, 70000)
    for packet in (report(5, 1, "0002 00 0007 02"), report(3, 25, "0002 01 aabbccdd 00000001 0007"), b"", b"\x00" * 30):
        assert read_start(packet) is None
    assert read_start(report(3, 25, "0001 01 aabbccdd 000000")) is None


def test_the_dictionary_says_the_same() -> None:
    dictionary = load()
    event = dictionary.events["core.boot"]
    assert event.id == BOOT_EVENT
    assert (event.fields[0].name, event.fields[0].offset) == ("count", 0)
    structure = dictionary.housekeeping["core.health"]
    places = {point.name: (bit, point.type.width) for point, bit in structure.fields}
    assert structure.sid == HEALTH_SID
    assert (places["core.uptime_s"], places["core.boot_count"]) == ((40, 32), (72, 16))


def test_restarts_are_told_once_each() -> None:
    watch = RestartWatch()
    history = [
        (boot(1), False),  # the board started while we listened, and nothing was lost before
        (health(1, 1), False),
        (health(1, 2), False),
        (health(1, 1), False),  # two reports in one second, in either order
        (boot(2), True),
        (health(2, 1), False),
        (health(2, 50, vcid=1), False),
        (health(2, 49), False),
        (health(1, 3), True),  # a power cut whose event was lost
        (health(1, 900), False),
        (health(1, 5), True),  # another one; the count is the same
    ]
    assert [watch.sees_restart(event) for event, _ in history] == [restarted for _, restarted in history]
    assert watch.restarts == 3


def test_a_first_boot_event_behind_a_gap_is_a_restart() -> None:
    watch = RestartWatch()
    assert not watch.sees_restart(FrameGap(None, 3))
    assert watch.sees_restart(boot(1))


def test_a_restart_makes_what_was_sent_uncertain_and_goes_on() -> None:
    """N(S) 0 and 1 are under way when the board restarts, so that its N(R) = 0 looks like "nothing arrived yet"."""
    line = Line(FlightLink())
    session = LinkSession(line, line.clock)
    session.start(timeout_s=5)
    line.is_deaf = True
    lost = [session.send(ping(0)), session.send(ping(1))]
    for _ in range(10):
        session.step(0.1)
    line.board = FlightLink()
    line.is_deaf = False
    session.board_restarted()
    assert {telecommand.state for telecommand in lost} == {TelecommandState.UNCERTAIN}
    session.deliver(ping(2), timeout_s=10)
    assert line.board.received == [ping(2)]
    assert session.service.counters.restarts == 1
