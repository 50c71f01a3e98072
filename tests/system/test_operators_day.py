"""The operators' daily commands over real ports: `sitl` and the emulated board, behind TCP and a pseudo-terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flight.limits import TM_FRAME_LENGTH
from perilune.client.ground import Ground
from perilune.client.open_ground import dictionary_of, find_target, link_to, open_ground
from perilune.console.app import ConsoleApp
from perilune.console.board_watch import BoardWatch
from perilune.packet.pus import Telecommand
from perilune.telemetry.onboard_time import from_unix
from textual.pilot import Pilot

from tests.system.operators_desk import Desk, own_folders
from tests.system.served_board import PtyBoard, QemuTransport, ServedBoard, TcpBoard
from tests.system.targets import TRIAL, QemuTarget

PORTS = [
    pytest.param(("sitl", "tcp"), id="sitl-tcp"),
    pytest.param(("sitl", "pty"), id="sitl-pty", marks=pytest.mark.long),
    pytest.param(("qemu", "tcp"), id="qemu-tcp", marks=(pytest.mark.board, pytest.mark.long)),
    pytest.param(("qemu", "pty"), id="qemu-pty", marks=pytest.mark.board),
]


@contextlib.contextmanager
def served(name: str, port: str, folder: Path) -> Iterator[ServedBoard]:
    """The board of that name behind that kind of port."""
    with contextlib.ExitStack() as stack:
        transport = None
        if name == "qemu":
            target = QemuTarget(folder)
            stack.callback(target.stop)
            transport = QemuTransport(target)
        yield stack.enter_context(TcpBoard(transport) if port == "tcp" else PtyBoard(folder, transport))


@pytest.fixture(params=PORTS)
def desk(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    """A desk with a board that a program shares."""
    with own_folders(tmp_path, monkeypatch), served(request.param[0], request.param[1], tmp_path) as board:
        made = Desk(tmp_path, board.url, capsys)
        with made.share():
            yield made


def test_a_day(desk: Desk) -> None:
    _commands(desk)
    _parameters(desk)
    _modes(desk)
    _clock(desk)
    _schedule(desk)
    _autonomy(desk)
    _housekeeping(desk)
    _events(desk)
    _sequences(desk)


def _housekeeping(desk: Desk) -> None:
    status, out, _ = desk.run("hk", "watch", "trial", "--for", "3s", "--every", "1s")
    assert (status, "trial.gain" in out) == (0, True)
    expect = desk.folder / "expect.toml"
    expect.write_text('[[value]]\npoint = "core.reset_cause"\nequals = "POWER_ON"\nwhen = "last"\n', encoding="utf-8")
    verdict = desk.json("hk", "check", "--for", "4s", "--expect", str(expect))
    assert (verdict["passed"], verdict["begin"] < verdict["end"]) == (True, True)
    expect.write_text('[[value]]\npoint = "trial.gain"\nat_least = 101\nwhen = "once"\n', encoding="utf-8")
    status, out, _ = desk.run("hk", "check", "--for", "6s", "--expect", str(expect))
    assert (status, "value: trial.gain" in out) == (5, True)


def _events(desk: Desk) -> None:
    """An event that is caused while they are watched."""
    timer = threading.Timer(1.0, change_mode)
    timer.start()
    status, out, _ = desk.run("events", "watch", "modes.*", "--for", "6s", "--json")
    timer.join()
    events = [json.loads(line) for line in out.splitlines()]
    assert (status, "modes.changed" in {event["name"] for event in events}) == (0, True)
    assert all(event["received"].startswith("20") for event in events)


def change_mode() -> None:
    """Somebody else at another terminal."""
    with open_ground() as ground:
        assert ground.command("MODES.CHANGE mode=SAFE", timeout_s=20).success


def _sequences(desk: Desk) -> None:
    path = desk.folder / "day.seq"
    path.write_text(
        "SEQUENCE 80 day\nR00:00:00 CORE.SET_PARAMETERS (parameter=trial.gain value=42)\n"
        "WAIT trial.gain == 42 TIMEOUT 00:00:20\nR00:00:30 CORE.PING\n",
        encoding="utf-8",
    )
    assert desk.json("seq", "upload", str(path))["steps"] == 3
    rows = {row["id"]: row["state"] for row in desk.json("seq", "list")}
    assert rows[80] == "loaded"
    assert desk.json("seq", "run", "80", "--detach") == {"id": 80, "started": True}
    rows = {row["id"]: row["state"] for row in desk.json("seq", "list")}
    assert rows[80] == "executed"
    assert desk.json("seq", "abort", "80") == {"aborted": [80]}
    path.write_text("SEQUENCE 80 day\nR00:00:00 CORE.PING\nR00:00:01 CORE.PING\n", encoding="utf-8")
    assert desk.json("seq", "upload", str(path), "--replace")["steps"] == 2
    status, out, _ = desk.run("seq", "run", "80", "--json")
    rows_told = [json.loads(line) for line in out.splitlines()]
    assert (status, [row["step"] for row in rows_told[:-1]], rows_told[-1]["completed"]) == (0, [0, 1], True)
    assert rows_told[0]["received"].startswith("20")
    assert desk.json("seq", "delete", "80") == {"deleted": 80}


def _commands(desk: Desk) -> None:
    slow = desk.json("send", "TRIAL.SLOW steps=2 code=0", "--timeout", "20")
    assert slow["outcome"] == "completed"
    assert [stage["stage"] for stage in slow["stages"]][-4:] == ["acceptance", "start", "progress", "completion"]
    assert "delivered" in {stage["stage"] for stage in slow["stages"]}
    status, out, error = desk.run("send", "TRIAL.SLOW steps=1 code=300", "--timeout", "20")
    assert (status, "NOT completed: app_0x12c" in out, "failed" in error) == (3, True, True)
    status, _, error = desk.run("send", "TRIAL.SLO steps=2")
    assert (status, "Did you mean TRIAL.SLOW" in error) == (2, True)
    status, _, error = desk.run("send", "TRIAL.DANGEROUS")
    assert (status, "--hazardous" in error) == (1, True)
    assert desk.json("send", "TRIAL.DANGEROUS", "--hazardous", "--timeout", "20")["outcome"] == "completed"
    pings = desk.json("ping", "--count", "3", "--interval", "0.1", "--timeout", "20")
    assert (pings["sent"], pings["answered"]) == (3, 3)
    assert 0 < pings["least_s"] <= pings["mean_s"] <= pings["most_s"] < 20
    assert [row["number"] for row in pings["answers"]] == [1, 2, 3]
    assert all(row["received"].startswith("20") and row["onboard"] for row in pings["answers"])


def _parameters(desk: Desk) -> None:
    file = str(desk.folder / "board.toml")
    gain = desk.json("params", "set", "trial.gain=7", "trial.colour=red")["trial.gain"]
    assert (gain["raw"], gain["received"][:2], bool(gain["onboard"])) == (7, "20", True)
    status, _, error = desk.run("params", "set", "trial.gain=101")
    assert (status, "out of range" in error) == (2, True)
    assert desk.run("params", "dump", file)[0] == 0
    assert 'colour = "RED"' in Path(file).read_text(encoding="utf-8")
    assert desk.run("params", "set", "trial.gain=9", "trial.limit=0.3")[0] == 0
    status, out, _ = desk.run("params", "diff", file)
    assert (status, [line.split()[0] for line in out.splitlines()]) == (5, ["parameter", "trial.gain", "trial.limit"])
    loaded = desk.json("params", "load", file)
    assert (sorted(loaded["changed"]), loaded["wrong"]) == (["trial.gain", "trial.limit"], [])
    assert desk.run("params", "diff", file)[:2] == (0, "no difference\n")


def _modes(desk: Desk) -> None:
    shown = desk.json("modes")
    assert (shown["mode"], shown["received"][:2], bool(shown["onboard"])) == ("SAFE", "20", True)
    status, _, error = desk.run("modes", "go", "SCIENCE")
    assert (status, "TRANSITION" in error) == (3, True)
    assert desk.json("modes", "go", "STANDBY")["outcome"] == "completed"
    status, _, error = desk.run("send", "TRIAL.SAFE_ONLY")
    assert (status, "not allowed in mode STANDBY" in error) == (1, True)
    assert desk.json("modes")["mode"] == "STANDBY"


def _clock(desk: Desk) -> None:
    looked = desk.json("time", "status", "--samples", "2", "--interval", "0.1")["now"]
    assert (looked["samples"], looked["status"]) == (2, 0)
    clock = desk.json("time", "sync", "--samples", "4", "--interval", "0.1")
    assert abs(clock["before"]["offset_s"]) > 1e6
    # The board reports its time when a cycle comes to it, and a frame waits to be filled: known to half a round trip.
    assert abs(clock["after"]["offset_s"]) < clock["after"]["uncertainty_s"] + 0.2
    assert clock["after"]["status"] == 1


def _schedule(desk: Desk) -> None:
    with open_ground() as ground:
        entries = b""
        for number in (1, 2):
            release = from_unix(ground.wall() + 1000 * number)
            entries += b"\x1e" + release.seconds.to_bytes(4, "big") + bytes(2)
            entries += Telecommand(100, 17, 1, sequence_count=number).pack()
        run = ground.begin(Telecommand(100, 11, 4, b"\x02" + entries), "insert", 20.0)
        assert ground.follow([run])[0].success
    entries_now = desk.json("schedule")
    assert [entry["request"]["sequence_count"] for entry in entries_now] == [1, 2]
    before = entries_now[0]["release"]["seconds"]
    assert desk.run("schedule", "shift", "0:100:1", "--by", "30")[0] == 0
    assert desk.json("schedule")[0]["release"]["seconds"] == before + 30
    assert desk.run("schedule", "delete", "0:100:1")[0] == 0
    status, out, _ = desk.run("schedule", "list")
    assert (status, "0:100:2" in out, "0:100:1 " in out, "CORE.PING" in out) == (0, True, False, True)
    assert desk.run("schedule", "reset")[0] == 2
    assert desk.run("schedule", "reset", "--all")[0] == 0
    assert desk.json("schedule") == []


def _autonomy(desk: Desk) -> None:
    assert desk.run("events", "disable", "core.*")[0] == 0
    assert [row["id"] for row in desk.json("events", "list")["disabled"]] == [1, 2, 3, 4]
    assert desk.run("events", "enable", "core.*")[0] == 0
    assert desk.json("events", "list") == {"disabled": []}
    assert desk.run("monitors", "enable", "watch.small")[0] == 0
    [watched] = desk.json("monitors", "list", "watch.small")
    assert watched["enabled"] is True
    assert desk.run("monitors", "disable", "watch.small")[0] == 0
    [watched] = desk.json("monitors", "list", "watch.small")
    assert watched["enabled"] is False


@pytest.mark.parametrize("kind", PORTS)
def test_a_gateway_for_a_mission_control_system(
    kind: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames come out as datagrams; what is commanded is test_gateway.py's."""
    with (
        own_folders(tmp_path, monkeypatch),
        served(*kind, tmp_path) as board,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as system,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free,
    ):
        system.bind(("127.0.0.1", 0))
        free.bind(("127.0.0.1", 0))
        desk = Desk(tmp_path, board.url, capsys)
        tc = free.getsockname()[1]
        free.close()
        tm = system.getsockname()[1]
        arguments = ["--tm", f"127.0.0.1:{tm}", "--tc", f"127.0.0.1:{tc}", "--for", "4"]
        assert desk.run("gateway", "board", *arguments)[0] == 0
        system.settimeout(1.0)
        assert len(system.recv(2048)) == TM_FRAME_LENGTH


@pytest.mark.board
def test_the_console_on_the_emulated_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values come, and a command goes to its end."""
    with own_folders(tmp_path, monkeypatch), served("qemu", "pty", tmp_path) as board:
        (tmp_path / "perilune.toml").write_text(
            f'[targets.board]\nport = "{board.url}"\nmissions = ["{TRIAL.as_posix()}"]\n', encoding="utf-8"
        )
        target = find_target(None)
        dictionary = dictionary_of(target)
        watch = BoardWatch(lambda: Ground(link_to(target), dictionary), dictionary, name="board", timeout_s=20)
        app = ConsoleApp(watch)

        async def work() -> None:
            async with app.run_test(size=(120, 40)) as pilot:
                await until(pilot, app, "frames come from")
                await until(pilot, app, "level")
                await pilot.press(*"core.ping", "enter")
                await until(pilot, app, "completed")

        asyncio.run(work())


async def until(pilot: Pilot[None], app: ConsoleApp, text: str) -> None:
    """Wait until it is on the screen."""
    end_s = time.monotonic() + 30
    while text not in shown(app):
        assert time.monotonic() < end_s, f"{text} is not on the screen"
        await pilot.pause(0.1)


def shown(app: ConsoleApp) -> str:
    """The screen as one text."""
    strips = app.screen._compositor.render_strips()
    return " ".join("".join(segment.text for segment in strip) for strip in strips)
