"""A link that is recorded: on the flight software in this process, and where the archive cannot be written."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from flight.limits import APID
from perilune.archive import ArchiveError, ArchiveReader, ArchiveWriter
from perilune.archive import recording_link as module
from perilune.archive.recording_link import RecordingLink
from perilune.cli import main
from perilune.client.link_protocol import ArchiveStatus, LinkStatus, Submission, UplinkStatus
from perilune.client.owned_link import OwnedLink
from perilune.client.sitl_transport import SitlTransport
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.link.downlink import DownlinkCounters, DownlinkEvent, Dropped, FrameReceived
from perilune.link.keys import VolatileNumbers
from perilune.link.link_state import Condition, LinkState
from perilune.link.monitor import describe
from perilune.link.session import TelecommandState
from perilune.link.transport import ReconnectingTransport, TransportCounters
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand

from tests.host.recorded_downlink import TRIAL, record

NOON = 1_795_176_000.0


class PlayedLink:
    """Brings the recorded frames, some with each step, and numbers telecommands from 10 on."""

    def __init__(self) -> None:
        self.frames = list(record().frames)
        self.submissions: list[Submission] = []
        self.closed = 0

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        part, self.frames = self.frames[:5], self.frames[5:]
        events: list[DownlinkEvent] = [FrameReceived(frame[1] >> 1 & 7, frame[2], frame[3], frame) for frame in part]
        return [*events, Dropped(0x50, 3)]

    def submit(self, telecommand: Telecommand, *, expedited: bool = False) -> Submission:
        self.submissions.append(Submission(telecommand))
        return self.submissions[-1]

    def withdraw(self, submission: Submission) -> None:
        submission.state = TelecommandState.WITHDRAWN

    def state(self) -> LinkState:
        raise NotImplementedError

    def status(self) -> LinkStatus:
        up = UplinkStatus("stopped", "S6", 0, 0, 0, 0, 0, 0)
        state = LinkState(Condition.UP, "frames come")
        return LinkStatus(TransportCounters(), DownlinkCounters(), None, {}, {}, "played", state, up)

    @property
    def transport(self) -> ReconnectingTransport:
        raise NotImplementedError

    @property
    def health(self) -> bytes:
        return b"health"

    def fileno(self) -> int | None:
        return 7

    def close(self) -> None:
        self.closed += 1


def test_frames_faults_and_telecommands_are_written_down(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    inner = PlayedLink()
    link = RecordingLink(inner, ArchiveWriter(path, record().dictionary), source="console", wall=lambda: NOON)
    submission = link.submit(Telecommand(APID, 8, 1, bytes.fromhex("0202 0130 00"), 0))
    other = link.submit(Telecommand(APID, 17, 1), source="script")
    with ArchiveReader(path) as reader:
        assert list(reader.commands()) == []  # not numbered yet
    # The owner numbers it; the recording has the answers to count 10.
    submission.telecommand = Telecommand(APID, 8, 1, bytes.fromhex("0202 0130 00"), 10)
    submission.request_id = submission.telecommand.request_id
    link.withdraw(other)
    while inner.frames:
        assert len(link.step(0.0)) > 1
        submission.state = TelecommandState.DELIVERED
    assert (link.fileno(), link.health) == (7, b"health")
    link.close()
    link.close()
    assert (inner.closed, link.failure, link.lost_frames) == (1, "", 0)
    with ArchiveReader(path) as reader:
        assert [octets for _, octets in reader.frames()] == list(record().frames)
        assert sum(fault["octets"] for fault in reader.faults()) == 3 * -(-len(record().frames) // 5)
        sent, withdrawn = reader.commands()
    assert (sent["text"], sent["source"], sent["delivery"]) == (
        "TRIAL.FAIL code=304 after_start=0",
        "console",
        "delivered",
    )
    assert [stage["stage"] for stage in sent["verification"]] == ["acceptance", "start"]
    assert (withdrawn["text"], withdrawn["delivery"]) == ("CORE.PING", "withdrawn")


def archived(path: Path) -> tuple[PlayedLink, list[float], RecordingLink]:
    """A link that is played, its clock (one number, s), and what records it in an archive."""
    inner = PlayedLink()
    now = [0.0]
    archive = ArchiveWriter(path, record().dictionary, clock=lambda: NOON)
    return inner, now, RecordingLink(inner, archive, wall=lambda: NOON, clock=lambda: now[0])


def test_an_archive_that_cannot_be_written_does_not_stop_the_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "archive.sqlite"
    inner, now, link = archived(path)
    link.step(0.0)
    assert f"\narchive   {path}\n" in describe(link.status())
    database = link.archive._connection
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    while not link.failure:
        link.step(0.0)
    assert "make room on the disk" in link.failure
    stored = sqlite3.connect(path).execute("SELECT count(*) FROM frame").fetchone()[0]
    monkeypatch.setattr(module, "WAITING_FRAMES", 7)
    for _ in range(3):
        now[0] += module.RETRY_S
        assert link.step(0.0)
    assert link.lost_frames > 0
    status = link.status().archive
    assert status == ArchiveStatus(str(path), link.failure, link.lost_frames)
    assert f"archive   {link.failure}, {link.lost_frames} frames lost" in describe(link.status())
    database.execute("PRAGMA max_page_count = 100000")
    now[0] += module.RETRY_S
    while inner.frames:
        link.step(0.0)
    assert link.failure == ""
    link.close()
    with ArchiveReader(path) as reader:
        frames = [octets for _, octets in reader.frames()]
        gaps = [gap for gap in reader.gaps() if gap["kind"] == "frame" and gap["vcid"] == -1]
    assert len(frames) == len(record().frames) - link.lost_frames
    assert frames[:stored] == list(record().frames[:stored])
    # What was lost is seen in the counts.
    assert sum(gap["missing"] for gap in gaps) == link.lost_frames


def test_faults_that_wait_for_an_archive_are_not_kept_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    with ArchiveWriter(path, record().dictionary, clock=lambda: NOON) as archive:
        for octets in range(10):
            archive.take(Dropped(0x50, octets))
        assert archive.leave_out(7) == 0
        archive.commit()
    kept = [row[0] for row in sqlite3.connect(path).execute("SELECT octets FROM fault ORDER BY id")]
    assert kept == [3, 4, 5, 6, 7, 8, 9]


def test_commands_to_the_flight_software_are_archived_with_their_verification(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    now = [0.0]

    def clock() -> float:
        return now[0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 0.001)

    transport = ReconnectingTransport(lambda: SitlTransport([CORE, TRIAL], clock, sleep), clock)
    encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, VolatileNumbers()))
    owned = OwnedLink(transport, clock, encoder=encoder, first_count=0, sleep=sleep)
    archive = ArchiveWriter(path, record().dictionary, clock=lambda: NOON + now[0])
    link = RecordingLink(owned, archive, source="test", wall=lambda: NOON + now[0], clock=clock)
    while now[0] < 2:
        link.step(0.1)
    pings = [link.submit(Telecommand(APID, 17, 1)) for _ in range(3)]
    failing = link.submit(Telecommand(APID, 8, 1, bytes.fromhex("0202 0131 01")))
    while now[0] < 15:
        link.step(0.1)
    link.close()
    assert {submission.state for submission in [*pings, failing]} == {TelecommandState.DELIVERED}
    with ArchiveReader(path) as reader:
        commands = list(reader.commands())
        uptime = reader.values("core.uptime_s")
        assert list(reader.gaps()) == []
    assert [command["text"] for command in commands] == ["CORE.PING"] * 3 + ["TRIAL.FAIL code=305 after_start=1"]
    assert {command["delivery"] for command in commands} == {"delivered"}
    stages = [[(stage["stage"], stage["success"]) for stage in command["verification"]] for command in commands]
    assert stages[:3] == [[("acceptance", 1), ("start", 1), ("completion", 1)]] * 3
    assert stages[3] == [("acceptance", 1), ("start", 1), ("completion", 0)]
    assert commands[3]["verification"][2]["failure"] == "app_0x131 at 1, value 305"
    # The board tells its health at its start and then each second.
    assert uptime.raw.tolist()[1:] == list(range(len(uptime) - 1))
    assert len(uptime) >= 14


def refuse(*_: object, **__: object) -> int:
    """In the place of a writer's method."""
    raise ArchiveError("cannot use the archive board.sqlite", found="disk I/O error", next_step="make room on the disk")


def test_telecommands_that_cannot_be_written_wait_and_are_sent_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "archive.sqlite"
    inner, now, link = archived(path)
    sent = link.submit(Telecommand(APID, 17, 1, b"", 9999))
    sent.request_id = sent.telecommand.request_id
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveWriter, "delivery", refuse)
        sent.state = TelecommandState.DELIVERED
        assert link.submit(Telecommand(APID, 17, 1)) is inner.submissions[1]
        assert "make room on the disk" in link.failure
        now[0] += module.RETRY_S
        link.step(0.0)
        assert "make room on the disk" in link.failure  # the frames went in, that one did not
    now[0] += module.RETRY_S
    link.step(0.0)
    assert link.failure == ""
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveWriter, "command", refuse)
        inner.submissions[1].state = TelecommandState.WITHDRAWN
        with pytest.raises(ArchiveError, match="make room on the disk"):
            link.close()
    with ArchiveReader(path) as reader:
        assert [command["delivery"] for command in reader.commands()] == ["delivered"]
        assert len(list(reader.frames())) == 10


def test_the_command_tells_once_that_its_archive_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("RUNTIME", "STATE"):
        monkeypatch.setenv(f"PERILUNE_{name}_DIR", str(tmp_path / name.lower()))
    (tmp_path / "perilune.toml").write_text('[targets.here]\nport = "sitl"\n', encoding="utf-8")
    commit, calls = ArchiveWriter.commit, [0]

    def refuse_twice(archive: ArchiveWriter) -> int:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return refuse() if calls[0] <= 2 else commit(archive)

    monkeypatch.setattr(ArchiveWriter, "commit", refuse_twice)
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    archive = tmp_path / "board.sqlite"
    assert main(["link", "here", "--config", str(tmp_path / "perilune.toml"), "--archive", str(archive), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "perilune link: cannot use the archive board.sqlite; found disk I/O error; try: make room on the disk",
        f"perilune link: the archive {archive} is written again, 0 frames lost",
    ]
    assert json.loads(out.splitlines()[-1])["archive"] == {"path": str(archive), "failure": "", "lost_frames": 0}
