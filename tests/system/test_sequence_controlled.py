"""Telecommands in Type-AD frames: the ground's own session and COP-1 on both ends, on `sitl` and on `qemu`."""

from __future__ import annotations

from perilune.dictionary.keys import BENCH_KEYS
from perilune.link.session import LinkSession, TelecommandState
from perilune.link.uplink import Authenticator, UplinkEncoder
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import APID, STEP_S, TIME_LENGTH, data_of, identifier, verification
from tests.system.fingerprint import Numbers
from tests.system.targets import QemuTarget, SitlTarget

TELECOMMANDS = 40


class TargetTransport:
    """The space link of a target, as the session's transport: waiting lets the target's time pass."""

    def __init__(self, target: SitlTarget | QemuTarget) -> None:
        self._target = target

    def fileno(self) -> int | None:
        return None

    def read(self, timeout_s: float) -> bytes:
        self._target.run(min(timeout_s, STEP_S))
        return self._target.receive()

    def write(self, data: bytes) -> bool:
        self._target.send(data)
        return True

    def close(self) -> None:
        """The target is its fixture's."""


def test_telecommands_are_delivered_once_and_in_order(fresh_target: SitlTarget | QemuTarget) -> None:
    encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, Numbers()))
    session = LinkSession(TargetTransport(fresh_target), fresh_target.now_s, encoder=encoder)
    session.start(timeout_s=10)
    packets = [
        bytes(PusTc(apid=APID, service=17, message_subtype=1, seq_count=number).pack())
        for number in range(TELECOMMANDS)
    ]
    sent = [session.send(packet) for packet in packets]
    deadline = fresh_target.now_s() + 20
    reports: list[PusTm] = []
    while len(data_of(reports, 1, 7)) < TELECOMMANDS and fresh_target.now_s() < deadline:
        session.step()
        while session.packets:
            reports.append(PusTm.unpack(session.packets.popleft().packet, TIME_LENGTH))
    assert {telecommand.state for telecommand in sent} == {TelecommandState.DELIVERED}
    completed = [report.tc_req_id.as_u32() for report in verification(reports) if report.pus_tm.message_subtype == 7]
    assert completed == [identifier(packet) for packet in packets]
    assert len(data_of(reports, 17, 2)) == TELECOMMANDS
