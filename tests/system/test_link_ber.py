"""A link with bit error rate 1e-4 both ways, bursts and garbage: no telecommand is lost, doubled or reordered.

The ground is the real session over a real socket, the peer whatever `link_peers.PEERS` has. Time is real time, but
nothing waits for it: the test ends when everything is acknowledged, or when nothing more has been for long.
"""

from __future__ import annotations

import random
import time

import pytest
from perilune.link.session import Fop1Settings, LinkSession, TelecommandState
from perilune.packet.pus import Telecommand

from tests.system.fingerprint import Fingerprint
from tests.system.link_peers import PEERS
from tests.system.noisy_transport import Noise, NoisyDirection, NoisyTransport

TELECOMMANDS = 1000
BIT_ERROR_RATE = 1e-4
SEED = 20260101
STALLED_S = 60.0
# Bursts in one transmission of eight, garbage after one of four; garbage is longer than a CLTU or TM frame at times.
NOISE = Noise(BIT_ERROR_RATE, burst_chance=0.12, burst_length=60, garbage_chance=0.25, garbage_length=300)
# On a socket a round trip is far below a second. The board says something new within CLCW_CHANGE_MS, but an emulator
# that shares its processor is late, and a timer that does not wait for it sends everything again and again; so does a
# window that is longer than what is under way (16 frames: 751 repetitions instead of 350, in the same time).
SOCKET = Fop1Settings(window=16, t1_s=0.6, transmission_limit=10)
SETTINGS = {"qemu": Fop1Settings(window=8, t1_s=1.0, transmission_limit=10)}


def telecommands(dice: random.Random) -> list[bytes]:
    """Telecommands of mixed sizes, each with its number in it."""
    return [
        Telecommand(
            apid=100,
            service=8,
            subtype=1,
            data=number.to_bytes(4, "big") + dice.randbytes(dice.choice((0, 10, 60, 200))),
            sequence_count=number,
        ).pack()
        for number in range(TELECOMMANDS)
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "peer_name", [pytest.param(name, marks=pytest.mark.board) if name == "qemu" else name for name in PEERS]
)
def test_none_lost_doubled_or_reordered(peer_name: str) -> None:
    packets = telecommands(random.Random(SEED))
    with PEERS[peer_name]() as peer:
        line = NoisyTransport(peer.connect(), NOISE, NOISE, SEED)
        session = LinkSession(line, time.monotonic, encoder=peer.encoder(), settings=SETTINGS.get(peer_name, SOCKET))
        session.start(STALLED_S)
        sent = [session.send(packet) for packet in packets]
        left, since = session.undelivered, time.monotonic()
        while left and time.monotonic() < since + STALLED_S:
            session.step()
            if session.undelivered < left:
                left, since = session.undelivered, time.monotonic()
        received = peer.received()
        line.close()

    assert received == [Fingerprint.of(packet) for packet in packets]
    assert {telecommand.state for telecommand in sent} == {TelecommandState.DELIVERED}
    for direction in (line.up, line.down):
        counters = direction.counters
        assert 0.5 * BIT_ERROR_RATE < counters.measured_bit_error_rate < 2 * BIT_ERROR_RATE
        assert min(counters.bursts, counters.garbage_octets) > 0
    assert session.fop.counters.retransmissions > 0
    assert session.decoder.counters.missing_master > 0
    assert session.decoder.accounted_octets() == session.decoder.counters.octets


def test_the_noise_is_as_bad_as_it_says() -> None:
    direction = NoisyDirection(Noise(BIT_ERROR_RATE), SEED)
    clean = bytes(1_000_000)
    spoiled = direction.spoil(clean)
    flipped = sum(octet.bit_count() for octet in spoiled)
    assert flipped == direction.counters.flipped_bits
    assert 700 < flipped < 900


def test_noise_does_not_depend_on_the_pieces() -> None:
    whole = NoisyDirection(Noise(1e-3), SEED).spoil(bytes(5000))
    direction = NoisyDirection(Noise(1e-3), SEED)
    assert b"".join(direction.spoil(bytes(size)) for size in (1, 999, 0, 3000, 1000)) == whole
