"""Telecommand packets to frames, authentication, CLTUs: octets by hand from SPEC.md, and the flight link as judge."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from flight.limits import NUMBERS_AHEAD, SDLS_WINDOW, TC_FRAME_MAX
from hypothesis import given
from hypothesis import strategies as st
from perilune.errors import KeyFileError, PacketError
from perilune.link.fop1 import CONTROL_SET_VR, CONTROL_UNLOCK, FrameType
from perilune.link.keys import BLOCK, CATCH_UP, SKIPS_MAX, NumberFile, load_authenticator
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand

from tests.host.flight_link import FlightLink
from tests.system.fingerprint import Numbers

AD_KEY = bytes(range(32))
BD_KEY = bytes(range(32, 64))
PING = Telecommand(apid=0x64, service=17, subtype=1).pack()


def authenticated() -> UplinkEncoder:
    return UplinkEncoder(Authenticator(AD_KEY, BD_KEY, Numbers()))


def test_unlock_w031() -> None:
    frame = UplinkEncoder().frame(FrameType.BC, 0, CONTROL_UNLOCK)
    assert frame[:6].hex(" ") == "30 a5 00 07 00 00"
    assert len(frame) == 8


def test_set_vr_w032() -> None:
    frame = UplinkEncoder().frame(FrameType.BC, 0, CONTROL_SET_VR + b"\x2a")
    assert frame[:8].hex(" ") == "30 a5 00 09 00 82 00 2a"
    assert len(frame) == 10


def test_ad_frame_octets() -> None:
    encoder = UplinkEncoder()
    frame = encoder.frame(FrameType.AD, 0x7B, encoder.data_unit([b"\xaa\xbb"]))
    assert frame[:8].hex(" ") == "00 a5 00 09 7b c0 aa bb"
    frame = encoder.frame(FrameType.BD, 0, encoder.data_unit([b"\xaa\xbb"], FrameType.BD))
    assert frame[:8].hex(" ") == "20 a5 00 09 00 c0 aa bb"


def test_cltu_octets() -> None:
    cltu = UplinkEncoder().cltu(bytes(7))
    assert cltu.hex(" ") == "eb 90 00 00 00 00 00 00 00 fe c5 c5 c5 c5 c5 c5 c5 79"


def test_several_packets_share_a_frame_in_order() -> None:
    encoder = UplinkEncoder()
    board = FlightLink()
    packets = [Telecommand(apid=n, service=17, subtype=1).pack() for n in range(1, 6)]
    board.exchange(encoder.cltu(encoder.frame(FrameType.AD, 0, encoder.data_unit(packets))), 0)
    assert board.received == packets


@pytest.mark.parametrize("encoder", [UplinkEncoder(), authenticated()], ids=["plain", "authenticated"])
def test_longest_data_unit_fills_the_longest_frame(encoder: UplinkEncoder) -> None:
    frame = encoder.frame(FrameType.AD, 0, encoder.data_unit([bytes(encoder.room)]))
    assert len(frame) == TC_FRAME_MAX
    with pytest.raises(PacketError, match=f"expected 1 to {encoder.room} octets; found {encoder.room + 1}"):
        encoder.data_unit([bytes(encoder.room), b"\x00"])
    with pytest.raises(PacketError, match="found 0"):
        encoder.data_unit([])


def test_room_is_what_the_specification_says() -> None:
    assert (UplinkEncoder().room, authenticated().room) == (248, 226)


@given(
    st.lists(st.binary(min_size=0, max_size=60), min_size=1, max_size=5), st.booleans(), st.sampled_from(["AD", "BD"])
)
def test_the_flight_link_takes_what_the_ground_makes(payloads: list[bytes], protect: bool, name: str) -> None:
    packets = [Telecommand(apid=7, service=8, subtype=1, data=payload[:25]).pack() for payload in payloads]
    encoder = authenticated() if protect else UplinkEncoder()
    board = FlightLink(ad_key=AD_KEY, bd_key=BD_KEY) if protect else FlightLink()
    frame_type = FrameType(name)
    board.exchange(encoder.cltu(encoder.frame(frame_type, 0, encoder.data_unit(packets, frame_type))), 0)
    assert board.received == packets
    assert board.drops.total == 0


def test_mac_does_not_cover_the_sequence_number_but_the_data() -> None:
    unit = authenticated().data_unit([PING])
    for n_s, octets, taken in ((0, unit, True), (0, unit[:-17] + bytes([unit[-17] ^ 1]) + unit[-16:], False)):
        board = FlightLink(ad_key=AD_KEY, bd_key=BD_KEY)
        encoder = UplinkEncoder()
        board.exchange(encoder.cltu(encoder.frame(FrameType.AD, n_s, octets)), 0)
        assert bool(board.received) is taken


def test_unauthenticated_frame_is_refused_by_a_board_that_wants_authentication() -> None:
    board = FlightLink(ad_key=AD_KEY, bd_key=BD_KEY)
    encoder = UplinkEncoder()
    board.exchange(encoder.cltu(encoder.frame(FrameType.AD, 0, encoder.data_unit([PING]))), 0)
    assert board.received == []
    assert board.drops.total == 1


# -- key and number files ---------------------------------------------------------------------------------------------


def write_keys(folder: Path) -> Path:
    path = folder / "keys.toml"
    path.write_text(f'ad = "{AD_KEY.hex()}"\nbd = "{BD_KEY.hex()}"\n', encoding="utf-8")
    return path


def test_authenticator_from_a_file_is_understood_by_the_board(tmp_path: Path) -> None:
    encoder = UplinkEncoder(load_authenticator(write_keys(tmp_path)))
    board = FlightLink(ad_key=AD_KEY, bd_key=BD_KEY)
    board.exchange(encoder.cltu(encoder.frame(FrameType.AD, 0, encoder.data_unit([PING]))), 0)
    assert board.received == [PING]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "FileNotFoundError"),
        ("ad = ", "TOMLDecodeError"),
        ('ad = "00"', "KeyError"),
        ('ad = "zz"\nbd = "00"', "ValueError"),
        ("ad = 3\nbd = 4", "TypeError"),
        ('ad = "00"\nbd = "00"', "too short; expected 16 octets"),
    ],
)
def test_bad_key_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "keys.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyFileError, match=message):
        load_authenticator(path)


def test_numbers_never_come_twice_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    seen: list[int] = []
    for _ in range(20):
        numbers = NumberFile(path)
        seen += [numbers.take(1) for _ in range(7)]
    assert seen == sorted(set(seen))
    assert seen[0] == 1
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= SDLS_WINDOW // 10


def test_numbers_of_two_associations_are_apart(tmp_path: Path) -> None:
    numbers = NumberFile(tmp_path / "numbers.json")
    assert [numbers.take(1), numbers.take(1), numbers.take(2), numbers.take(1)] == [1, 2, 1, 3]


def test_damaged_number_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(KeyFileError, match="cannot read the sequence numbers"):
        NumberFile(path)
    assert path.read_text(encoding="utf-8") == "{"


def test_used_up_numbers_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(f'{{"1": {2**32 - 2}}}', encoding="utf-8")
    numbers = NumberFile(path)
    assert numbers.take(1) == 2**32 - 1
    with pytest.raises(KeyFileError, match="used up"):
        numbers.take(1)


def test_skip_leaves_numbers_of_both_associations_out_once(tmp_path: Path) -> None:
    numbers = NumberFile(tmp_path / "numbers.json")
    numbers.take(1)
    numbers.skip()
    numbers.skip()
    assert [numbers.take(spi) for spi in (1, 2, 1, 2)] == [NUMBERS_AHEAD + n for n in (2, 1, 3, 2)]
    assert NumberFile(tmp_path / "numbers.json").take(1) > NUMBERS_AHEAD + 3


def test_skips_without_confirmation_end_even_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    seen = [0]
    for _ in range(SKIPS_MAX + 2):
        numbers = NumberFile(path)
        numbers.skip()
        seen.append(numbers.take(1))
    steps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert steps[0] == 1 + NUMBERS_AHEAD
    assert steps[1:] == [BLOCK + NUMBERS_AHEAD] * (SKIPS_MAX - 1) + [BLOCK] * 2
    numbers.confirm()
    again = NumberFile(path)
    again.skip()
    assert again.take(1) == seen[-1] + BLOCK + NUMBERS_AHEAD


def test_a_number_that_cannot_be_noted_is_not_handed_out_later_either(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    numbers = NumberFile(path)
    last = [numbers.take(1) for _ in range(BLOCK)][-1]
    numbers.skip()
    in_the_way = tmp_path / "numbers.json.new"
    in_the_way.mkdir()
    for _ in range(3):
        with pytest.raises(
            KeyFileError, match=r"cannot note the sequence numbers in .*numbers\.json; .*try: make room"
        ):
            numbers.take(1)
    in_the_way.rmdir()
    # Still left out, once; and whoever comes next knows of it.
    assert numbers.take(1) == last + NUMBERS_AHEAD + 1
    assert NumberFile(path).take(1) > last + NUMBERS_AHEAD + 1


@pytest.mark.parametrize("last", [64, 65, 1000, 2190, 2200, 4321])
def test_a_board_that_is_ahead_is_caught_up_with_and_never_passed_by_a_window(last: int, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    number = 0
    for _ in range(10):
        numbers = NumberFile(path)
        numbers.skip()
        number = numbers.take(1)
        if number > last:
            break
        ours = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(ours | {"1": ours["1"] + CATCH_UP}), encoding="utf-8")
    assert last < number <= last + SDLS_WINDOW
