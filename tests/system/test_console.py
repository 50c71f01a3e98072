"""The console on the flight software, as an operator uses it: on the smallest terminal and on a wide one.

Each test writes what was seen to build/console/ as a picture.
"""

from __future__ import annotations

import asyncio
import html
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.client.attached_link import AttachedLink
from perilune.client.ground import Ground
from perilune.client.link_server import LinkServer
from perilune.client.local_address import LocalAddress
from perilune.client.owned_link import OwnedLink
from perilune.client.sitl_transport import SitlTransport
from perilune.console.app import ConsoleApp
from perilune.console.board_watch import BoardWatch
from perilune.console.picture import LARGEST_OCTETS, Moon, draw
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.link.keys import VolatileNumbers
from perilune.link.transport import ReconnectingTransport
from perilune.link.uplink import Authenticator, UplinkEncoder

from tests.host.console_screen import DICTIONARY, SIZES, Desk, sitl_desk
from tests.system.targets import TRIAL

PICTURES = Path(__file__).resolve().parents[2] / "build" / "console"
DEADLINE_S = 30.0


def keep_picture(desk: Desk, name: str) -> None:
    """What is on the screen, as SVG."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = desk.app.export_screenshot()
    assert picture.startswith("<svg")
    assert len(picture) < LARGEST_OCTETS
    (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


@pytest.mark.parametrize("size", SIZES)
def test_a_command_is_typed_with_completion_and_followed(size: tuple[int, int]) -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(3.0)
        assert desk.lines[0].startswith("desk  SAFE   board start + ")
        assert "link up: frames come from sitl" in desk.text
        await desk.press(*"modes.ch")
        await desk.look()
        assert "> MODES.CHANGE" in desk.text
        await desk.press("tab")
        await desk.look()
        assert "> mode= " in desk.text
        await desk.press("tab", *"st", "tab")
        await desk.look()
        assert "MODES.CHANGE mode=STANDBY" in desk.text
        assert "Enter sends" in desk.text
        keep_picture(desk, f"completion-{size[0]}x{size[1]}")
        await desk.press("enter", "f3")
        await desk.fly(3.0)
        for stage in ("delivered (COP-1)", "accepted", "started", "completed"):
            assert f"#1 {stage}, " in desk.seen("commands")
        assert "#1 MODES.CHANGE mode=STANDBY: completed" in desk.seen("commands")
        assert desk.lines[0].startswith("desk  STANDBY ")
        keep_picture(desk, f"commands-{size[0]}x{size[1]}")

    desk.run(size, work)


@pytest.mark.parametrize("size", SIZES)
def test_events_are_shown_as_they_come(size: tuple[int, int]) -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(1.0)
        await desk.press("f4")
        await desk.look()
        assert "info core.boot: Start number 1, cause POWER_ON." in desk.seen("events")
        await desk.type("MODES.CHANGE mode=STANDBY")
        await desk.fly(2.0)
        assert "Mode SAFE ended, mode STANDBY began: COMMAND." in desk.seen("events")
        keep_picture(desk, f"events-{size[0]}x{size[1]}")

    desk.run(size, work)


def test_what_the_board_refuses_is_told_with_its_reason() -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(2.0)
        await desk.press("f3")
        await desk.type("TRIAL.FAIL code=300 after_start=FALSE")
        await desk.type("TRIAL.FAIL code=301 after_start=TRUE")
        await desk.fly(3.0)
        assert "#1 TRIAL.FAIL code=300 after_start=FALSE: failed: app_0x12c" in desk.text
        assert "#2 started, " in desk.text
        assert "#2 TRIAL.FAIL code=301 after_start=TRUE: failed: app_0x12d" in desk.text
        await desk.type("MODES.CHANGE mode=STANDBY")
        await desk.fly(2.0)
        await desk.type("TRIAL.SAFE_ONLY")
        await desk.fly(1.0)
        assert "#4 not sent: TRIAL.SAFE_ONLY is not allowed in mode STANDBY" in desk.text
        keep_picture(desk, "refused")

    desk.run((80, 24), work)


def test_a_hazardous_command_asks_and_is_armed() -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(2.0)
        await desk.press("f3", *"TRIAL.DANGEROUS")
        await desk.look()
        assert "HAZARDOUS" in desk.text
        for answer in (["escape"], ["enter"], [*"no", "enter"]):
            await desk.press("enter")
            await desk.look()
            assert "TRIAL.DANGEROUS is HAZARDOUS" in desk.text
            keep_picture(desk, "hazardous")
            await desk.press(*answer)
            await desk.fly(1.0)
            await desk.press("up")
            await desk.look()
        assert desk.text.count("TRIAL.DANGEROUS: not sent") == 3
        assert desk.board.snapshot().under_way == 0
        await desk.press("enter", *"yes", "enter")
        await desk.fly(3.0)
        assert "#1 arming completed, " in desk.text
        assert "#1 TRIAL.DANGEROUS: completed" in desk.text

    desk.run((80, 24), work)


def test_a_sequence_is_started_followed_and_aborted() -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(2.0)
        assert "not asked" not in desk.text
        await desk.press("f5")
        await desk.fly(2.0)
        assert "> 1 stored.mixed loaded 4 steps" in desk.text
        await desk.press("escape", "s")
        await desk.look()
        assert "Start sequence 1 stored.mixed It has 4 steps." in desk.text
        await desk.press(*"yes", "enter")
        await desk.fly(1.0)
        assert "1 stored.mixed ██░░░░░░░░ 2/4" in desk.text
        assert "WAIT trial.level" in desk.text
        keep_picture(desk, "sequence")
        await desk.press("a")
        await desk.fly(2.0)
        assert "1 stored.mixed loaded 4 steps" in desk.text
        assert any("SEQUENCE.ABORT sequence=1: completed" in line.text for line in desk.board.commands.since(0))
        assert any("sequence.aborted" in line.text for line in desk.board.events.since(0))

    desk.run((80, 24), work)


def test_the_terminal_changes_its_size() -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(3.0)
        await desk.type("CORE.PING")
        await desk.fly(1.0)
        assert "commands" not in "".join(desk.lines[2:-3])
        assert desk.pilot is not None
        for width, height in ((120, 40), (200, 60), (80, 24), (60, 15), (30, 8), (80, 24)):
            await desk.pilot.resize_terminal(width, height)
            await desk.fly(0.5)
            assert len(desk.lines) == height
            both = "─commands" in "\n".join(desk.lines)
            assert both == (width >= 110)
            assert any("core.health" in line or "trial" in line for line in desk.lines) or height < 10
        assert "F6 link" in desk.lines[-1]
        await desk.press("f3")
        await desk.look()
        assert "#1 CORE.PING: completed" in desk.text

    desk.run((80, 24), work)


def test_counters_of_the_link_are_shown() -> None:
    desk = sitl_desk()

    async def work() -> None:
        await desk.fly(2.0)
        await desk.press("f6")
        await desk.fly(1.0)
        assert "CLCW V(R) 0, no flags" in desk.text
        assert "dictionary match" in desk.text
        assert "packets " in desk.text
        await desk.type("CORE.PING")
        await desk.fly(2.0)
        assert "FOP-1 ACTIVE" in desk.text
        assert "delivered 1, waiting 0" in desk.text

    desk.run((80, 24), work)


def test_the_picture_of_the_documents(tmp_path: Path) -> None:
    """Flown twice, for a shorter time: the same each time, small, and nothing in it is fetched."""
    drawn = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        moon = Moon(tmp_path / name)
        drawn.append(asyncio.run(draw(moon, settle_s=30.0)))
        moon.watch.close()
    assert drawn[0] == drawn[1]
    text = html.unescape(drawn[0]).replace("\xa0", " ")
    assert len(drawn[0].encode()) < LARGEST_OCTETS
    assert not re.search(r"url\((?!#)|href=", text)
    for shown in ("NOMINAL", "battery_soc", "zone=BATTERY", "5/6 ", "WAIT power."):
        assert shown in text, shown


class SharedBoard:
    """The flight software behind a shared port, in real time, in a thread: what `perilune link -t sitl` is."""

    def __init__(self, address: LocalAddress) -> None:
        board = SitlTransport([CORE, TRIAL])
        encoder = UplinkEncoder(Authenticator(*BENCH_KEYS, VolatileNumbers()))
        link = OwnedLink(ReconnectingTransport(lambda: board, time.monotonic), name="shared", encoder=encoder)
        self._server = LinkServer(link, address)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="owner")
        self._thread.start()

    def _serve(self) -> None:
        while not self._end.is_set():
            self._server.step(0.02)

    def stop(self) -> None:
        """The owner ends."""
        if not self._end.is_set():
            self._end.set()
            self._thread.join()
            self._server.close()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedBoard]:
    monkeypatch.setenv("PERILUNE_RUNTIME_DIR", str(tmp_path / "run"))
    board = SharedBoard(LocalAddress("shared"))
    yield board
    board.stop()


def test_beside_the_program_that_owns_the_port(shared: SharedBoard) -> None:
    """With its own thread, as it is used: nothing here lets time pass but the clock."""

    def opener() -> Ground:
        link = AttachedLink("shared", LocalAddress("shared"))
        assert link.attach()
        return Ground(link, DICTIONARY)

    board = BoardWatch(opener, DICTIONARY, name="shared")
    app = ConsoleApp(board)

    async def until(text: str) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while True:
            strips = app.screen._compositor.render_strips()
            seen = " ".join(" ".join("".join(segment.text for segment in strip) for strip in strips).split())
            if text in seen:
                return
            assert time.monotonic() < end_s, f"{text!r} did not come:\n{seen}"
            await asyncio.sleep(0.05)

    async def work() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(" uptime_s ")
            await pilot.press(*"CORE.PING", "enter", "f3")
            await until("#1 CORE.PING: completed")
            shared.stop()
            await until("link no owner: the program that owned shared has ended; try: start `perilune link")

    asyncio.run(work())
    assert board.failure is None
    assert not [thread for thread in threading.enumerate() if thread.name == "link"]
