"""The operators' daily commands over real ports: `sitl` and the emulated board, behind TCP and a pseudo-terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.client.open_ground import open_ground
from perilune.packet.pus import Telecommand
from perilune.telemetry.onboard_time import from_unix

from tests.system.operators_desk import Desk, own_folders
from tests.system.served_board import PtyBoard, QemuTransport, ServedBoard, TcpBoard
from tests.system.targets import QemuTarget

PORTS = [
    pytest.param(("sitl", "tcp"), id="sitl-tcp"),
    pytest.param(("sitl", "pty"), id="sitl-pty"),
    pytest.param(("qemu", "tcp"), id="qemu-tcp", marks=pytest.mark.board),
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


def _parameters(desk: Desk) -> None:
    file = str(desk.folder / "board.toml")
    assert desk.json("params", "set", "trial.gain=7", "trial.colour=red")["trial.gain"]["raw"] == 7
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
    assert desk.json("modes")["mode"] == "SAFE"
    status, _, error = desk.run("modes", "go", "SCIENCE")
    assert (status, "TRANSITION" in error) == (3, True)
    assert desk.json("modes", "go", "STANDBY")["outcome"] == "completed"
    status, _, error = desk.run("send", "TRIAL.SAFE_ONLY")
    assert (status, "not allowed in mode STANDBY" in error) == (1, True)
    assert desk.json("modes")["mode"] == "STANDBY"


def _clock(desk: Desk) -> None:
    clock = desk.json("time", "sync", "--samples", "4", "--interval", "0.1")
    assert abs(clock["before"]["offset_s"]) > 1e6
    # The board reports its time when a cycle comes to it, and a frame waits to be filled: known to half a round trip.
    assert abs(clock["after"]["offset_s"]) < clock["after"]["uncertainty_s"] + 0.2
    assert clock["after"]["status"] == 1


def _schedule(desk: Desk) -> None:
    with open_ground() as ground:
        entries = b""
        for number in (1, 2):
            time = from_unix(ground.wall() + 1000 * number)
            entries += b"\x1e" + time.seconds.to_bytes(4, "big") + bytes(2)
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
