"""A link that writes down what goes over it: frames and faults as they come, telecommands with their delivery.

    link = RecordingLink(OwnedLink(transport), ArchiveWriter(path, dictionary))     # then use it as any other link

An archive that cannot be written does not stop the link: what came waits in memory, is tried again, and is counted as
lost when it becomes too much. `failure` says why, "" while all is well, and so does `status`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from ..client.link_protocol import ArchiveStatus, LinkStatus, PortLink, Submission
from ..link.downlink import DownlinkEvent
from ..link.link_state import LinkState
from ..link.transport import ReconnectingTransport
from ..packet.pus import Telecommand
from .layout import ArchiveError
from .writer import ArchiveWriter

RETRY_S = 1.0
# Frames that wait for an archive that cannot be written: 16 MB, half an hour of a line of 115200 baud and more.
WAITING_FRAMES = 65_536


class RecordingLink:
    """`link`, recorded by `archive`, which is closed with it. wall: POSIX seconds; clock: monotonic seconds."""

    def __init__(
        self,
        link: PortLink,
        archive: ArchiveWriter,
        *,
        source: str = "",
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.link = link
        self.archive = archive
        self.failure = ""
        self.lost_frames = 0
        self._source = source
        self._wall = wall
        self._clock = clock
        self._retry_s = 0.0
        self._unrecorded: list[tuple[Submission, float, str]] = []
        self._unsettled: list[tuple[int, Submission]] = []
        self._closed = False

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        """As the link does; when it returns, what came is committed, or `failure` says why not."""
        events = self.link.step(timeout_s)
        received_s = self._wall()
        for event in events:
            self.archive.take(event, received_s)
        self._record()
        return events

    def submit(self, telecommand: Telecommand, *, expedited: bool = False, source: str = "") -> Submission:
        """As the link does. source: who sends it, for the archive."""
        submission = self.link.submit(telecommand, expedited=expedited)
        self._unrecorded.append((submission, self._wall(), source or self._source))
        try:
            self._record_commands()
        except ArchiveError as error:
            self._failed(error)
        return submission

    def withdraw(self, submission: Submission) -> None:
        """As the link does."""
        self.link.withdraw(submission)

    def state(self) -> LinkState:
        """As the link does."""
        return self.link.state()

    def status(self) -> LinkStatus:
        """As the link does, and how the archive is."""
        archive = ArchiveStatus(str(self.archive.path), self.failure, self.lost_frames)
        return msgspec.structs.replace(self.link.status(), archive=archive)

    @property
    def transport(self) -> ReconnectingTransport:
        """The link's port."""
        return self.link.transport

    @property
    def health(self) -> bytes:
        """As the link does."""
        return self.link.health

    def fileno(self) -> int | None:
        """As the link does."""
        return self.link.fileno()

    def close(self) -> None:
        """Close the link, then the archive. Raises ArchiveError if something could not be written to the end."""
        if self._closed:
            return
        self._closed = True
        self.link.close()
        try:
            self._record_commands()
        finally:
            self.archive.close()

    def _record(self) -> None:
        now_s = self._clock()
        if self.failure and now_s < self._retry_s:
            return
        try:
            try:
                self._record_commands()
            finally:
                self.archive.commit()
            self.failure = ""
        except ArchiveError as error:
            self._failed(error)
            self.lost_frames += self.archive.leave_out(WAITING_FRAMES)

    def _failed(self, error: ArchiveError) -> None:
        self.failure = str(error)
        self._retry_s = self._clock() + RETRY_S

    def _record_commands(self) -> None:
        """Telecommands that have their number now, and what has become of those before. Raises ArchiveError."""
        for entry in list(self._unrecorded):
            submission, sent_s, source = entry
            if submission.request_id is None and not submission.is_decided:
                continue
            number = self.archive.command(submission.telecommand.pack(), source=source, sent_s=sent_s)
            self._unrecorded.remove(entry)
            self._unsettled.append((number, submission))
        for number, submission in list(self._unsettled):
            if submission.is_decided:
                self.archive.delivery(number, submission.state, self._wall())
                self._unsettled.remove((number, submission))
