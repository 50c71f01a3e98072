"""The check of housekeeping: on what a real flight program sends, and on what it must find."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import ExpectationError
from perilune.housekeeping.check import Checker, Kind, Verdict
from perilune.housekeeping.expectation import Expectation, read_expectation
from perilune.housekeeping.verdict_report import as_json, as_junit, as_text
from perilune.link.downlink import DownlinkDecoder
from perilune.link.packet_extractor import PacketReceived
from perilune.telemetry.decode import Decoder
from perilune.telemetry.reports import HousekeepingReport, LimitState, Report, Undecodable

from hil.targets.sitl import Sitl

DICTIONARY = load([CORE])


class Downlink:
    """Reports of a board in this process, with the time of their arrival."""

    def __init__(self) -> None:
        self.board = Sitl([CORE])
        self._frames = DownlinkDecoder()
        self._decoder = Decoder(DICTIONARY)
        self.now_s = 0.0

    def run(self, seconds: float) -> list[tuple[Report | Undecodable, float]]:
        reports = []
        for _ in range(round(seconds / 0.1)):
            self.board.run(0.1)
            self.now_s += 0.1
            for event in self._frames.feed(self.board.receive()):
                if isinstance(event, PacketReceived):
                    reports.append((self._decoder.decode(event.packet), self.now_s))
        return reports


@pytest.fixture(scope="module")
def recorded() -> list[tuple[Report | Undecodable, float]]:
    """What a healthy board says in 30 s."""
    return Downlink().run(30.0)


def checked(reports: list[tuple[Report | Undecodable, float]], expect: Expectation | None = None) -> Verdict:
    checker = Checker(DICTIONARY, expect or Expectation())
    for report, arrived_s in reports:
        checker.add(report, arrived_s)
    return checker.verdict(0.0, 30.0)


def kinds(verdict: Verdict) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.subject) for finding in verdict.findings if finding.fails]


def of(name: str, reports: list[tuple[Report | Undecodable, float]]) -> list[int]:
    """Places of the reports of a structure."""
    return [
        index
        for index, (report, _) in enumerate(reports)
        if isinstance(report, HousekeepingReport) and report.name == name
    ]


def test_a_healthy_board_passes(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    verdict = checked(recorded)
    assert verdict.passed, as_text(verdict)
    health = next(row for row in verdict.structures if row.name == "core.health")
    assert health.expected == 30
    assert 29 <= health.received <= 31
    assert health.longest_s == pytest.approx(1.0, abs=0.11)


def test_a_structure_that_never_comes_is_absent(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    gone = set(of("core.traffic", recorded))
    verdict = checked([row for index, row in enumerate(recorded) if index not in gone])
    assert kinds(verdict) == [(Kind.ABSENT, "core.traffic")]


def test_a_structure_that_pauses_is_late(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    gone = of("core.health", recorded)[10]
    assert kinds(checked(recorded[:gone] + recorded[gone + 1 :])) == [(Kind.LATE, "core.health")]


def test_a_structure_that_stops_is_late(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    gone = set(of("core.health", recorded)[20:])
    verdict = checked([row for index, row in enumerate(recorded) if index not in gone])
    assert kinds(verdict) == [(Kind.LATE, "core.health")]
    assert "stopped coming" in verdict.findings[0].detail


def test_a_report_that_was_lost_on_the_way_is_a_gap() -> None:
    downlink = Downlink()
    reports = downlink.run(5.0)
    downlink.board.receive()
    for _ in range(25):
        downlink.board.run(0.1)
        downlink.board.receive()  # 2.5 s of frames are lost
    downlink.now_s += 2.5
    found = kinds(checked(reports + downlink.run(22.5)))
    assert (Kind.GAP, "3/25") in found
    assert (Kind.LATE, "core.health") in found


def test_a_board_whose_clock_stands_still_is_stale(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    index = of("core.health", recorded)[10]
    assert (Kind.STALE, "core.health") in kinds(checked(recorded[: index + 1] + recorded[index : index + 1]))


def test_undecodable_packets_are_told(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    junk = Undecodable(reason="layout", detail="3 octets too many", raw=b"\0" * 12)
    assert kinds(checked([*recorded, (junk, 30.0)])) == [(Kind.UNDECODABLE, "layout")]


def limited(report: Report | Undecodable, state: LimitState) -> HousekeepingReport:
    """The health report with its load at a limit."""
    assert isinstance(report, HousekeepingReport)
    values = dict(report.values)
    values["core.load_permille"] = msgspec.structs.replace(values["core.load_permille"], limit_state=state)
    return msgspec.structs.replace(report, values=values)


def test_red_limits_fail_and_yellow_ones_when_they_are_to(
    recorded: list[tuple[Report | Undecodable, float]],
) -> None:
    index = of("core.health", recorded)[3]
    for state, strict, fails in (
        (LimitState.RED, False, True),
        (LimitState.YELLOW, False, False),
        (LimitState.YELLOW, True, True),
    ):
        checker = Checker(DICTIONARY, strict=strict)
        for place, (report, arrived_s) in enumerate(recorded):
            checker.add(limited(report, state) if place == index else report, arrived_s)
        verdict = checker.verdict(0.0, 30.0)
        assert verdict.passed is not fails
        assert [row.subject for row in verdict.findings] == ["core.load_permille"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[[value]]\npoint = "core.wire_version"\nequals = 1', []),
        ('[[value]]\npoint = "core.reset_cause"\nequals = "POWER_ON"', []),
        ('[[value]]\npoint = "core.reset_cause"\nequals = "CRASH"', ["is POWER_ON, expected CRASH"]),
        ('[[value]]\npoint = "core.uptime_s"\nat_least = 20', ["is 0 s, expected at least 20"]),
        ('[[value]]\npoint = "core.uptime_s"\nat_least = 20\nwhen = "last"', []),
        ('[[value]]\npoint = "core.uptime_s"\nequals = 7\nwhen = "once"', []),
        ('[[value]]\npoint = "core.uptime_s"\nequals = -7\nwhen = "once"', ["was never -7"]),
        ('[[value]]\npoint = "core.uptime_s"\nat_most = 3\nwhen = "last"', ["ended at"]),
        ('[[event]]\nevent = "core.boot"\nat_least = 1\nat_most = 1', []),
        ('[[event]]\nevent = "core.boot"\nat_most = 0', ["came 1 times, expected 0 to 0 times"]),
        ('[[event]]\nevent = "core.crash"\nat_least = 1', ["came 0 times, expected at least 1 times"]),
    ],
)
def test_expectations(
    text: str, found: list[str], tmp_path: Path, recorded: list[tuple[Report | Undecodable, float]]
) -> None:
    (tmp_path / "expect.toml").write_text(text)
    verdict = checked(recorded, read_expectation(tmp_path / "expect.toml", DICTIONARY))
    assert len(verdict.findings) == len(found), as_text(verdict)
    for finding, words in zip(verdict.findings, found, strict=True):
        assert words in finding.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[value]", "is no file of expectations"),
        ('[[value]]\npiont = "core.uptime_s"', "piont"),
        ('[[value]]\npoint = "core.uptme_s"', "core.uptime_s"),
        ('[[event]]\nevent = "core.boott"', "core.boot"),
        ('[[value]]\npoint = "core.reset_cause"\nequals = "BORED"', "one of BROWN_OUT, CRASH"),
        ('[[value]]\npoint = "core.uptime_s"\nequals = "LONG"', "a number"),
    ],
)
def test_a_wrong_file_of_expectations_is_explained(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "expect.toml").write_text(text)
    with pytest.raises(ExpectationError, match=words):
        read_expectation(tmp_path / "expect.toml", DICTIONARY)
    with pytest.raises(ExpectationError, match="cannot be read"):
        read_expectation(tmp_path / "none.toml", DICTIONARY)


def test_a_verdict_is_told_in_three_forms(recorded: list[tuple[Report | Undecodable, float]]) -> None:
    verdict = checked(recorded, Expectation(event=[]))
    assert as_text(verdict).endswith("housekeeping over 30.0 s: PASSED")
    gone = set(of("core.health", recorded)[5:])
    failed = checked([row for index, row in enumerate(recorded) if index not in gone])
    assert as_text(failed).endswith("FAILED: 1 finding")
    assert msgspec.json.decode(as_json(failed))["passed"] is False
    suite = ElementTree.fromstring(as_junit(failed))
    assert suite.get("failures") == "1"
    case = suite.find("testcase[@name='core.health']/failure")
    assert case is not None
    assert "stopped coming" in str(case.get("message"))


def test_one_report_may_be_missing_at_each_edge_and_is_told(
    recorded: list[tuple[Report | Undecodable, float]],
) -> None:
    """A check that begins and ends between two reports; two that are missing at an edge are a finding."""
    places = of("core.health", recorded)

    def without(*gone: int) -> tuple[Verdict, str]:
        left = [row for index, row in enumerate(recorded) if index not in {places[at] for at in gone}]
        verdict = checked(left)
        return verdict, next(row.note for row in verdict.structures if row.name == "core.health")

    verdict, note = without(0)
    assert (verdict.passed, note) == (True, "one missing at the start")
    verdict, note = without(0, 1, 2)
    assert kinds(verdict) == [(Kind.LATE, "core.health")]
    assert "came first after" in as_text(verdict)
    verdict, note = without(-1, -2, -3)
    assert kinds(verdict) == [(Kind.LATE, "core.health")]
    assert "stopped coming" in as_text(verdict)
