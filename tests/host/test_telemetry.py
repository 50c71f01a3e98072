"""Telemetry packets to reports: literal octets, all that the trial mission says, bad octets, and spacepackets."""

from __future__ import annotations

import datetime
import itertools
import json
import math
import struct

import msgspec
import pytest
from flight.limits import APID
from hypothesis import given
from hypothesis import strategies as st
from perilune.packet.pus import CucTime, Telecommand, Telemetry
from perilune.telemetry import Decoder, OnboardTime, Undecodable
from perilune.telemetry import reports as r
from perilune.telemetry.batch import CONTEXT_FRAMES, BatchDecoder
from perilune.telemetry.codes import failure_name
from perilune.telemetry.octets import decimal
from perilune.telemetry.onboard_time import UNIX_S, from_unix, from_utc, iso_of_unix
from perilune.telemetry.requests import Requests
from spacepackets.ecss.pus_1_verification import ManagedParamsVerification, Service1Tm
from spacepackets.ecss.tm import PusTm

from tests.host.recorded_downlink import ALL_TYPES, EPOCH, record

VERIFICATION = ManagedParamsVerification(bytes_step_id=2, bytes_err_code=2)
NOW = CucTime(EPOCH + 10, 0x8000)


def packet(service: int, subtype: int, data: bytes | str = b"", count: int = 0, messages: int = 0) -> bytes:
    octets = bytes.fromhex(data) if isinstance(data, str) else data
    return Telemetry(APID, service, subtype, NOW, octets, count, messages, 0, 1).pack()


def decoder() -> Decoder:
    return Decoder(record().dictionary)


def housekeeping(data: str) -> r.HousekeepingReport:
    report = decoder().decode(packet(3, 25, data))
    assert isinstance(report, r.HousekeepingReport)
    return report


# --- literal octets ---------------------------------------------------------------------------------------------------


def test_housekeeping_is_read_bit_by_bit_and_calibrated() -> None:
    # SID 100: flag 1 bit, small 3 bits, 4 bits of nothing, real f32, level i16, gain u8.
    report = housekeeping("0064 D0 3FC00000 0032 0A")
    assert report.name == "trial.mixed"
    values = report.values
    assert (values["trial.flag"].raw, values["trial.small"].raw, values["trial.real"].raw) == (1, 5, 1.5)
    level = values["trial.level"]
    assert (level.raw, level.engineering, level.unit, level.limit_state) == (50, 15.0, "degC", r.LimitState.OK)
    assert level.shown == "15 degC"
    assert values["trial.gain"].limit_state is r.LimitState.NONE


@pytest.mark.parametrize(
    ("raw", "state"),
    [("0014", "ok"), ("0013", "yellow"), ("0064", "ok"), ("0065", "yellow"), ("008D", "red"), ("FFEB", "red")],
)
def test_limits_have_their_colours(raw: str, state: str) -> None:
    assert housekeeping(f"0064 00 00000000 {raw} 00").values["trial.level"].limit_state == state


def test_an_event_has_its_text_with_names_and_numbers() -> None:
    report = decoder().decode(packet(5, 1, "0040 03 00 01 00"))
    assert isinstance(report, r.EventReport)
    assert (report.name, report.severity, report.held_back) == ("modes.changed", "info", 3)
    assert report.text == "Mode BOOT ended, mode SAFE began: START."
    report = decoder().decode(packet(5, 4, "0102 00 C8 FED4 00011170 3DCCCCCD"))
    assert isinstance(report, r.EventReport)
    assert report.text == "200 -300 70000 0.1"


def test_a_failure_code_in_an_event_has_its_name() -> None:
    report = decoder().decode(packet(5, 3, "0030 00 0120 0086"))
    assert isinstance(report, r.EventReport)
    assert report.text == "The request that event 288 started failed with code MODE."


@pytest.mark.parametrize(
    ("subtype", "data", "expected"),
    [
        (1, "1864C005", (r.Stage.ACCEPTANCE, True, None, "")),
        (2, "1864C005 0084 0001 02 FFFFFFFC", (r.Stage.ACCEPTANCE, False, None, "ARGUMENT_RANGE at 1, value -4")),
        (2, "1864C005 0048 FFFF 00 00000000", (r.Stage.ACCEPTANCE, False, None, "packet_crc")),
        (3, "1864C005", (r.Stage.START, True, None, "")),
        (4, "1864C005 0130 FFFF 01 00000003", (r.Stage.START, False, None, "app_0x130, value 3")),
        (5, "1864C005 0002", (r.Stage.PROGRESS, True, 2, "")),
        (6, "1864C005 0002 00A1 FFFF 00 00000000", (r.Stage.PROGRESS, False, 2, "TIMEOUT")),
        (7, "1864C005", (r.Stage.COMPLETION, True, None, "")),
        (8, "1864C005 00A3 0004 03 3FC00000", (r.Stage.COMPLETION, False, None, "STEP_FAILED at 4, value 1.5")),
    ],
)
def test_verification_reports(subtype: int, data: str, expected: tuple[r.Stage, bool, int | None, str]) -> None:
    report = decoder().decode(packet(1, subtype, data))
    assert isinstance(report, r.VerificationReport)
    assert (report.request_id, report.sequence_count) == (0x1864C005, 5)
    shown = report.failure.shown if report.failure else ""
    assert (report.stage, report.success, report.step, shown) == expected
    assert report.is_final == (subtype in (2, 4, 7, 8))


def test_codes_have_the_names_of_the_specification() -> None:
    assert [failure_name(code) for code in (0x49, 0x80, 0xA3, 0x101, 0x7F)] == [
        "packet_apid", "UNKNOWN_SERVICE", "STEP_FAILED", "app_0x101", "code_0x7f",
    ]  # fmt: skip


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "fraction", "iso"),
    [
        (1_956_528_037, 0, "2020-01-01T00:00:00.000Z"),  # TAI - UTC is 37 s
        (0x83AA7E80, 0x8000, "2027-12-31T23:59:23.500Z"),  # W-085
        (1_861_920_035, 0x4000, "2016-12-31T23:59:59.250Z"),
        (1_861_920_036, 0x4000, "2016-12-31T23:59:60.250Z"),
        (1_861_920_037, 0, "2017-01-01T00:00:00.000Z"),
        (441_763_209, 0, "1971-12-31T23:59:59.000Z"),
        (441_763_210, 0, "1972-01-01T00:00:00.000Z"),
    ],
)
def test_on_board_time_in_utc(seconds: int, fraction: int, iso: str) -> None:
    assert OnboardTime(seconds, fraction, 1).iso == iso


@given(st.integers(441_763_210, 2**32 - 1), st.integers(0, 65535))
def test_time_goes_to_utc_and_back(seconds: int, fraction: int) -> None:
    time = OnboardTime(seconds, fraction, 1)
    if ":60." in time.iso:
        return
    back = from_utc(time.utc)
    assert abs((back.tai_s - time.tai_s) * 65536) <= 1
    assert from_unix(time.unix_s).tai_s == pytest.approx(time.tai_s, abs=2e-5)
    assert abs((time.utc - datetime.datetime.fromtimestamp(time.unix_s, datetime.UTC)).total_seconds()) < 1e-4


def test_a_receive_time_in_utc() -> None:
    assert iso_of_unix(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"


def test_a_clock_that_nobody_set_is_said_to_run_free() -> None:
    assert OnboardTime(EPOCH + 3, 0x8000, 0).onboard == "start + 3.500 s"
    assert OnboardTime(EPOCH + 3, 0x8000, 1).onboard == f"CUC {EPOCH + 3}.500"


# --- everything the board says ----------------------------------------------------------------------------------------


def test_every_type_of_report_is_read() -> None:
    recording = record()
    under_test = decoder()
    reports = [under_test.decode(octets) for octets in recording.packets]
    known = [report for report in reports if isinstance(report, r.Report)]
    assert {(report.header.service, report.header.subtype) for report in known} == ALL_TYPES
    # Only a structure made at run time, until the board has described it.
    unknown = [report for report in reports if isinstance(report, Undecodable)]
    assert {report.reason for report in unknown} == {"structure"}
    assert under_test.counters.missing == 0
    assert under_test.state == "match"
    assert any(isinstance(report, r.HousekeepingReport) and report.name == "structure_512" for report in known)


def test_reports_agree_with_spacepackets() -> None:
    under_test = decoder()
    for octets in record().packets:
        report = under_test.decode(octets)
        theirs = PusTm.unpack(octets, 7)
        header = report.header
        assert header is not None
        assert (header.apid, header.sequence_count, header.service, header.subtype) == (
            theirs.apid, theirs.seq_count, theirs.service, theirs.message_subtype,
        )  # fmt: skip
        second = theirs.pus_tm_sec_header
        assert (header.message_count, header.destination, header.time.status) == (
            second.message_counter, second.dest_id, second.spacecraft_time_ref,
        )  # fmt: skip
        assert int.from_bytes(theirs.timestamp[1:], "big") == header.time.seconds << 16 | header.time.fraction
        if isinstance(report, r.VerificationReport):
            verification = Service1Tm.from_tm(theirs, VERIFICATION)
            assert verification.tc_req_id.as_u32() == report.request_id
            code = verification.error_code.val if verification.error_code else None
            assert code == (report.failure.code if report.failure else None)


def test_reports_go_into_json() -> None:
    under_test = decoder()
    for octets in record().packets:
        data = json.loads(msgspec.json.encode(r.as_data(under_test.decode(octets))))
        assert data["raw"] == octets.hex()
        time = data["header"]["time"]
        assert (time["utc"] is None) == (time["status"] == 0)
        assert time["utc"] is None or time["utc"].endswith("Z")


def test_a_schedule_shows_its_requests_as_they_are_written() -> None:
    under_test = decoder()
    reports = [under_test.decode(octets) for octets in record().packets]
    [detail] = [report for report in reports if isinstance(report, r.ScheduleReport) and report.detail]
    assert [entry.request.text for entry in detail.entries] == [
        "CORE.PING",
        "TRIAL.EVERY_TYPE a=5 b=-2 c=65535 d=-1000 e=100000 f=-100000 g=0.5 h=1 i=BLUE",
    ]
    assert [entry.release.seconds - EPOCH for entry in detail.entries] == [200_000_900, 200_001_000]


# --- what does not fit ------------------------------------------------------------------------------------------------


def test_lost_reports_are_counted_for_each_type() -> None:
    under_test = decoder()
    for messages, missing in ((65533, 0), (65535, 1), (0, 0), (2, 1), (0, 0), (1, 0), (1, 0)):
        report = under_test.decode(packet(17, 2, b"", 0, messages))
        assert report.header is not None
        assert report.header.missing == missing
    assert under_test.counters.missing == 2


def test_another_dictionary_on_board_is_noticed_and_nothing_guessed() -> None:
    under_test = decoder()
    event = packet(5, 1, "0101 00")
    health = next(o for o in record().packets if o[7:9] == b"\x03\x19" and o[20:22] == b"\0\1")
    foreign = Telemetry(APID, 3, 25, NOW, health[20:23] + b"\xde\xad\xbe\xef" + health[27:-2]).pack()
    assert isinstance(under_test.decode(event), r.EventReport)
    for octets in (foreign, event):
        report = under_test.decode(octets)
        assert isinstance(report, Undecodable)
        assert (report.reason, report.raw) == ("dictionary_mismatch", octets)
        assert "found deadbeef" in report.detail
    assert isinstance(under_test.decode(packet(17, 2)), r.PingReport)
    assert isinstance(under_test.decode(health), r.HousekeepingReport)
    assert isinstance(under_test.decode(event), r.EventReport)
    forced = Decoder(record().dictionary, force=True)
    assert isinstance(forced.decode(foreign), r.HousekeepingReport)
    assert (forced.state, forced.board_hash.hex()) == ("mismatch", "deadbeef")


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "packet"),
        (packet(17, 2)[:-1] + b"\0", "packet"),
        (packet(17, 3), "report_type"),
        (packet(17, 2, b"\0"), "layout"),
        (packet(3, 25, "0064 00"), "layout"),
        (packet(3, 25, "7FFF 00"), "structure"),
        (packet(5, 1, "7FFF 00"), "event"),
        (packet(20, 2, "01 7FFF 00"), "parameter"),
        (packet(1, 2, "1864C005 0084 0001 04 00000000"), "layout"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_keeps_its_octets(octets: bytes, reason: str) -> None:
    under_test = decoder()
    report = under_test.decode(octets)
    assert isinstance(report, Undecodable)
    assert (report.reason, report.raw) == (reason, octets)
    assert under_test.counters.undecodable == {reason: 1}


@given(st.sampled_from(sorted(ALL_TYPES)), st.binary(max_size=120))
def test_no_data_field_makes_the_decoder_raise(kind: tuple[int, int], data: bytes) -> None:
    report = decoder().decode(packet(*kind, data))
    assert report.raw == packet(*kind, data)


@given(st.data())
def test_values_survive_the_way_down(data: st.DataObject) -> None:
    rows = record().dictionary.housekeeping
    row = rows[data.draw(st.sampled_from(sorted(rows)))]
    bits = 0
    expected = {}
    for point, bit in row.fields:
        raw = point.type
        if raw.is_float:
            value: int | float = data.draw(st.floats(width=32 if raw.width == 32 else 64))
            number = int.from_bytes(struct.pack(">f" if raw.width == 32 else ">d", value), "big")
        else:
            value = data.draw(st.integers(int(raw.low), int(raw.high)))
            number = value & (1 << raw.width) - 1
        bits |= number << (8 * row.octets - bit - raw.width)
        expected[point.name] = value
    octets = row.sid.to_bytes(2, "big") + bits.to_bytes(row.octets, "big")
    report = Decoder(record().dictionary, force=True).decode(packet(3, 25, octets))
    assert isinstance(report, r.HousekeepingReport)
    for name, value in expected.items():
        found = report.values[name].raw
        assert found == value or (math.isnan(found) and math.isnan(value))


@given(value=st.floats(width=32, allow_nan=False))
def test_a_decimal_reads_back_as_the_same_single(value: float) -> None:
    assert struct.pack(">d", _single(float(decimal(value)))) == struct.pack(">d", value)


def _single(value: float) -> float:
    single: float = struct.unpack(">f", struct.pack(">f", value))[0]
    return single


def test_a_decimal_is_as_short_as_it_can_be() -> None:
    assert decimal(struct.unpack(">f", bytes.fromhex("3DCCCCCD"))[0]) == "0.1"
    assert decimal(struct.unpack(">f", bytes.fromhex("3F800001"))[0]) == "1.0000001"
    assert decimal(struct.unpack(">f", bytes.fromhex("4B7FFFFF"))[0]) == "16777215"
    assert decimal(0.1) == "0.1"
    assert decimal(1e300) == "1e+300"


def test_requests_are_written_as_an_operator_writes_them() -> None:
    requests = Requests(record().dictionary)
    assert requests.text(99, 1, bytes.fromhex("0102")) == "99/1 0102"
    assert requests.text(8, 1, bytes.fromhex("0201 03 0000")) == "TRIAL.SLOW steps=3 code=0"
    assert requests.text(8, 1, bytes.fromhex("0201 03")) == "TRIAL.SLOW steps=3"
    assert requests.text(20, 3, bytes.fromhex("01 1011 FFFFFFFE")) == "CORE.SET_PARAMETERS (parameter=4113 value=-2)"
    assert requests.text(5, 6, bytes.fromhex("01 0101")) == "CORE.DISABLE_EVENTS (event=257)"
    assert requests.packet_text(b"\x18").startswith("unreadable telecommand")
    assert requests.packet_text(Telecommand(APID, 17, 1).pack()) == "CORE.PING"


# --- batches ----------------------------------------------------------------------------------------------------------


def posix(report: r.HousekeepingReport) -> int:
    """On-board time as POSIX microseconds, in whole numbers."""
    time = report.header.time
    return (time.seconds - UNIX_S - 37) * 1_000_000 + (time.fraction * 1_000_000 >> 16)


def scalar_reports() -> list[r.Report | Undecodable]:
    under_test = decoder()
    return [under_test.decode(octets) for octets in record().packets]


@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_batches_say_the_same_as_one_packet_at_a_time(cuts: list[int]) -> None:
    frames = record().frames
    edges = sorted({0, len(frames), *(cut % (len(frames) + 1) for cut in cuts)})
    batch_decoder = BatchDecoder(decoder())
    singles: list[r.Report | Undecodable] = []
    rows: list[tuple[int, str, dict[str, object]]] = []
    for start, end in itertools.pairwise(edges):
        batch = batch_decoder.decode(b"".join(frames[start:end]))
        assert batch.gaps == []
        singles += [single.report for single in batch.singles]
        for structure in batch.structures:
            for n, sequence in enumerate(structure.sequence.tolist()):
                values = {name: column[n].item() for name, column in structure.values.items()}
                rows.append((sequence, structure.name, {**values, "time": structure.onboard_us[n].item()}))
    reports = scalar_reports()
    assert singles == [report for report in reports if not isinstance(report, r.HousekeepingReport)]
    expected = [
        (
            report.header.sequence_count,
            report.name,
            {**{name: value.raw for name, value in report.values.items()}, "time": posix(report)},
        )
        for report in reports
        if isinstance(report, r.HousekeepingReport)
    ]
    assert sorted(rows, key=lambda row: row[0]) == expected


def test_batches_go_on_after_a_break_where_they_are_told_what_came_before() -> None:
    frames = record().frames
    cut = len(frames) // 2
    whole = BatchDecoder(decoder()).decode(b"".join(frames))
    parts = BatchDecoder(decoder())
    before = parts.decode(b"".join(frames[:cut]))
    after = BatchDecoder(parts.decoder)
    after.prime(b"".join(frames[cut - CONTEXT_FRAMES : cut]))
    rest = after.decode(b"".join(frames[cut:]))
    assert before.packets + rest.packets == whole.packets
    assert [s.report for s in before.singles + rest.singles] == [s.report for s in whole.singles]
    assert rest.gaps == []


def test_a_lost_frame_is_found_in_every_count() -> None:
    frames = list(record().frames)
    del frames[20]
    batch = BatchDecoder(decoder()).decode(b"".join(frames))
    kinds = {gap.kind: gap for gap in batch.gaps}
    assert {"frame", "packet", "3/25"} <= set(kinds)
    assert (kinds["frame"].frame, kinds["frame"].missing) == (20, 1)
    assert kinds["packet"].missing >= 1


def test_a_batch_of_a_board_with_another_dictionary_is_not_guessed_at() -> None:
    recording = record()
    foreign = Decoder(msgspec.structs.replace(recording.dictionary, content_hash=bytes(32)))
    batch = BatchDecoder(foreign).decode(b"".join(recording.frames))
    scalar = Decoder(msgspec.structs.replace(recording.dictionary, content_hash=bytes(32)))
    reports = [scalar.decode(octets) for octets in recording.packets]
    assert [single.report for single in batch.singles] == reports
    assert batch.structures == []
