"""The console without a terminal and without waiting: its screen as text, its time in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from perilune.client.ground import Ground
from perilune.client.link_protocol import LinkStatus, Submission
from perilune.client.owned_link import OwnedLink
from perilune.client.sitl_transport import SitlTransport
from perilune.console.app import ConsoleApp
from perilune.console.board_watch import BoardWatch
from perilune.dictionary import Dictionary, load
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.link.downlink import DownlinkEvent
from perilune.link.keys import VolatileNumbers
from perilune.link.link_state import Condition, LinkState
from perilune.link.packet_extractor import PacketReceived
from perilune.link.session import TelecommandState
from perilune.link.transport import ReconnectingTransport
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import CucTime, Telecommand, Telemetry
from perilune.telemetry.onboard_time import BOARD_EPOCH_S
from textual.pilot import Pilot
from textual.widgets import Input

from tests.system.targets import TRIAL

START_UNIX_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
DICTIONARY = load([CORE, TRIAL])
SIZES = [(80, 24), (120, 40)]


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.001)


class FakeLink:
    """A link that says what the test wants. taken: telecommands that it was given; delivered at once."""

    def __init__(self, clock: Clock) -> None:
        self.health = b""
        self.waiting: list[DownlinkEvent] = []
        self.taken: list[Telecommand] = []
        self.closed = False
        self.now = LinkState(Condition.UP, "frames come from fake")
        self._clock = clock
        self._count = 0

    def put(self, service: int, subtype: int, data: bytes, vcid: int = 0) -> None:
        """A packet comes down."""
        time = CucTime(BOARD_EPOCH_S + int(self._clock()), 0)
        packet = Telemetry(100, service, subtype, time, data, self._count & 0x3FFF, self._count & 0xFFFF).pack()
        self._count += 1
        self.waiting.append(PacketReceived(vcid, 100, self._count & 0x3FFF, packet))

    def put_health(self, load_permille: int, content_hash: bytes | None = None, vcid: int = 0) -> None:
        """core.health, SPEC.md section 14: SID, then its values in order."""
        structure = DICTIONARY.housekeeping["core.health"]
        data = bytearray(2 + structure.octets)
        data[0:2] = structure.sid.to_bytes(2, "big")
        wanted = {"core.load_permille": load_permille, "core.wire_version": 1, "core.heap_free": 1_000_000}
        content_hash = DICTIONARY.content_hash if content_hash is None else content_hash
        wanted["core.dictionary_high"] = int.from_bytes(content_hash[0:2], "big")
        wanted["core.dictionary_low"] = int.from_bytes(content_hash[2:4], "big")
        for point, bit in structure.fields:
            if point.name in wanted:
                at = 2 + bit // 8
                size = point.type.width // 8
                data[at : at + size] = wanted[point.name].to_bytes(size, "big")
        self.put(3, 25, bytes(data), vcid)

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        self._clock.sleep(timeout_s)
        events, self.waiting = self.waiting, []
        return events

    def submit(self, telecommand: Telecommand, *, expedited: bool = False) -> Submission:
        telecommand = msgspec.structs.replace(telecommand, sequence_count=len(self.taken))
        self.taken.append(telecommand)
        return Submission(telecommand, telecommand.request_id, TelecommandState.DELIVERED)

    def withdraw(self, submission: Submission) -> None:
        submission.state = TelecommandState.WITHDRAWN

    def state(self) -> LinkState:
        return self.now

    def status(self) -> LinkStatus | None:
        return None

    def close(self) -> None:
        self.closed = True


class Desk:
    """The console of one board. opener: makes the ground; `fly` lets time pass."""

    def __init__(self, opener: Callable[[], Ground], clock: Clock, dictionary: Dictionary = DICTIONARY) -> None:
        self.clock = clock
        self.board = BoardWatch(
            opener, dictionary, name="desk", clock=clock, wall=lambda: wall(clock), sleep=clock.sleep
        )
        self.app = ConsoleApp(self.board, in_thread=False, wall=lambda: wall(clock))
        self.pilot: Pilot[None] | None = None

    def run(self, size: tuple[int, int], work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` with the console on a terminal of this size."""

        async def all_of_it() -> None:
            async with self.app.run_test(size=size) as pilot:
                self.pilot = pilot
                await self.fly(0.1)
                await work()
            self.board.close()

        asyncio.run(all_of_it())

    async def fly(self, seconds: float, turn_s: float = 0.1) -> None:
        """Let time pass, and look."""
        end_s = self.clock() + seconds
        while self.clock() < end_s:
            self.board.turn(turn_s)
        await self.look()

    async def look(self) -> None:
        """Let the screen be drawn."""
        assert self.pilot is not None
        await self.pilot.pause()
        self.app.renew(all_of_it=True)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        assert self.pilot is not None
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """A text at once, as pasted, and Enter."""
        self.app.query_one("#line", Input).insert_text_at_cursor(text)
        await self.look()
        await self.press("enter")
        await self.look()

    @property
    def lines(self) -> list[str]:
        """The screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """The screen as one text; what was wrapped is in one piece again."""
        return " ".join(" ".join(self.lines).replace("┃", " ").split())

    def seen(self, identifier: str) -> str:
        """The same of one panel."""
        region = self.app.query_one(f"#{identifier}").region
        rows = self.lines[region.y : region.bottom]
        return " ".join(" ".join(row[region.x : region.right] for row in rows).split())

    def is_reversed(self, word: str) -> bool:
        """Is a word reversed wherever it stands?"""
        strips = self.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.text.strip() == word]
        assert styles
        return all(style is not None and bool(style.reverse) for style in styles)

    def colours(self, word: str) -> set[str]:
        """Foreground colours in which a word stands on the screen."""
        found = set()
        for strip in self.app.screen._compositor.render_strips():
            for segment in strip:
                if word in segment.text and segment.style is not None and segment.style.color is not None:
                    found.add(segment.style.color.name)
        return found


def wall(clock: Clock) -> float:
    """UTC of a clock."""
    return START_UNIX_S + clock()


def fake_desk() -> tuple[Desk, FakeLink]:
    """A console over a fake link."""
    clock = Clock()
    link = FakeLink(clock)
    return Desk(lambda: Ground(link, DICTIONARY, clock=clock, wall=lambda: wall(clock)), clock), link


def sitl_link(clock: Clock, *folders: Path) -> OwnedLink:
    """A link to the flight software in this process, on the test's clock."""
    board = SitlTransport([CORE, *folders], clock, clock.sleep)
    encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, VolatileNumbers()))
    transport = ReconnectingTransport(lambda: board, clock)
    return OwnedLink(transport, clock, name="sitl", encoder=encoder, first_count=0, sleep=clock.sleep)


def sitl_desk() -> Desk:
    """A console over the flight software with the trial mission."""
    clock = Clock()
    link = sitl_link(clock, TRIAL)
    return Desk(lambda: Ground(link, DICTIONARY, clock=clock, wall=lambda: wall(clock)), clock)
