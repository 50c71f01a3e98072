"""What is said of a link, from octets and frames."""

from __future__ import annotations

import socket
from typing import cast

import pytest
from perilune.client import messages as m
from perilune.client.arguments import DictionaryWatch
from perilune.client.attached_link import AttachedLink
from perilune.client.ground import Ground
from perilune.client.link_protocol import LinkStatus, UplinkStatus
from perilune.client.local_address import LocalAddress
from perilune.dictionary.load import CORE, load
from perilune.link.downlink import DownlinkCounters
from perilune.link.link_state import NO_FRAMES_OCTETS, SILENT_S, Condition, LinkObserver, LinkState
from perilune.link.monitor import describe
from perilune.link.transport import TransportCounters

Note = tuple[float, bool, int, int]


@pytest.mark.parametrize(
    ("notes", "now_s", "condition"),
    [
        ([], 0.0, Condition.NO_PORT),
        ([(1.0, True, 0, 0)], 1.5, Condition.OPENING),
        ([(1.0, True, 0, 0)], 1.1 + SILENT_S, Condition.SILENT),
        ([(1.0, True, 300, 0)], 1.5, Condition.OPENING),
        ([(1.0, True, NO_FRAMES_OCTETS - 1, 0), (1.2, True, 1, 0)], 1.5, Condition.NO_FRAMES),
        ([(1.0, True, 260, 1)], 1.5, Condition.UP),
        ([(1.0, True, 260, 1)], 1.1 + SILENT_S, Condition.SILENT),
        # Noise now and then in a line that carries frames is no wrong baud rate.
        ([(1.0, True, 260, 1), (1.5, True, NO_FRAMES_OCTETS, 0)], 1.6, Condition.UP),
        ([(1.0, True, 260, 1), (5.0, True, NO_FRAMES_OCTETS, 0)], 5.1, Condition.NO_FRAMES),
        ([(1.0, True, NO_FRAMES_OCTETS, 0), (2.0, True, 260, 1)], 2.1, Condition.UP),
        ([(1.0, True, 260, 1), (2.0, False, 0, 0)], 2.1, Condition.NO_PORT),
        ([(1.0, True, 260, 1), (2.0, False, 0, 0), (9.0, True, 0, 0)], 9.1, Condition.OPENING),
    ],
)
def test_conditions(notes: list[Note], now_s: float, condition: Condition) -> None:
    observer = LinkObserver(0.0)
    for note in notes:
        observer.note(*note)
    state = observer.state(now_s, "the port", "gone")
    assert state.condition is condition
    assert "the port" in str(state)


def test_octets_without_frames_name_the_baud_rate() -> None:
    observer = LinkObserver(0.0)
    observer.note(0.0, True, 5000, 0)
    assert "wrong baud rate" in (text := str(observer.state(0.1, "COM3"))) and "--baud" in text


class Meeting:
    """In the place of a LocalAddress: the other end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def connect(self) -> tuple[socket.socket, str]:
        return self._connection, ""


def test_a_program_that_shares_a_port_is_told_what_it_has_missed(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = socket.socketpair()
    link = AttachedLink("port", cast(LocalAddress, Meeting(ours)))
    up = UplinkStatus("stopped", "INITIAL", 0, 0, 0, 0, 0, 0)
    state = LinkState(Condition.UP, "frames come")
    status = LinkStatus(TransportCounters(), DownlinkCounters(), None, {}, {}, "port", state, up)
    owner = m.MessageStream(theirs)
    owner.put(m.Welcome(m.VERSION, status))
    assert link.attach()
    told = link.status()
    assert told is not None and told.sharing.missed == 0
    owner.put(m.Missed(3))
    with Ground(link, load([CORE])) as ground:
        ground.step(0.0)
        told = ground.status
        assert told is not None and told.sharing.missed == 3
        assert "events dropped for slow ones, 3 missed here\n" in describe(told)
        assert DictionaryWatch(ground, "hk watch").end() == 0
    assert "perilune hk watch: 3 events of the link were not read in time" in capsys.readouterr().err
    owner.close()
