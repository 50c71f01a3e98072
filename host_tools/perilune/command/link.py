"""Own a board's port and share it: other perilune programs of the same user attach by themselves when they name it.

Shows link state, gaps, and every dropped octet with its reason. It sends nothing until a program that is attached gives
a command. With the port in use by another `perilune link` it shows what that one counts. An archive that cannot be
written does not end it: stderr and the reports say so, and what came waits in memory until it can.

example:

    perilune link bench
    perilune link /dev/ttyUSB0 --for 10 --archive today.sqlite
    perilune link tcp://127.0.0.1:5001 --json --for 5
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import add_target_arguments, print_json
from ..command_line import completes, positive_seconds
from ..errors import PortBusyError
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..archive.recording_link import RecordingLink
    from ..client.configuration import Target
    from ..client.open_ground import OwnerLink

SUMMARY = "own a port and share it; show link state and every counter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    port = parser.add_argument(
        "port", nargs="?", help="target of perilune.toml, serial port, pyserial URL, or tcp://HOST:PORT"
    )
    completes(port, "targets")
    add_target_arguments(parser)
    parser.add_argument(
        "--archive", type=Path, metavar="FILE", help="keep everything in this archive (or the target's)"
    )
    parser.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="end after this time (60s, 5m)")
    parser.add_argument("--every", type=positive_seconds, default=1.0, metavar="SECONDS", help="report this often (1)")
    parser.add_argument("--json", action="store_true", help="reports as one JSON object a line")


def _recorded(link: OwnerLink, path: Path, target: Target) -> RecordingLink:
    """The link, written down in the archive *path*."""
    from ..archive.recording_link import RecordingLink  # noqa: PLC0415
    from ..archive.writer import ArchiveWriter  # noqa: PLC0415
    from ..client.open_ground import dictionary_of  # noqa: PLC0415

    try:
        return RecordingLink(link, ArchiveWriter(path, dictionary_of(target)))
    except BaseException:
        link.close()
        raise


class _ArchiveWatch:
    """Tells on stderr when the archive begins to refuse what comes, and when it takes it again."""

    def __init__(self, recording: RecordingLink | None) -> None:
        self._recording = recording
        self._is_failing = False

    def look(self) -> None:
        """Say so as soon as it is known."""
        if self._recording is None or bool(self._recording.failure) == self._is_failing:
            return
        self._is_failing = not self._is_failing
        lost = self._recording.lost_frames
        again = f"the archive {self._recording.archive.path} is written again, {lost} frames lost"
        print(f"perilune link: {self._recording.failure or again}", file=sys.stderr, flush=True)


def run(arguments: argparse.Namespace) -> int:
    import time  # noqa: PLC0415  # imports of the work are made when there is work

    from ..client.attached_link import AttachedLink  # noqa: PLC0415
    from ..client.link_server import LinkServer  # noqa: PLC0415
    from ..client.local_address import LocalAddress  # noqa: PLC0415
    from ..client.open_ground import find_target, own_link  # noqa: PLC0415
    from ..link.monitor import describe  # noqa: PLC0415

    target = find_target(arguments.port or arguments.target, arguments.config, arguments.baud)
    attached = AttachedLink(target.port, LocalAddress(target.address))
    shared: LinkServer | AttachedLink = attached
    recording = None
    if not attached.attach():
        link = own_link(target)
        path = arguments.archive or target.archive
        recording = None if path is None else _recorded(link, path, target)
        shared = LinkServer(recording or link, LocalAddress(target.address))
    elif arguments.archive:
        attached.close()
        raise PortBusyError(
            f"{target.port} is owned by another perilune link",
            expected="to be its owner, who alone keeps an archive",
            next_step="end the other one, or give it the --archive",
        )

    def report() -> None:
        status = shared.status()
        if arguments.json:
            print_json({"state": "no owner"} if status is None else status)
        else:
            print(shared.state() if status is None else describe(status), flush=True)

    archive = _ArchiveWatch(recording)
    now = time.monotonic()
    end = float("inf") if arguments.for_s is None else now + arguments.for_s
    next_report = now + arguments.every
    try:
        while now < end:
            shared.step(max(0.0, min(0.1, end - now, next_report - now)))
            archive.look()
            now = time.monotonic()
            if now >= next_report and now < end:
                next_report += arguments.every
                report()
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        report()
        shared.close()
    return 0
